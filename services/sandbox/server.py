"""Running the server: a socket on the loopback, uvicorn behind it, and its end."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
import threading
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


def serve(org: Org, sock: socket.socket, *, parent_pipe: bool) -> None:
    """Serve until a signal, or until standard input closes where that is the parent's pipe.

    Call it on the main thread.
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
    server = uvicorn.Server(config)
    if parent_pipe:
        threading.Thread(target=_watch_parent, args=(server,), daemon=True).start()
    # uvicorn raises the signal that ended it once more; SIGTERM is to end like Ctrl+C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with contextlib.suppress(KeyboardInterrupt):
        server.run(sockets=[sock])


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
