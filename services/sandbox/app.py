"""The HTTP shell around the org: addresses, faults, headers.

Requests are carried out in worker threads, one transaction each; a request whose client has gone
away is carried out all the same, as it is on the real thing.
"""

from __future__ import annotations

import asyncio
import sqlite3
import traceback
from collections.abc import Awaitable, Callable
from email.utils import formatdate
from urllib.parse import parse_qsl, unquote

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Message, Receive, Scope, Send

from services.sandbox import api, auth, bulk_v1, soap, year
from services.sandbox.errors import ApiError, not_found
from services.sandbox.faults import DATA_PATH
from services.sandbox.org import Org
from services.sandbox.wire import Answer, Call, Effects, failed

MAX_ADDRESS = 16_384
MAX_BODY, MAX_UPLOAD = 50_000_000, 150_000_000
"""Bytes of a request, and of the data of a bulk job."""
_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]
_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
_FOREIGN = Answer(421, b"This server is for this machine alone", media="text/plain")

Cut = Callable[[Request], None]
Serve = Callable[[Request, bytes, Effects], Answer]
Endpoint = Callable[[Request], Awaitable[Response]]
Handle = Callable[[Org, Call], Answer]


class CutBody(Response):
    """An answer that promises its whole length and sends half of it."""

    def __init__(self, answer: Answer, headers: dict[str, str], cut: Callable[[], None]) -> None:
        whole = answer.encoded()
        super().__init__(whole[: len(whole) // 2], answer.status, headers, answer.media)
        self.headers["content-length"] = str(max(len(whole), 1))
        self._cut = cut

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        start: Message = {"type": "http.response.start", "status": self.status_code}
        await send({**start, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": self.body, "more_body": True})
        self._cut()


def build(org: Org, cut: Cut) -> Starlette:
    """The application. ``cut`` severs the connection a request came on."""
    shell = _Shell(org, cut)
    routes = [
        Route("/__sandbox/faults", shell.control, methods=["GET", "POST", "DELETE"]),
        Route("/__sandbox/tickets", shell.tickets, methods=["POST"]),
        Route("/services/oauth2/token", shell.page(shell.token), methods=["POST"]),
        Route("/services/oauth2/userinfo", shell.page(shell.user_info), methods=["GET", "POST"]),
        Route("/id/{organization}/{user}", shell.page(shell.user_info), methods=["GET"]),
        Route("/services/Soap/u/{version:path}", shell.page(shell.soap), methods=["POST"]),
        Route("/services/Soap/{rest:path}", shell.page(shell.no_soap), methods=["POST"]),
        Route("/services/apexrest/{rest:path}", shell.page(shell.no_apex), methods=_METHODS),
        Route("/services/async/{rest:path}", shell.page(shell.bulk_v1), methods=_METHODS),
        Route("/{rest:path}", shell.page(shell.data), methods=_METHODS),
    ]
    return Starlette(routes=routes)


class _Shell:
    def __init__(self, org: Org, cut: Cut) -> None:
        self.org = org
        self.cut = cut

    def page(self, serve: Serve) -> Endpoint:
        """An endpoint around a function that answers in a worker thread."""

        async def endpoint(request: Request) -> Response:
            body = await _body(request)
            if body is None:
                return Response("Request Entity Too Large", 413)
            effects = self.org.faults.effects(request.method, request.url.path)
            await asyncio.sleep(effects.latency)
            if effects.cut == "before":
                self.cut(request)
                return Response()
            answer = effects.answer
            if answer is None:
                answer = await run_in_threadpool(self._answered, serve, request, body, effects)
            await asyncio.sleep(effects.lag)
            if effects.cut == "after":
                self.cut(request)
                return Response()
            headers = self._headers(answer)
            if effects.cut == "body":
                return CutBody(answer, headers, lambda: self.cut(request))
            content = None if request.method == "HEAD" else answer.encoded()
            return Response(content, answer.status, headers, answer.media)

        return endpoint

    def token(self, request: Request, body: bytes, effects: Effects) -> Answer:
        form = dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
        authorization = request.headers.get("authorization", "")
        return auth.token_answer(self.org, form, authorization, _origin(request))

    def user_info(self, request: Request, body: bytes, effects: Effects) -> Answer:
        header = request.headers.get("authorization", "")
        user = auth.user_of(self.org.store.connection(), header)
        return auth.user_info(self.org, user, _origin(request))

    def soap(self, request: Request, body: bytes, effects: Effects) -> Answer:
        version = str(request.path_params["version"]).split("/")[0]
        return soap.login(self.org, body, _origin(request), version)

    def data(self, request: Request, body: bytes, effects: Effects) -> Answer:
        """Everything under ``/services/data``: who calls, whether he may still, and the answer."""
        raw = request.scope["raw_path"].decode("ascii")
        if len(raw) + len(request.url.query) > MAX_ADDRESS:
            return Answer(414, b"URI Too Long", media="text/plain")
        parts = [unquote(part) for part in raw.strip("/").split("/")]
        if raw.rstrip("/") == DATA_PATH.rstrip("/"):
            return api.versions()
        version = parts[2].removeprefix("v") if len(parts) > 2 else ""
        if not raw.startswith(DATA_PATH) or version not in api.VERSIONS:
            raise not_found()
        session = request.headers.get("authorization", "")
        call = self._call(request, body, effects, session, version, parts[3:])
        return self._counted(call, api.handle)

    def bulk_v1(self, request: Request, body: bytes, effects: Effects) -> Answer:
        """The first Bulk API, whose callers show their session in a header of its own."""
        rest = str(request.path_params["rest"]).rstrip("/")
        version, *parts = rest.split("/")
        if version not in api.VERSIONS:
            raise not_found()
        session = f"Bearer {request.headers.get('x-sfdc-session', '')}"
        try:
            call = self._call(request, body, effects, session, version, parts)
        except ApiError as error:
            return bulk_v1.refused(error)
        return self._counted(call, bulk_v1.handle)

    def no_soap(self, request: Request, body: bytes, effects: Effects) -> Answer:
        """The Metadata API and other SOAP services: this org has none of them."""
        return soap.unknown_service(request.url.path)

    def no_apex(self, request: Request, body: bytes, effects: Effects) -> Answer:
        """Apex classes that answer REST: this org has none."""
        auth.user_of(self.org.store.connection(), request.headers.get("authorization", ""))
        raise ApiError(404, "NOT_FOUND", "Could not find a match for URL")

    def _call(
        self,
        request: Request,
        body: bytes,
        effects: Effects,
        session: str,
        version: str,
        parts: list[str],
    ) -> Call:
        """A request of whoever the session is of. Raises ApiError 401."""
        return Call(
            "GET" if request.method == "HEAD" else request.method,
            tuple(parts),
            dict(parse_qsl(request.url.query, keep_blank_values=True)),
            dict(request.headers),
            body,
            version,
            auth.user_of(self.org.store.connection(), session),
            _origin(request),
            effects,
        )

    def _counted(self, call: Call, handle: Handle) -> Answer:
        """Answer a call that counts among the day's."""
        used = self.org.count_call()
        limit = {"Sforce-Limit-Info": f"api-usage={used}/{self.org.daily_calls}"}
        try:
            if used > self.org.daily_calls:
                raise ApiError(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")
            answer = handle(self.org, call)
        except ApiError as error:
            answer = failed(error)
        return Answer(answer.status, answer.body, limit | dict(answer.headers), answer.media)

    async def control(self, request: Request) -> Response:
        """List the faults, add some (``{"fault": "401,count=1"}``), or clear them all."""
        faults = self.org.faults
        answer = Answer(204)
        if _is_foreign(request):
            answer = _FOREIGN
        elif request.method == "DELETE":
            faults.clear()
        elif request.method == "POST":
            answer = await self._add_fault(request)
        else:
            answer = Answer(200, faults.listing())
        return Response(answer.encoded(), answer.status, media_type=answer.media)

    async def tickets(self, request: Request) -> Response:
        """Give the org its year of tickets, where it has none: who never asks never waits."""
        answer = _refused_page(request)
        if answer is None:
            await run_in_threadpool(year.fill, self.org.store, self.org.now)
            answer = Answer(204)
        return Response(answer.encoded(), answer.status, media_type=answer.media)

    async def _add_fault(self, request: Request) -> Answer:
        refused = _refused_page(request)
        if refused is not None:
            return refused
        try:
            body = await request.json()
            self.org.faults.add(str(body["fault"]))
        except (ValueError, KeyError, TypeError, RecursionError) as bad:
            return Answer(400, {"error": str(bad)})
        return Answer(201, self.org.faults.listing())

    def _answered(self, serve: Serve, request: Request, body: bytes, effects: Effects) -> Answer:
        if _is_foreign(request):
            return _FOREIGN
        try:
            if effects.expire:
                with self.org.store.transaction() as db:
                    auth.expire(db)
            return serve(request, body, effects)
        except ApiError as error:
            return failed(error)
        except sqlite3.OperationalError as busy:
            return failed(ApiError(503, "SERVER_UNAVAILABLE", f"The org's file: {busy}"))
        except Exception:  # noqa: BLE001 - whatever happens is answered, and told on stderr
            traceback.print_exc()
            return failed(ApiError(500, "UNKNOWN_EXCEPTION", "An unexpected error occurred."))

    def _headers(self, answer: Answer) -> dict[str, str]:
        headers = {
            "Date": formatdate(self.org.now(), usegmt=True),
            "Cache-Control": "no-cache,must-revalidate,max-age=0,no-store,private",
        }
        return headers | dict(answer.headers)


async def _body(request: Request) -> bytes | None:
    """A request's body; None for one that is larger than Salesforce takes."""
    most = MAX_UPLOAD if request.url.path.endswith("/batches") else MAX_BODY
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > most:
            return None
        parts.append(part)
    return b"".join(parts)


def _is_foreign(request: Request) -> bool:
    """Whether a request was sent to another name than this machine's: a page in a browser can let
    a name of its own lead here."""
    host = request.headers.get("host", "")
    return host.rpartition(":")[0] not in _LOOPBACK and host not in _LOOPBACK


def _refused_page(request: Request) -> Answer | None:
    """A page in a browser can't send this content type to another origin unasked."""
    if request.headers.get("content-type", "").startswith("application/json"):
        return None
    return Answer(415, {"error": "send JSON"})


def _origin(request: Request) -> str:
    return f"http://{request.headers.get('host', '')}"
