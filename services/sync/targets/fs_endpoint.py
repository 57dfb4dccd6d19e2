"""Which Firestore to speak to: the rules for an emulator's address. Pure.

An emulator is plaintext without credentials, and Google's library takes any host for one, even the
empty string (measured). So an address is accepted here or nowhere; no library reads it from the
environment behind our back.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass

DEFAULT_DATABASE = "(default)"
_ADDRESS = re.compile(r"(\[[0-9a-fA-F:.]+\]|[^\[\]:/\s]+):(\d{1,5})", re.ASCII)


class EndpointRefused(ValueError):
    """A configured Firestore that must not be used; the message is one sentence."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One Firestore database; ``emulator`` is ``host:port`` or None for the real service."""

    project: str
    database: str
    emulator: str | None

    @property
    def name(self) -> str:
        """The database's resource name."""
        return f"projects/{self.project}/databases/{self.database}"

    @property
    def identity(self) -> str:
        """``project/database``; an emulator's says so, since it is never the same system."""
        plain = f"{self.project}/{self.database}"
        return f"emulator:{plain}" if self.emulator else plain


def endpoint(
    project: str | None,
    database: str = DEFAULT_DATABASE,
    emulator_host: str | None = None,
    *,
    allow_remote_emulator: bool = False,
) -> Endpoint:
    """The endpoint of a configuration. ``emulator_host`` is FIRESTORE_EMULATOR_HOST as it is
    (None where it is not set).

    Raises EndpointRefused for an empty or malformed emulator address, for one that is not
    loopback unless that was allowed, and for a project or database that is missing or malformed.
    """
    for label, value in (("project", project), ("database", database)):
        if not value or "/" in value or value != value.strip():
            raise EndpointRefused(f"The Firestore {label} is missing or malformed: {value!a}.")
    assert project is not None
    if emulator_host is not None:
        _check_emulator(emulator_host, allow_remote_emulator)
    return Endpoint(project, database, emulator_host)


def _check_emulator(address: str, allow_remote: bool) -> None:
    if not address.strip():
        raise EndpointRefused(
            "FIRESTORE_EMULATOR_HOST is set but empty, which would switch encryption and "
            "credentials off; unset it or give host:port."
        )
    found = _ADDRESS.fullmatch(address)
    if not found or not 0 < int(found[2]) < 65536:
        raise EndpointRefused(f"FIRESTORE_EMULATOR_HOST must be host:port, not {address!a}.")
    if not allow_remote and not _is_loopback(found[1]):
        raise EndpointRefused(
            f"FIRESTORE_EMULATOR_HOST {address!a} is not this machine, and an emulator is "
            "plaintext; allow remote emulators explicitly if that is meant."
        )


def _is_loopback(host: str) -> bool:
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
