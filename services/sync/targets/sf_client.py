"""One session with one Salesforce organisation: login, one re-login, and every call classified.

The calls go through simple-salesforce in direct session mode: its own refresh is off, since it
drops the headers of the request that it repeats. Not thread-safe.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from services.sync.targets.base import Problem, Usage
from services.sync.targets.sf_errors import (
    Asked,
    CallFailed,
    classify,
    retry_after_seconds,
    unreadable,
)
from services.sync.targets.sf_login import SalesforceConnection, log_in, setting
from store.clock import Clock, system_clock

if TYPE_CHECKING:
    import requests
    from simple_salesforce.api import Salesforce

    from services.sync.targets.sf_transport import SalesforceAdapter

CLIENT_NAME = "steerco"
"""What our writes are called in the change events' ``changeOrigin``."""
_READING = Asked(writing=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """A parsed body (None where there was none) and the server's time."""

    data: Any
    at: dt.datetime | None


class SalesforceClient:
    """Calls to one organisation. Every method but the properties raises CallFailed."""

    def __init__(self, connection: SalesforceConnection, clock: Clock = system_clock) -> None:
        self.connection = connection
        self._clock = clock
        self._sessions: dict[str, requests.Session] = {}
        self._instance_url = connection.instance_url
        self._salesforce: Salesforce | None = None
        self._answer: requests.Response | None = None
        self.user_id: str | None = None
        """Who this session is, where the login said so."""
        self._ration: tuple[int, Problem] | None = None

    @property
    def host(self) -> str:
        """The instance's host name; empty before the first login."""
        from urllib.parse import urlsplit

        return urlsplit(self._instance_url or "").hostname or ""

    @property
    def base_length(self) -> int:
        """The characters of a query's address before the query."""
        return len(self._instance_url or "") + len("/services/data/v000.0/queryAll/?q=")

    @property
    def usage(self) -> Usage:
        """The organisation's calls by the last answer's header, and ours."""
        adapters = self._adapters()
        told = [a for a in adapters if a.limit is not None]
        used, limit = (told[-1].used, told[-1].limit) if told else (None, None)
        return Usage(used, limit, sum(a.calls for a in adapters))

    @property
    def clock_offset(self) -> float | None:
        """Seconds to add to this machine's clock to get the server's."""
        known = [a.clock_offset for a in self._adapters() if a.clock_offset is not None]
        return known[-1] if known else None

    def rest(
        self,
        path: str,
        asked: Asked,
        *,
        method: str = "GET",
        body: Any = None,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """One call below ``/services/data/vXX.0/``."""
        given: dict[str, Any] = {"headers": dict(headers or {}), "allow_redirects": False}
        if body is not None:
            given["json"] = body
        return self._run(
            asked,
            lambda sf: sf.restful(path, params=dict(params or {}), method=method, **given),
        )

    def content(
        self,
        path: str,
        asked: Asked,
        *,
        method: str = "GET",
        data: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """One call whose body or answer is not JSON; the answer's ``data`` are its bytes."""

        def send(salesforce: Salesforce) -> bytes:
            address = f"{salesforce.base_url}{path}"
            # The library's own call with its errors; its ``restful`` reads every answer as JSON.
            answer = salesforce._call_salesforce(
                method, address, data=data, headers=dict(headers or {}), allow_redirects=False
            )
            return bytes(answer.content)

        return self._run(asked, send)

    def query(self, soql: str, *, deleted: bool = False) -> list[dict[str, Any]]:
        """Every record of a query, further pages included; ``deleted`` takes the recycle bin in."""
        answer = self._run(
            _READING, lambda sf: sf.query(soql, include_deleted=deleted, allow_redirects=False)
        )
        records: list[dict[str, Any]] = []
        while True:
            page = answer.data
            rows = page.get("records") if isinstance(page, dict) else None
            if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
                raise CallFailed(unreadable(_READING, page))
            records += rows
            following = page.get("nextRecordsUrl")
            if page.get("done", True) and not following:
                return records
            if not isinstance(following, str) or not following.startswith("/") or not rows:
                raise CallFailed(unreadable(_READING, page))
            answer = self._more(following)

    def userinfo(self) -> dict[str, Any]:
        """The session's own user, by OpenID."""
        data = self._run(_READING, lambda sf: sf.oauth2("userinfo"), renew=False).data
        if not isinstance(data, dict):
            raise CallFailed(unreadable(_READING, data))
        return data

    def ration(self, calls: int | None = None, why: Problem | None = None) -> None:
        """Make so many calls more and then none (None: any number), for this reason."""
        self._ration = (self.usage.calls + calls, why) if calls is not None and why else None

    def open(self) -> None:
        """Log in if need be."""
        self._opened()

    def close(self) -> None:
        """Let go of the connections; the next call logs in again."""
        for session in self._sessions.values():
            session.close()
        self._salesforce = None

    def _more(self, address: str) -> Answer:
        return self._run(
            _READING,
            lambda sf: sf.query_more(address, identifier_is_url=True, allow_redirects=False),
        )

    def _run(
        self, asked: Asked, send: Callable[[Salesforce], Any], *, renew: bool = True
    ) -> Answer:
        """Send; log in anew and send the same once more where the session had run out."""
        from requests.exceptions import RequestException
        from simple_salesforce.exceptions import SalesforceError

        renew = renew and self.connection.access_token is None
        while True:
            salesforce = self._opened()
            if self._ration is not None and self.usage.calls >= self._ration[0]:
                raise CallFailed(self._ration[1])
            self._answer = None
            try:
                return Answer(send(salesforce), self._answered_at())
            except (SalesforceError, RequestException) as failure:
                status = getattr(failure, "status", None)
                if renew and status == 401 and _session_ran_out(failure):
                    renew = False
                    self._salesforce = None
                    continue
                problem = classify(failure, asked, self._retry_after())
                if problem is None:
                    raise
                raise CallFailed(problem, status) from failure
            except (TypeError, RecursionError) as failure:
                # simple-salesforce measures what it parsed, and null or a number has no length.
                if self._answer is None or self._answer.status_code >= 300:
                    raise
                raise CallFailed(unreadable(asked, self._answer.content)) from failure

    def _opened(self) -> Salesforce:
        from simple_salesforce.api import Salesforce

        if self._salesforce is None:
            token = self.connection.access_token
            if token is None:
                login_url = self.connection.login_url.rstrip("/")
                login = log_in(self.connection, self._session(login_url), self._clock)
                token, self._instance_url, self.user_id = (
                    login.token,
                    login.instance_url,
                    login.user_id,
                )
            address = self._instance_url or ""
            session = self._session(address)
            self._salesforce = Salesforce(
                instance_url=address,
                session_id=token,
                session=session,
                version=self.connection.api_version,
                object_pairs_hook=dict,
            )
            self._salesforce.headers["Sforce-Call-Options"] = f"client={CLIENT_NAME}"
        return self._salesforce

    def _session(self, address: str) -> requests.Session:
        from services.sync.targets.sf_transport import open_session

        if address not in self._sessions:
            timeout = (self.connection.connect_timeout, self.connection.timeout)
            try:
                session = open_session(address, timeout, self._clock)
            except ValueError as refused:
                raise CallFailed(setting(str(refused))) from refused
            session.hooks["response"].append(self._keep)
            self._sessions[address] = session
        return self._sessions[address]

    def _keep(self, response: requests.Response, *_args: Any, **_kwargs: Any) -> None:
        self._answer = response

    def _answered_at(self) -> dt.datetime | None:
        date = self._answer.headers.get("Date") if self._answer is not None else None
        try:
            return parsedate_to_datetime(date).astimezone(dt.UTC) if date else None
        except ValueError:
            return None

    def _retry_after(self) -> float | None:
        if self._answer is None:
            return None
        at = self._answered_at()
        now = at.timestamp() if at else self._clock()
        return retry_after_seconds(self._answer.headers.get("Retry-After"), now)

    def _adapters(self) -> list[SalesforceAdapter]:
        from services.sync.targets.sf_transport import adapter_of

        return [adapter_of(session) for session in self._sessions.values()]


def _session_ran_out(failure: Exception) -> bool:
    # This one says that the user may not use the API at all: a new login ends in the same place.
    return "not valid for use with the REST API" not in str(getattr(failure, "content", ""))
