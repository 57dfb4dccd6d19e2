"""Loopback peers for the real client: a proxy that loses answers, and servers that refuse."""

from __future__ import annotations

import contextlib
import datetime as dt
import http.server
import ipaddress
import json
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import grpc
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

FRAME_HEADER = 9  # RFC 9113, section 4.1: length 3, type 1, flags 1, stream 4
DATA, HEADERS = 0, 1


class Mode(Enum):
    """What the proxy does with what passes."""

    PASS = "everything goes through"
    CUT_REPLY = "the request arrives; the connection breaks when its answer comes"
    SWALLOW_REPLY = "the request arrives; its answer never comes"
    CUT_REQUEST = "the connection breaks before the request arrives"


class Proxy:
    """A TCP proxy on loopback in front of one address."""

    def __init__(self, port: int) -> None:
        self.mode = Mode.PASS
        self.connections = 0
        self._upstream = ("127.0.0.1", port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._listener.getsockname()[1]}"

    def close(self) -> None:
        for each in (self._listener, *self._open):
            _shut(each)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            server = socket.create_connection(self._upstream)
            self._open += [client, server]
            for pump in (self._requests, self._replies):
                threading.Thread(target=pump, args=(client, server), daemon=True).start()

    def _requests(self, client: socket.socket, server: socket.socket) -> None:
        with _both_closed(client, server):
            while data := client.recv(65536):
                if self.mode is Mode.CUT_REQUEST:
                    return
                server.sendall(data)

    def _replies(self, client: socket.socket, server: socket.socket) -> None:
        """Frame by frame: settings and pings pass, so that only an answer is lost."""
        with _both_closed(client, server), server.makefile("rb") as stream:
            while header := stream.read(FRAME_HEADER):
                frame = header + stream.read(int.from_bytes(header[:3], "big"))
                if header[3] in (DATA, HEADERS):
                    if self.mode is Mode.CUT_REPLY:
                        return
                    if self.mode is Mode.SWALLOW_REPLY:
                        continue
                client.sendall(frame)


@contextlib.contextmanager
def _both_closed(client: socket.socket, server: socket.socket) -> Iterator[None]:
    with contextlib.suppress(OSError, ValueError):
        yield
    _shut(client)
    _shut(server)


def _shut(each: socket.socket) -> None:
    with contextlib.suppress(OSError):
        each.shutdown(socket.SHUT_RDWR)
    each.close()


@dataclass
class Refuser:
    """A gRPC server that answers every call with one status and counts the calls."""

    code: grpc.StatusCode = grpc.StatusCode.UNAVAILABLE
    message: str = "refused"
    trailers: tuple[tuple[str, bytes], ...] = ()
    calls: list[str] = field(default_factory=list)

    def service(self, details: Any) -> Any:
        def answer(_request: bytes, context: Any) -> bytes:
            self.calls.append(details.method.rpartition("/")[2])
            context.set_trailing_metadata(self.trailers)
            context.abort(self.code, self.message)
            raise AssertionError("abort raises")

        def answers(request: bytes, context: Any) -> Iterator[bytes]:
            yield answer(request, context)

        if details.method.endswith("/BatchWrite"):
            return grpc.unary_unary_rpc_method_handler(answer)
        return grpc.unary_stream_rpc_method_handler(answers)


class _Handler(grpc.GenericRpcHandler):
    def __init__(self, service: Callable[[Any], Any]) -> None:
        self._service = service

    def service(self, details: Any) -> Any:
        return self._service(details)


@contextlib.contextmanager
def serving(refuser: Refuser, credentials: Any = None, port: int = 0) -> Iterator[int]:
    """The refuser's port on loopback (any free one for 0); TLS where credentials are given."""
    server = grpc.server(ThreadPoolExecutor(4), handlers=[_Handler(refuser.service)])
    if credentials is None:
        port = server.add_insecure_port(f"127.0.0.1:{port}")
    else:
        port = server.add_secure_port(f"127.0.0.1:{port}", credentials)
    server.start()
    try:
        yield port
    finally:
        server.stop(None).wait()


def self_signed() -> tuple[bytes, bytes]:
    """A key and a certificate for localhost, PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    hosts = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(hosts), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return private, certificate.public_bytes(serialization.Encoding.PEM)


@contextlib.contextmanager
def token_server(answer: dict[str, str], asked: list[str] | None = None) -> Iterator[str]:
    """A sign-in server on loopback that refuses everything with this answer; its URL.

    The paths it is asked for are added to ``asked``.
    """

    class Answering(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            if asked is not None:
                asked.append(self.path)
            body = json.dumps(answer).encode()
            self.send_response(400)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing on stderr."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/token"
    finally:
        server.shutdown()
        server.server_close()
