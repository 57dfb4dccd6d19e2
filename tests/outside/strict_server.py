"""The strict organisation behind HTTP, its log of calls, and its bad days.

``Fault`` says what goes wrong with the next calls that match; ``StrictServer.calls`` is every call
that arrived, in order.
"""

from __future__ import annotations

import base64
import datetime as dt
import json
import secrets
import sys
import threading
import time
import urllib.parse
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import format_datetime, parsedate_to_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from tests.outside.strict_org import ROBOT, BadRequest, Row, StrictOrg, check_shape
from tests.outside.strict_schema import KEY, Errors, error, full_id

DATA = "/services/data/"
WRITES = ("upsert", "update", "delete", "row")
STAMP = "%Y-%m-%dT%H:%M:%S.000+0000"


@dataclass(frozen=True)
class Call:
    """One call: ``kind`` is login, identity, query, upsert, update, delete, row, read or other.
    A row is one record written by its Id, a read one that is only looked at."""

    kind: str
    method: str
    path: str
    query: Mapping[str, str]
    body: Any
    headers: Mapping[str, str]
    at: float = field(default_factory=time.monotonic)

    @property
    def rows(self) -> int:
        """How many records it writes."""
        if self.kind == "delete":
            return len(self.query.get("ids", "").split(","))
        return len(self.body["records"]) if self.kind in ("upsert", "update") else 1


@dataclass
class Answer:
    """What goes back: status, body (JSON unless it is text), headers."""

    status: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Fault:
    """What goes wrong. ``on``: a kind of call, or any, read, write; ``asking``: a text in the
    query. ``skip`` such calls pass first, then ``times`` are hit (None: all).

    ``instead``: this answer, and nothing is applied. ``lost``: applied, and this answer.
    ``cut``: before, after or in the middle. ``slow``: seconds before the call is applied.
    ``refuse``: code and words for a row's record, or None. ``first``: runs before the call is
    applied, ``then`` after it.
    """

    on: str = "any"
    asking: str = ""
    times: int | None = 1
    skip: int = 0
    instead: Answer | None = None
    lost: Answer | None = None
    cut: str = ""
    slow: float = 0.0
    refuse: Callable[[Mapping[str, Any]], tuple[str, str] | None] | None = None
    first: Callable[[], None] | None = None
    then: Callable[[], None] | None = None
    hits: int = 0

    def wants(self, call: Call) -> bool:
        """Whether it hits this call; counts it."""
        if not is_of(call, self.on) or self.hits == self.times:
            return False
        if self.asking not in call.query.get("q", ""):
            return False
        if self.skip:
            self.skip -= 1
            return False
        self.hits += 1
        return True


def is_of(call: Call, kind: str) -> bool:
    """Whether a call is of a kind or a group of kinds."""
    groups = {"any": True, "write": call.kind in WRITES, "read": call.kind in ("query", "read")}
    return groups.get(kind, call.kind == kind)


def refusal(status: int, code: str, message: str, **headers: str) -> Answer:
    """An error as Salesforce writes it."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, [{"message": message, "errorCode": code}], named)


class StrictServer:
    """One organisation on a loopback port. ``page`` is how many records a query answers at once,
    ``limit`` the calls of a day."""

    def __init__(self, org: StrictOrg, *, page: int = 2000, limit: int = 100_000) -> None:
        self.org = org
        self.page, self.limit, self.used = page, limit, 0
        self.calls: list[Call] = []
        self.faults: list[Fault] = []
        self.client_id, self.username = "", ""
        self.public_key: rsa.RSAPublicKey | None = None
        self.assertions: list[dict[str, Any]] = []
        self._tokens: dict[str, str] = {}
        self.revoke()
        self._cursors: dict[str, list[Row]] = {}
        server = self
        handler = type("Bound", (_Handler,), {"server_of": server})
        self._http = _Quiet(("127.0.0.1", 0), handler)
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """``http://127.0.0.1:port``."""
        return f"http://127.0.0.1:{self._http.server_port}"

    @property
    def token(self) -> str:
        """An access token of the integration user that is good now."""
        return self._token_of(ROBOT)

    @property
    def human_token(self) -> str:
        """An access token of a person."""
        return self._token_of(self.org.human)

    def stop(self) -> None:
        """Nobody listens afterwards."""
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def inject(self, **fault: Any) -> Fault:
        """A fault for what comes next (see Fault)."""
        made = Fault(**fault)
        self.faults.append(made)
        return made

    def revoke(self) -> None:
        """No token that was given out is good any more."""
        self._tokens = {f"00D!{secrets.token_hex(16)}": by for by in (ROBOT, self.org.human)}

    def _token_of(self, user: str) -> str:
        return next(token for token, by in self._tokens.items() if by == user)

    def count(self, kind: str) -> int:
        """Calls of a kind, or of a group as Fault.on has them."""
        return sum(is_of(call, kind) for call in list(self.calls))

    def forget(self) -> None:
        """No more faults, and a new log of calls."""
        self.faults.clear()
        self.calls.clear()

    def handle(self, call: Call) -> tuple[Answer, Fault | None]:
        """The answer to a call, and the fault that it met."""
        with self.org.lock:
            self.calls.append(call)
            fault = next((each for each in self.faults if each.wants(call)), None)
            self.used += call.kind not in ("login", "identity")
        if fault is not None:
            time.sleep(fault.slow)
            if fault.instead is not None or fault.cut == "before":
                return fault.instead or Answer(500), fault
            if fault.first is not None:
                fault.first()
        with self.org.lock:
            try:
                answer = self._answer(call, fault.refuse if fault else None)
            except BadRequest as bad:
                answer = refusal(bad.status, bad.code, bad.message)
        if fault is not None and fault.then is not None:
            fault.then()
        return (fault.lost if fault and fault.lost else answer), fault

    def _answer(self, call: Call, refuse: Any) -> Answer:
        if call.kind == "login":
            return self._login(call)
        by = self._tokens.get(call.headers.get("authorization", "").removeprefix("Bearer "))
        if by is None:
            return refusal(401, "INVALID_SESSION_ID", "Session expired or invalid")
        if call.kind == "identity":
            return Answer(200, {"user_id": by, "organization_id": self.org.org_id})
        match call.kind:
            case "query":
                return self._query(call)
            case "upsert" | "update":
                return self._collection(call, refuse, by)
            case "delete":
                return self._delete(call, by)
            case "row" | "read":
                return self._row(call, by)
        if call.path.endswith("/limits"):
            left = self.limit - self.used
            return Answer(200, {"DailyApiRequests": {"Max": self.limit, "Remaining": left}})
        if call.path.endswith(("/deleted", "/updated")):
            return self._replicated(call)
        raise BadRequest(404, "NOT_FOUND", "The requested resource does not exist")

    def _login(self, call: Call) -> Answer:
        """The JWT bearer flow (RFC 7523), checked to the letter."""
        form = call.body
        grant = "urn:ietf:params:oauth:grant-type:jwt-bearer"
        if call.method != "POST" or form.get("grant_type") != grant:
            return _oauth("unsupported_grant_type", "grant type not supported")
        try:
            claims = self._claims(form.get("assertion", ""))
        except (ValueError, InvalidSignature):
            return _oauth("invalid_grant", "invalid assertion")
        self.assertions.append(claims)
        if claims.get("iss") != self.client_id:
            return _oauth("invalid_client_id", "client identifier invalid")
        if claims.get("aud") != self.url or claims.get("sub") != self.username:
            return _oauth("invalid_grant", "user hasn't approved this consumer")
        left = claims["exp"] - self.org.now().timestamp()
        if type(claims["exp"]) is not int or not 0 < left <= 300:
            return _oauth("invalid_grant", "expired authorization code")
        token = f"00D!{secrets.token_hex(16)}"
        self._tokens[token] = ROBOT
        identity = f"{self.url}/id/{self.org.org_id}/{ROBOT}"
        body = {"access_token": token, "instance_url": self.url, "id": identity}
        return Answer(200, {**body, "token_type": "Bearer", "scope": "api"})

    def _claims(self, assertion: str) -> dict[str, Any]:
        head, payload, signature = assertion.split(".")
        if self.public_key is None or json.loads(_decoded(head)).get("alg") != "RS256":
            raise ValueError(head)
        signed = f"{head}.{payload}".encode()
        self.public_key.verify(_decoded(signature), signed, padding.PKCS1v15(), hashes.SHA256())
        return dict(json.loads(_decoded(payload)))

    def _query(self, call: Call) -> Answer:
        tail = call.path.rsplit("/", 1)[-1]
        if tail in ("query", "queryAll"):
            rows = self.org.query(call.query.get("q", ""), everything=tail == "queryAll")
            if isinstance(rows, int):
                return Answer(200, {"totalSize": rows, "done": True, "records": []})
            whole, at, cursor = len(rows), 0, secrets.token_hex(6)
            self._cursors[cursor] = rows
        else:
            cursor, _, place = tail.partition("-")
            if cursor not in self._cursors:
                raise BadRequest(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
            rows, at = self._cursors[cursor], int(place)
            whole = len(rows)
        body = {"totalSize": whole, "done": True, "records": rows[at : at + self.page]}
        if at + self.page < whole:
            base = call.path[: call.path.index("/query")]
            body |= {"done": False, "nextRecordsUrl": f"{base}/query/{cursor}-{at + self.page}"}
        return Answer(200, body)

    def _collection(self, call: Call, refuse: Any, by: str) -> Answer:
        body = call.body
        if not isinstance(body, dict) or body.get("allOrNone") is not False:
            raise BadRequest(400, "INVALID_ARGUMENT", "allOrNone has to be said, and to be false")
        records = body.get("records")
        if not isinstance(records, list) or not 1 <= len(records) <= 200:
            raise BadRequest(400, "INVALID_ARGUMENT", "records: 1 to 200")
        for record in records:
            self._check_record(call.kind, record)
        keys = [full_id(r["id"]) if call.kind == "update" else r.get(KEY) for r in records]
        results = []
        for record, key in zip(records, keys, strict=True):
            refused = refuse(record) if refuse else None
            if keys.count(key) > 1:
                words = f"Duplicate external id specified: {key}"
                results.append(_failed([error("DUPLICATE_VALUE", words, KEY)]))
            elif refused is not None:
                results.append(_failed([error(*refused)]))
            elif call.kind == "upsert":
                made, created, problems = self.org.upsert(_fields(record), by)
                good = {"id": made, "success": True, "errors": [], "created": created}
                results.append(_failed(problems) if problems else good)
            else:
                problems = self.org.update(record["id"], _fields(record), by)
                good = {"id": key, "success": True, "errors": []}
                results.append(_failed(problems, key) if problems else good)
        return Answer(200, results)

    def _check_record(self, kind: str, record: Any) -> None:
        if not isinstance(record, dict) or record.get("attributes", {}).get("type") != "Ticket__c":
            raise BadRequest(400, "INVALID_TYPE", "attributes.type is Ticket__c in every record")
        has_id = "id" in record or "Id" in record
        if has_id is not (kind == "update"):
            words = "id is for updates" if has_id else "an update needs the id"
            raise BadRequest(400, "INVALID_FIELD", words)
        for name, value in _fields(record).items():
            if name != "Parent_Initiative__r":
                check_shape(name, value)

    def _delete(self, call: Call, by: str) -> Answer:
        ids = [each for each in call.query.get("ids", "").split(",") if each]
        if not 1 <= len(ids) <= 200 or len(set(ids)) != len(ids):
            raise BadRequest(400, "INVALID_ARGUMENT", "ids: 1 to 200, each once")
        results = []
        for each in ids:
            problems = self.org.delete(each, by)
            good = {"id": full_id(each), "success": True, "errors": []}
            results.append(_failed(problems, each) if problems else good)
        return Answer(200, results)

    def _row(self, call: Call, by: str) -> Answer:
        parts = call.path.split("/sobjects/Ticket__c/", 1)[-1].split("/")
        row_id = urllib.parse.unquote(parts[0])
        if len(parts) != 1 or call.method not in ("GET", "PATCH", "DELETE"):
            raise BadRequest(405, "METHOD_NOT_ALLOWED", "HTTP method not allowed")
        if call.method == "GET":
            return self._read(call, row_id)
        guard = call.headers.get("if-unmodified-since")
        if call.method == "DELETE":
            problems = self.org.delete(row_id, by)
        elif guard is not None and self.org.is_newer(row_id, parsedate_to_datetime(guard)):
            return Answer(412, [{"errorCode": "PRECONDITION_FAILED", "message": "modified since"}])
        else:
            problems = self.org.update(row_id, call.body, by)
        if problems:
            missing = ("ENTITY_IS_DELETED", "INVALID_CROSS_REFERENCE_KEY")
            about_the_row = problems[0]["statusCode"] in missing and not problems[0]["fields"]
            return Answer(
                404 if about_the_row else 400,
                [{"errorCode": p["statusCode"], **_without_code(p)} for p in problems],
            )
        return Answer(204)

    def _read(self, call: Call, row_id: str) -> Answer:
        row = self.org.found(row_id)
        changed = dt.datetime.fromisoformat(row["LastModifiedDate"])
        since = call.headers.get("if-modified-since")
        if since is not None and changed <= parsedate_to_datetime(since):
            return Answer(304)
        names = [name for name in call.query.get("fields", "").split(",") if name] or list(row)
        for name in names:
            if name not in row:
                raise BadRequest(400, "INVALID_FIELD", f"No such column '{name}'")
        attributes = {"type": "Ticket__c", "url": call.path}
        return Answer(200, {"attributes": attributes, **{name: row[name] for name in names}})

    def _replicated(self, call: Call) -> Answer:
        """getUpdated and getDeleted, 30 and 15 days back at most."""
        start, end = (_moment(call.query.get(name, "")) for name in ("start", "end"))
        gone = call.path.endswith("/deleted")
        now = self.org.now()
        earliest = now - dt.timedelta(days=15 if gone else 30)
        if (end - start).total_seconds() <= 60 or start < earliest:
            raise BadRequest(400, "INVALID_REPLICATION_DATE", "startDate is too near or too far")
        covered = min(end, now).strftime(STAMP)
        if not gone:
            ids = self.org.updated_between(start, end)
            return Answer(200, {"ids": ids, "latestDateCovered": covered})
        rows = [{"id": i, "deletedDate": at} for i, at in self.org.deleted_between(start, end)]
        dates = {"latestDateCovered": covered, "earliestDateAvailable": earliest.strftime(STAMP)}
        return Answer(200, {"deletedRecords": rows, **dates})


def _moment(text: str) -> dt.datetime:
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        raise BadRequest(400, "INVALID_FIELD", f"{text!r} is no date and time") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)


def _fields(record: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in record.items() if name not in ("attributes", "id")}


def _failed(problems: Errors, row_id: str | None = None) -> dict[str, Any]:
    found: dict[str, Any] = {"success": False, "errors": problems}
    return {"id": row_id, **found} if row_id else found


def _without_code(problem: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in problem.items() if name != "statusCode"}


def _oauth(code: str, words: str) -> Answer:
    return Answer(400, {"error": code, "error_description": words})


def _decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def kind_of(method: str, path: str) -> str:
    """What a call is, by its address."""
    if path == "/services/oauth2/token":
        return "login"
    if path == "/services/oauth2/userinfo":
        return "identity"
    rest = path.removeprefix(DATA).partition("/")[2]
    if rest.startswith(("query/", "queryAll")) or rest == "query":
        return "query"
    known = {
        ("PATCH", f"composite/sobjects/Ticket__c/{KEY}"): "upsert",
        ("PATCH", "composite/sobjects"): "update",
        ("DELETE", "composite/sobjects"): "delete",
    }
    if (method, rest) in known:
        return known[(method, rest)]
    if not rest.startswith("sobjects/Ticket__c") or rest.endswith(("/updated", "/deleted")):
        return "other"
    return "read" if method == "GET" else "row"


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that was killed leaves its connection; anything else is a fault of ours."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    server_of: StrictServer
    protocol_version = "HTTP/1.1"

    def _go(self) -> None:
        parts = urllib.parse.urlsplit(self.path)
        size = int(self.headers.get("Content-Length") or 0)
        raw = self.rfile.read(size)
        if len(self.path) > 16_384:
            self._send(Answer(414, "URI Too Long"))
            return
        path = parts.path.rstrip("/")
        kind = kind_of(self.command, path)
        try:
            body: Any = json.loads(raw) if raw and kind != "login" else None
        except ValueError:
            self._send(refusal(400, "JSON_PARSER_ERROR", "no JSON"))
            return
        if kind == "login":
            body = dict(urllib.parse.parse_qsl(raw.decode()))
        headers = {name.lower(): value for name, value in self.headers.items()}
        query = dict(urllib.parse.parse_qsl(parts.query, keep_blank_values=True))
        call = Call(kind, self.command, path, query, body, headers)
        answer, fault = self.server_of.handle(call)
        if fault is not None and fault.cut in ("before", "after"):
            self.close_connection = True
            return
        self._send(answer, cut=fault is not None and fault.cut == "middle")

    do_GET = do_POST = do_PATCH = do_DELETE = do_PUT = _go

    def _send(self, answer: Answer, *, cut: bool = False) -> None:
        text = answer.body if isinstance(answer.body, str) else json.dumps(answer.body)
        data = b"" if answer.body is None else text.encode()
        server = self.server_of
        self.send_response_only(answer.status)
        self.send_header("Date", format_datetime(server.org.now(), usegmt=True))
        self.send_header("Content-Type", "application/json;charset=UTF-8")
        if answer.status != 204:
            self.send_header("Content-Length", str(len(data)))
        self.send_header("Sforce-Limit-Info", f"api-usage={server.used}/{server.limit}")
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.end_headers()
        if cut:
            data = data[: len(data) // 2]
            self.close_connection = True
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""
