"""HTTP for everything that talks to Salesforce through simple-salesforce.

simple-salesforce writes ``https://`` into every address, sets no timeout, and reads the limit
header only on some calls. One adapter, mounted for every address of the session, mends all three:
it leads a loopback instance to plain HTTP (and every other host with it, login.salesforce.com
included, so that a sandbox session can't reach the network), gives each request a timeout, and
notes the organisation's API usage and the server's clock from each answer.

Imports requests: load this module only when a connection is wanted, never on the way to the
first paint.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import SplitResult, urlsplit

import requests
from requests.adapters import HTTPAdapter

from store.clock import Clock, system_clock

Timeout = float | tuple[float, float]
"""Seconds for connecting and for each read, or the two apart."""

_USAGE = re.compile(r"(?:^|[\s;,])api-usage=(\d+)/(\d+)")


class SalesforceAdapter(HTTPAdapter):
    """The transport of one session, and what its answers told.

    ``used`` and ``limit`` are the organisation's API calls of the last answer that said so (None
    before that); ``calls`` counts the requests this adapter sent, logins included.
    """

    def __init__(
        self, instance: SplitResult, timeout: Timeout, clock: Clock = system_clock
    ) -> None:
        super().__init__()
        self._plain = instance if instance.scheme == "http" else None
        self._timeout = timeout
        self._clock = clock
        self._offset: tuple[float, float] | None = None
        self.used: int | None = None
        self.limit: int | None = None
        self.calls = 0

    def send(
        self, request: requests.PreparedRequest, *args: Any, **kwargs: Any
    ) -> requests.Response:
        """Send with the session's timeout where the caller set none.

        Raises requests.RequestException; ``InvalidSchema`` for plain HTTP to another machine.
        """
        parts = urlsplit(request.url or "")
        if self._plain is not None:
            parts = parts._replace(scheme="http", netloc=self._plain.netloc)
            request.url = parts.geturl()
        elif parts.scheme != "https":
            raise requests.exceptions.InvalidSchema(f"{parts.hostname}: https is needed")
        if kwargs.get("timeout") is None:
            kwargs["timeout"] = self._timeout
        self.calls += 1
        sent = self._clock()
        response = super().send(request, *args, **kwargs)
        self._note(response.headers, sent, self._clock())
        return response

    @property
    def clock_offset(self) -> float | None:
        """Seconds to add to this machine's clock to get the server's; None before an answer.

        The Date header has whole seconds, so one answer gives an interval of a second and the
        time on the way; the intervals of all answers are cut to what they have in common. A clock
        that may be right is taken to be: correcting it by the middle of the interval would put
        half a second's noise between operators whose clocks agree to the millisecond.
        """
        if self._offset is None:
            return None
        low, high = self._offset
        return 0.0 if low <= 0.0 <= high else (low + high) / 2

    def _note(self, headers: Mapping[str, str], sent: float, received: float) -> None:
        found = _USAGE.search(headers.get("Sforce-Limit-Info", ""))
        if found:
            self.used, self.limit = int(found[1]), int(found[2])
        try:
            stamp = parsedate_to_datetime(headers.get("Date", "")).timestamp()
        except ValueError:
            return
        low, high = stamp - received, stamp + 1 - sent
        if self._offset is not None:
            common = max(low, self._offset[0]), min(high, self._offset[1])
            # Nothing in common: one of the clocks was set. Only the newest answer counts then.
            low, high = common if common[0] <= common[1] else (low, high)
        self._offset = low, high


def check_instance(instance_url: str) -> SplitResult:
    """The instance's address in parts. Raises ValueError with one sentence where it is not
    ``https://host``, or ``http://`` to this machine."""
    parts = urlsplit(instance_url)
    host = parts.hostname
    if parts.scheme not in ("http", "https") or not host or parts.username:
        shown = host if parts.username else instance_url
        raise ValueError(f"{shown!r} is no instance address; write https://HOST")
    if parts.scheme == "http" and not _is_loopback(host):
        raise ValueError(f"{host} is not this machine; plain http is for the loopback alone")
    return parts


def open_session(
    instance_url: str, timeout: Timeout = (5.0, 30.0), clock: Clock = system_clock
) -> requests.Session:
    """A session for ``simple_salesforce.Salesforce(session=…, instance_url=…)``.

    It ignores proxies and credentials of the environment. Raises ValueError as check_instance.
    """
    session = requests.Session()
    session.trust_env = False
    adapter = SalesforceAdapter(check_instance(instance_url), timeout, clock)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return session


def adapter_of(session: requests.Session) -> SalesforceAdapter:
    """The adapter that open_session mounted."""
    adapter = session.get_adapter("https://")
    if not isinstance(adapter, SalesforceAdapter):
        raise TypeError("the session was not opened by open_session")
    return adapter


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"
