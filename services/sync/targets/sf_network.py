"""Whether a request that failed can have left this machine. Pure.

requests and urllib3 wrap the operating system's error several times; what decides is in the
wrapping. A connection that was never made carried nothing, so the whole target waits; one that
broke later may have carried a write.
"""

from __future__ import annotations

from collections.abc import Iterator


def unsent_reason(failure: BaseException) -> tuple[str, str] | None:
    """Why a request can't have left, in code and words; None where it may have."""
    import socket
    import ssl

    from requests import exceptions as rq
    from urllib3 import exceptions as u3

    causes = list(_causes(failure))

    def among(*kinds: type[BaseException]) -> bool:
        return any(isinstance(cause, kinds) for cause in causes)

    if among(u3.NameResolutionError, socket.gaierror):
        return "DNS", "its name can't be resolved"
    if among(ssl.SSLCertVerificationError):
        return "TLS", "its certificate is not trusted"
    if among(rq.ProxyError):
        return "PROXY", "the proxy refused"
    if among(u3.NewConnectionError):
        refused = among(ConnectionRefusedError)
        return (
            ("CONNECTION_REFUSED", "connection refused")
            if refused
            else ("NO_ROUTE", "no connection")
        )
    if among(rq.ConnectTimeout, u3.ConnectTimeoutError):
        return "CONNECT_TIMEOUT", "no answer to the connection attempt"
    return None


def _causes(failure: BaseException, depth: int = 6) -> Iterator[BaseException]:
    yield failure
    if depth == 0:
        return
    nearby = [*failure.args, getattr(failure, "reason", None), failure.__cause__]
    for cause in nearby:
        if isinstance(cause, BaseException):
            yield from _causes(cause, depth - 1)
