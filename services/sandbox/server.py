"""Running the server: a socket on the loopback, uvicorn behind it, and its end."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
import threading
import time
from typing import Any

import uvicorn
from starlette.requests import Request
from uvicorn.protocols.http.h11_impl import H11Protocol

from services.sandbox.app import build
from services.sandbox.org import Org

HOST = "127.0.0.1"
_IDLE_S = 75
_GRACE_S = 1
_transports: dict[Any, asyncio.Transport] = {}


class TrackedProtocol(H11Protocol):
    """Remembers each connection's transport by its far end, so that a fault can cut it."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        _transports[transport.get_extra_info("peername")] = transport

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        _transports.pop(self.transport.get_extra_info("peername"), None)


class Server(uvicorn.Server):
    """Ends by itself after ``patience`` seconds without a request; None: never."""

    def __init__(self, config: uvicorn.Config, patience: float | None) -> None:
        super().__init__(config)
        self._patience = patience
        self._answered, self._since = 0, time.monotonic()
        self.tired = False

    async def on_tick(self, counter: int) -> bool:
        """uvicorn asks ten times a second whether to end."""
        state, now = self.server_state, time.monotonic()
        if state.tasks or state.total_requests != self._answered:
            self._answered, self._since = state.total_requests, now
        self.tired = self._patience is not None and now - self._since > self._patience
        return self.tired or await super().on_tick(counter)


def listen(port: int) -> socket.socket:
    """A listening socket; port 0 takes any free one. Raises OSError."""
    # With the protocol named, asyncio turns Nagle's algorithm off: it costs 40 ms an answer.
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    if os.name == "posix":
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((HOST, port))
        sock.listen(128)
    except OSError:
        sock.close()
        raise
    return sock


def serve(
    org: Org, sock: socket.socket, *, parent_pipe: bool, patience: float | None = None
) -> bool:
    """Serve until a signal, or until standard input closes where that is the parent's pipe; True
    where it ended because nothing was asked for ``patience`` seconds.

    Call it on the main thread. ``sock`` is closed.
    """
    config = uvicorn.Config(
        build(org, _cut),
        http=TrackedProtocol,
        ws="none",
        loop="asyncio",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        timeout_keep_alive=_IDLE_S,
        timeout_graceful_shutdown=_GRACE_S,
    )
    server = Server(config, patience)
    if parent_pipe:
        threading.Thread(target=_watch_parent, args=(server,), daemon=True).start()
    # uvicorn raises the signal that ended it once more; SIGTERM is to end like Ctrl+C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with contextlib.suppress(KeyboardInterrupt):
        server.run(sockets=[sock])
        return server.tired and not server.should_exit
    return False


def _cut(request: Request) -> None:
    client = request.scope.get("client")
    transport = _transports.get(tuple(client)) if client else None
    if transport is not None:
        transport.abort()


def _watch_parent(server: uvicorn.Server) -> None:
    """End with the parent: its end of the pipe closes however it dies."""
    while sys.stdin.buffer.read(4096):
        pass
    server.should_exit = True
