"""How to reach an organisation, and the OAuth JWT bearer login.

simple-salesforce's own login knows ``*.salesforce.com`` alone and sends the expiry as text, so the
assertion is made here (RFC 7523; audience = the login address).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from services.sync.targets.base import ErrorClass, Problem
from services.sync.targets.sf_errors import (
    Asked,
    CallFailed,
    classify,
    classify_answer,
    unreadable,
)
from store.clock import Clock

if TYPE_CHECKING:
    import requests

LOGIN_URL = "https://login.salesforce.com"
_TOKEN_PATH = "/services/oauth2/token"
_JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_ASSERTION_SECONDS = 180
"""Salesforce takes assertions that expire within five minutes."""
_WRONG_CLOCK_SECONDS = 60.0
_USER_OF_IDENTITY = re.compile(r"/id/\w+/(005\w{12,15})$", re.ASCII)
_TOKEN = re.compile(r"[\x21-\x7e]+", re.ASCII)
_READING = Asked(writing=False)


@dataclass(frozen=True, slots=True)
class SalesforceConnection:
    """How to reach one organisation: ``instance_url`` and ``access_token``, or a JWT login
    (``client_id``, ``username``, ``private_key`` as PEM text or the path of a PEM file,
    ``login_url``). Timeouts are seconds.

    Raises ValueError with one sentence, which never shows a secret.
    """

    instance_url: str | None = None
    access_token: str | None = field(default=None, repr=False)
    client_id: str | None = field(default=None, repr=False)
    username: str | None = None
    private_key: str | None = field(default=None, repr=False)
    login_url: str = LOGIN_URL
    api_version: str = "59.0"
    timeout: float = 20.0
    connect_timeout: float = 5.0

    def __post_init__(self) -> None:
        if not re.fullmatch(r"\d{2,3}\.0", self.api_version, re.ASCII):
            raise ValueError(f"{self.api_version!r} is no API version; write it as 59.0")
        if self.access_token is not None:
            if not self.instance_url:
                raise ValueError("an access token needs the instance's address with it")
            if not _TOKEN.fullmatch(self.access_token):
                raise ValueError("the access token holds characters that no token has")
        elif not (self.client_id and self.username and self.private_key):
            raise ValueError(
                "Salesforce needs an instance address with an access token, or a client id, "
                "a user name and a private key"
            )


@dataclass(frozen=True, slots=True)
class Login:
    """What a login gave: the token, the instance to use it on, and our user's Id if it said so."""

    token: str = field(repr=False)
    instance_url: str
    user_id: str | None


def log_in(connection: SalesforceConnection, session: requests.Session, clock: Clock) -> Login:
    """A new access token; ``session`` is sf_transport's, opened for the login address.

    Raises CallFailed, of class PAUSE whatever went wrong: a login changes nothing.
    """
    from requests.exceptions import RequestException

    from services.sync.targets.sf_transport import adapter_of

    adapter = adapter_of(session)
    login_url = connection.login_url.rstrip("/")
    offset = 0.0
    while True:
        form = {
            "grant_type": _JWT_GRANT,
            "assertion": _assertion(connection, login_url, clock() + offset),
        }
        try:
            response = session.post(f"{login_url}{_TOKEN_PATH}", data=form, allow_redirects=False)
            answer = response.json() if response.ok else _body_of(response)
        except RequestException as failure:
            raise CallFailed(_no_login(classify(failure, _READING))) from failure
        if response.status_code == 200:
            return _login_of(answer)
        measured = adapter.clock_offset or 0.0
        if offset == 0.0 and abs(measured) > _WRONG_CLOCK_SECONDS:
            # By the server's clock the assertion had run out, or lay too far ahead.
            offset = measured
            continue
        problem = classify_answer(response.status_code, answer, _READING)
        raise CallFailed(_no_login(problem), response.status_code)


def setting(sentence: str) -> Problem:
    """Something in our own configuration can't be used: nothing was sent."""
    return Problem(ErrorClass.PAUSE, "CONFIGURATION", sentence, sentence)


def _login_of(answer: Any) -> Login:
    from services.sync.targets.sf_transport import check_instance

    fields = answer if isinstance(answer, dict) else {}
    token, address = fields.get("access_token"), fields.get("instance_url")
    if not (isinstance(token, str) and _TOKEN.fullmatch(token) and isinstance(address, str)):
        raise CallFailed(_no_login(unreadable(_READING, sorted(fields))))
    try:
        check_instance(address)
    except ValueError as refused:
        raise CallFailed(setting(str(refused))) from refused
    found = _USER_OF_IDENTITY.search(str(fields.get("id", "")))
    return Login(token, address.rstrip("/"), found[1] if found else None)


def _assertion(connection: SalesforceConnection, audience: str, now: float) -> str:
    import jwt
    from cryptography.exceptions import UnsupportedAlgorithm

    key = connection.private_key or ""
    try:
        pem = key if "-----BEGIN" in key else Path(key).read_text("ascii")
    except (OSError, ValueError) as failure:
        raise CallFailed(setting("The private key's file can't be read")) from failure
    claims = {
        "iss": connection.client_id,
        "sub": connection.username,
        "aud": audience,
        "exp": int(now + _ASSERTION_SECONDS),
    }
    try:
        return jwt.encode(claims, pem, algorithm="RS256")
    except (ValueError, TypeError, UnsupportedAlgorithm, jwt.PyJWTError) as failure:
        raise CallFailed(setting("The private key is no RSA key in PEM form")) from failure


def _body_of(response: requests.Response) -> Any:
    try:
        return response.json()
    except ValueError:
        return response.text


def _no_login(problem: Problem | None) -> Problem:
    known = problem or setting("The Salesforce login failed")
    sentence = known.sentence
    if known.code.islower():
        # OAuth's own codes: invalid_grant, invalid_client_id.
        sentence = f"Salesforce refused the login ({known.code}): {known.message or known.code}"
    return replace(known, cls=ErrorClass.PAUSE, sentence=sentence)
