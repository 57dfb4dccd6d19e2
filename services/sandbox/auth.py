"""Logging in, and whose token a request carries.

A token says for whom it is (``…!token-for:ana@example.com.1.…``) and is signed with the org's
secret, so that no table of sessions is needed and every server process on the file knows it. The
``expire`` fault raises the org's serial, which ends all tokens issued before.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import sqlite3
from collections.abc import Mapping
from typing import Any

from services.sandbox import storage
from services.sandbox.errors import ApiError
from services.sandbox.org import Org
from services.sandbox.passwords import password_of
from services.sandbox.storage import Row
from services.sandbox.wire import Answer

INTEGRATION_USERNAME = "steerco@sandbox.example.com"
CLIENT_ID = "steerco-sandbox"
_JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_JWT_LIFE_S = 300
_AUDIENCES = ("https://login.salesforce.com", "https://test.salesforce.com")


class LoginRefused(Exception):
    """A login that fails: OAuth's error code and its description."""

    def __init__(self, code: str, description: str) -> None:
        self.code = code
        self.description = description
        super().__init__(f"{code}: {description}")


def token_for(db: sqlite3.Connection, username: str) -> str:
    """A token for a user of the org."""
    organization = storage.setting(db, "organization")[:15]
    return (
        f"{organization}!token-for:{username}.{storage.setting(db, 'serial')}.{_sign(db, username)}"
    )


def user_of(db: sqlite3.Connection, header: str) -> str:
    """The user id behind an Authorization header. Raises ApiError 401 INVALID_SESSION_ID."""
    scheme, _, token = header.partition(" ")
    _, _, named = token.partition("!token-for:")
    username = named.rsplit(".", 2)[0]
    if scheme.lower() in ("bearer", "oauth") and named:
        user = _user(db, username)
        known = token_for(db, username).encode()
        if user is not None and hmac.compare_digest(known, token.strip().encode()):
            return str(user["Id"])
    raise ApiError(401, "INVALID_SESSION_ID", "Session expired or invalid")


def expire(db: sqlite3.Connection) -> None:
    """End every token that was issued so far."""
    storage.set_setting(db, "serial", str(int(storage.setting(db, "serial")) + 1))


def token_answer(org: Org, form: Mapping[str, str], authorization: str, origin: str) -> Answer:
    """Answer the OAuth token endpoint: JWT bearer, client credentials, username and password."""
    try:
        username = _granted(org, form, authorization, origin)
    except LoginRefused as no:
        return Answer(400, {"error": no.code, "error_description": no.description})
    db = org.store.connection()
    user = _user(db, username)
    organization = storage.setting(db, "organization")
    return Answer(
        200,
        {
            "access_token": token_for(db, username),
            "scope": "id api",
            "instance_url": origin,
            "id": f"{origin}/id/{organization}/{user['Id'] if user else ''}",
            "token_type": "Bearer",
            "issued_at": str(int(org.now() * 1000)),
        },
    )


def check_password(db: sqlite3.Connection, username: str, password: str) -> Row:
    """The active user who logs in so. A security token may follow the password.

    Raises LoginRefused.
    """
    user = _user(db, username)
    known = password_of(db, user["Id"]) if user else ""
    if user is None or not hmac.compare_digest(password[: len(known)].encode(), known.encode()):
        raise LoginRefused("invalid_grant", "authentication failure")
    return user


def user_info(org: Org, user_id: str, origin: str) -> Answer:
    """Answer ``/services/oauth2/userinfo`` and the identity address."""
    db = org.store.connection()
    organization = storage.setting(db, "organization")
    (user,) = storage.rows(db, "SELECT * FROM User WHERE Id = ?", (user_id,))
    rest = f"{origin}/services/data/v{{version}}/"
    body: dict[str, Any] = {
        "sub": f"{origin}/id/{organization}/{user_id}",
        "user_id": user_id,
        "organization_id": organization,
        "preferred_username": user["Username"],
        "username": user["Username"],
        "nickname": user["Alias"],
        "name": user["Name"],
        "display_name": user["Name"],
        "email": user["Email"],
        "email_verified": True,
        "given_name": user["FirstName"],
        "family_name": user["LastName"],
        "zoneinfo": user["TimeZoneSidKey"],
        "locale": user["LocaleSidKey"],
        "active": bool(user["IsActive"]),
        "user_type": "STANDARD",
        "language": user["LanguageLocaleKey"],
        "urls": {
            "rest": rest,
            "sobjects": f"{rest}sobjects/",
            "query": f"{rest}query/",
            "recent": f"{rest}recent/",
        },
        "is_app_installed": True,
    }
    return Answer(200, body)


def _granted(org: Org, form: Mapping[str, str], authorization: str, origin: str) -> str:
    """The name of the user who is let in. Raises LoginRefused."""
    db = org.store.connection()
    match form.get("grant_type"):
        case "client_credentials":
            _check_client(db, form, authorization)
            return INTEGRATION_USERNAME
        case "password":
            _check_client(db, form, authorization)
            user = check_password(db, form.get("username", ""), form.get("password", ""))
            return str(user["Username"])
        case grant if grant == _JWT_GRANT:
            return _jwt_user(org, db, form.get("assertion", ""), origin)
    raise LoginRefused("unsupported_grant_type", "grant type not supported")


def _check_client(db: sqlite3.Connection, form: Mapping[str, str], authorization: str) -> None:
    key, secret = form.get("client_id", ""), form.get("client_secret", "")
    if authorization.lower().startswith("basic "):
        try:
            pair = base64.b64decode(authorization[6:], validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            pair = ""
        key, _, secret = pair.partition(":")
    if key != CLIENT_ID:
        raise LoginRefused("invalid_client_id", "client identifier invalid")
    if not hmac.compare_digest(secret.encode(), storage.setting(db, "secret").encode()):
        raise LoginRefused("invalid_client", "invalid client credentials")


def _jwt_user(org: Org, db: sqlite3.Connection, assertion: str, origin: str) -> str:
    """The user a signed assertion names. Raises LoginRefused.

    The expiry is judged by the server's clock; Salesforce takes it as a number or as text.
    """
    import jwt

    if org.public_key is None:
        raise LoginRefused("invalid_client", "no certificate is registered for this client")
    try:
        claims = jwt.decode(
            assertion,
            _verifying_key(org.public_key),
            algorithms=["RS256"],
            options={"verify_aud": False, "verify_exp": False},
        )
        expires = float(claims["exp"])
    except (jwt.InvalidTokenError, KeyError, TypeError, ValueError):
        raise LoginRefused("invalid_grant", "invalid assertion") from None
    if claims.get("iss") != CLIENT_ID:
        raise LoginRefused("invalid_client_id", "client identifier invalid")
    if str(claims.get("aud")).rstrip("/") not in (*_AUDIENCES, origin):
        raise LoginRefused("invalid_grant", "audience is invalid")
    if not org.now() < expires <= org.now() + _JWT_LIFE_S:
        raise LoginRefused("invalid_grant", "expired authorization code")
    user = _user(db, str(claims.get("sub")))
    if user is None:
        raise LoginRefused("invalid_grant", "user hasn't approved this consumer")
    return str(user["Username"])


def _verifying_key(pem: bytes) -> Any:
    """The public key of a PEM that holds a key or a certificate."""
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    if b"BEGIN CERTIFICATE" in pem:
        return x509.load_pem_x509_certificate(pem).public_key()
    return load_pem_public_key(pem)


def _user(db: sqlite3.Connection, username: str) -> Row | None:
    found = storage.rows(
        db, "SELECT * FROM User WHERE Username = ? COLLATE NOCASE AND IsActive", (username,)
    )
    return found[0] if found else None


def _sign(db: sqlite3.Connection, username: str) -> str:
    message = f"{username.lower()}.{storage.setting(db, 'serial')}".encode()
    return hmac.new(storage.setting(db, "secret").encode(), message, hashlib.sha256).hexdigest()
