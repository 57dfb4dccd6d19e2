"""A loopback server that plays raw Salesforce answers, broken ones included.

It knows nothing of Salesforce but the four questions of a first connection; everything else is
answered from a list that the test writes.
"""

from __future__ import annotations

import json
import socket
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Any
from urllib.parse import parse_qs, urlsplit

ORG_ID = "00D000000000001EAA"
RECORD_TYPE_ID = "012000000000001AAA"
US = "005000000000001AAA"
ANA = "005000000000002AAA"
BEN = "005000000000003AAA"
QUEUE = "00G000000000001AAA"
USERS = [
    {"Id": US, "Name": "Integration User", "Email": "sync@example.com", "IsActive": True},
    {"Id": ANA, "Name": "Ana López", "Email": "ana@example.com", "IsActive": True},
    {"Id": BEN, "Name": "Ben Left", "Email": "ben@example.com", "IsActive": False},
]


@dataclass(frozen=True)
class Request:
    """One request as it arrived."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    raw_body: bytes
    target: str

    @property
    def json(self) -> Any:
        return json.loads(self.raw_body) if self.raw_body else None

    @property
    def soql(self) -> str:
        return self.query.get("q", "")


@dataclass(frozen=True)
class Reply:
    """What goes back: a whole answer; only its first ``cut`` bytes; or nothing at all.

    ``after``: "close" ends the connection, "reset" tears it down, "hang" leaves it open.
    """

    data: bytes = b""
    cut: int | None = None
    after: str = "keep"


Answer = Reply | Callable[[Request], Reply]

CLOSED = Reply(after="close")
RESET = Reply(after="reset")
SILENT = Reply(after="hang")


def reply(status: int, body: Any = None, cut: int | None = None, **headers: str) -> Reply:
    """An HTTP answer; a str body goes as it is, anything else as JSON, None without a body."""
    content = b""
    if body is not None:
        content = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(content)}"]
    if status == 204:
        lines.pop()
    given = {"Date": formatdate(usegmt=True), "Content-Type": "application/json"}
    given |= {name.replace("_", "-"): value for name, value in headers.items()}
    lines += [f"{name}: {value}" for name, value in given.items() if value]
    data = ("\r\n".join(lines) + "\r\n\r\n").encode() + content
    return Reply(data, cut, "keep" if cut is None else "close")


def error(status: int, code: str, message: str = "no", fields: list[str] | None = None) -> Reply:
    """A Salesforce error body."""
    return reply(status, [{"message": message, "errorCode": code, "fields": fields or []}])


def records(*rows: dict[str, Any]) -> Reply:
    """A query's only page."""
    return reply(200, {"totalSize": len(rows), "done": True, "records": list(rows)})


def row_ok(record_id: str, created: bool = False) -> dict[str, Any]:
    """A collections result."""
    return {"id": record_id, "success": True, "created": created, "errors": []}


def row_error(code: str, message: str = "no", fields: list[str] | None = None) -> dict[str, Any]:
    """A collections result that failed: ``statusCode``, not ``errorCode``."""
    return {
        "id": None,
        "success": False,
        "errors": [{"statusCode": code, "message": message, "fields": fields or []}],
    }


@dataclass
class ScriptedOrg:
    """The server. ``answers`` are used up in order by everything that is not the connection's."""

    answers: list[Answer] = field(default_factory=list)
    connecting: dict[str, Answer] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)
    all_requests: list[Request] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.listening = True
        self._open: list[socket.socket] = []
        self.connecting = {
            "FROM Organization": records({"Id": ORG_ID}),
            "FROM RecordType": records({"Id": RECORD_TYPE_ID}),
            "FROM User": records(*USERS),
            "/services/oauth2/userinfo": reply(200, {"user_id": US, "organization_id": ORG_ID}),
        } | self.connecting
        threading.Thread(target=self._accept, daemon=True).start()

    def play(self, *answers: Answer) -> None:
        """What the next requests get."""
        self.answers += answers

    def stop_listening(self) -> None:
        """Refuse every new connection."""
        self.listening = False
        # close alone does not wake an accept that waits.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def close(self) -> None:
        """Refuse new connections and drop the open ones."""
        if self.listening:
            self.stop_listening()
        for connection in self._open:
            connection.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._open.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        stream = connection.makefile("rb")
        while True:
            try:
                request = _parse(stream)
            except (OSError, ValueError):
                return
            if request is None:
                connection.close()
                return
            answer = self._answer(request)
            try:
                connection.sendall(answer.data[: answer.cut])
            except OSError:
                return
            if answer.after == "hang":
                return
            if answer.after == "reset":
                linger = struct.pack("ii", 1, 0)
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            if answer.after != "keep":
                stream.close()
                connection.close()
                return

    def _answer(self, request: Request) -> Reply:
        self.all_requests.append(request)
        for key, answer in self.connecting.items():
            if key in request.soql or key == request.path:
                return _play(answer, request)
        self.requests.append(request)
        if not self.answers:
            return error(500, "NOT_SCRIPTED", request.target)
        return _play(self.answers.pop(0), request)


def _play(answer: Answer, request: Request) -> Reply:
    return answer if isinstance(answer, Reply) else answer(request)


def _parse(stream: Any) -> Request | None:
    first = stream.readline().decode("latin-1").split()
    if len(first) < 2:
        return None
    headers: dict[str, str] = {}
    while line := stream.readline().decode("latin-1").strip():
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    body = stream.read(int(headers.get("content-length", "0")))
    parts = urlsplit(first[1])
    query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    return Request(first[0], parts.path, query, headers, body, first[1])
