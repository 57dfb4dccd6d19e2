"""Every setting: its key, its default, its environment variable. Cheap to import.

A key may stand in the TOML file (STEERCO_CONFIG) and in the environment, which wins. Where neither
says anything the defaults are taken without loading the library that reads both, so that the
terminal's first paint does not wait for it. Secrets come from the environment alone.
"""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path

from services import locations


class ConfigError(ValueError):
    """A configuration that can't be used; one sentence that names the key and never a secret."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The configuration in force. None and empty mean: not given."""

    operator: str = ""
    """Who edits; else the login name."""
    zone: str = "UTC"
    """The organisation's time zone: today is a date there."""
    theme: str = ""
    keymap: dict[str, str] = field(default_factory=dict)
    """Binding id to key."""

    google_cloud_project: str | None = None
    firestore_database: str = "(default)"
    firestore_emulator_host: str | None = None
    allow_remote_emulator: bool = False

    sf_login_url: str | None = None
    sf_client_id: str | None = None
    sf_username: str | None = None
    sf_private_key_file: str | None = None
    sf_instance_url: str | None = None
    sf_access_token: str | None = field(default=None, repr=False)
    itsc_sf_sync_enabled: bool | None = None
    """None: on in the sandbox, off outside."""

    follow_seconds: float = 2.0
    """Between looks at Firestore while somebody works."""
    reconcile_seconds: float = 900.0
    """Between readings of Salesforce by schedule."""
    debounce_seconds: float = 60.0
    """How long a row that was written here is left alone by a reading by schedule."""
    carry_seconds: float = 900.0
    """How long another operator may owe Salesforce an edit before it is carried for him."""
    salesforce_share: float = 0.20
    """The part of the organisation's daily calls that all operators together may make."""

    sf_title_field: str | None = None
    sf_status_field: str | None = None
    sf_priority_field: str | None = None
    sf_department_field: str | None = None
    sf_description_field: str | None = None

    tickets_seconds: float = 300.0
    """Between two readings of tickets."""
    kpi_policy: str | None = None
    """A policy file; else the one that ships."""

    @property
    def sandbox(self) -> bool:
        """Whether nothing is configured that could be connected to."""
        return not self.firestore_configured and not self.salesforce_configured

    @property
    def firestore_configured(self) -> bool:
        """Whether a Firestore is named."""
        return bool(self.google_cloud_project or self.firestore_emulator_host)

    @property
    def salesforce_configured(self) -> bool:
        """Whether a Salesforce organisation is named."""
        return bool(self.sf_client_id or self.sf_instance_url)

    @property
    def sf_sync_enabled(self) -> bool:
        """Whether deliveries to Salesforce may move."""
        return self.sandbox if self.itsc_sf_sync_enabled is None else self.itsc_sf_sync_enabled

    @property
    def field_names(self) -> dict[str, str]:
        """Model path to the organisation's own name, for the fields where one is given."""
        return {path: name for path, key in TICKET_FIELDS.items() if (name := getattr(self, key))}

    @property
    def tzinfo(self) -> dt.tzinfo:
        """The organisation's zone."""
        return zone_named(self.zone)

    def operator_name(self) -> str:
        """Who edits here."""
        from services.context import login_name

        return self.operator or login_name()


def zone_named(name: str) -> dt.tzinfo:
    """A time zone by its IANA name. Raises ValueError with one sentence."""
    if name.upper() == "UTC":
        return dt.UTC
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"there is no time zone named {name!r}") from error


TICKET_FIELDS = {
    "feature_name": "sf_title_field",
    "status": "sf_status_field",
    "priority": "sf_priority_field",
    "department": "sf_department_field",
    "brief.what_it_does": "sf_description_field",
}
KEYS = tuple(each.name for each in fields(Settings))
SECRETS = frozenset({"sf_access_token"})
"""Keys that only the environment may give."""
JWT_KEYS = ("sf_client_id", "sf_username", "sf_private_key_file")
_OWN_NAMES = ("google_", "firestore_", "sf_", "itsc_")


def variable_of(key: str) -> str:
    """The environment variable of a key: its own name where others know it (``SF_CLIENT_ID``),
    else with ``STEERCO_`` before it (``STEERCO_ZONE``)."""
    return key.upper() if key.startswith(_OWN_NAMES) else f"STEERCO_{key.upper()}"


VARIABLES = {variable_of(key): key for key in KEYS}


def load(path: Path | None = None) -> Settings:
    """The configuration in force: the file at ``path`` (None: where ``locations`` says), overridden
    by this process's environment.

    Raises ConfigError for a wrong key or value, for a secret in the file, and for connections that
    are given by half.
    """
    path = path or locations.config_file()
    if not path.exists() and VARIABLES.keys().isdisjoint(os.environ):
        return Settings()
    from services.config_sources import read

    settings = read(path)
    _check_connections(settings)
    return settings


def ready_home() -> Path:
    """The data directory, made where it is not there. Raises ConfigError."""
    home = locations.home()
    try:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        (home / "any").exists()  # raises where the directory may not be looked into
    except FileExistsError as error:
        raise ConfigError(
            f"the data directory {home} is a file; set STEERCO_HOME to a directory"
        ) from error
    except OSError as error:
        raise ConfigError(
            f"the data directory {home} can't be used: {error.strerror}; set STEERCO_HOME to a "
            "writable directory"
        ) from error
    return home


def _check_connections(settings: Settings) -> None:
    """Refuse what names a connection by half, and an emulator that is not this machine."""
    named = os.environ.get("FIRESTORE_EMULATOR_HOST", settings.firestore_emulator_host)
    if named is not None:
        _check_emulator(named, settings)
    jwt = [key for key in JWT_KEYS if getattr(settings, key)]
    if settings.sf_access_token:
        _need("SF_ACCESS_TOKEN", ["sf_instance_url"], settings)
    elif jwt or settings.sf_login_url:
        first = jwt[0] if jwt else "sf_login_url"
        _need(f"{variable_of(first)} is for a JWT login, which", JWT_KEYS, settings)
    elif settings.sf_instance_url:
        _need("SF_INSTANCE_URL", ["sf_access_token"], settings)

    if settings.field_names:
        _check_field_names(settings)


def _check_field_names(settings: Settings) -> None:
    from services.itsc_sf_sync import field_map

    try:
        field_map(settings.field_names)
    except ValueError as error:
        keys = ", ".join(TICKET_FIELDS[path] for path in settings.field_names)
        raise ConfigError(f"{keys}: {error}") from error


def _need(what: str, keys: Sequence[str], settings: Settings) -> None:
    missing = [variable_of(key) for key in keys if not getattr(settings, key)]
    if missing:
        pronoun = "it is" if len(missing) == 1 else "they are"
        raise ConfigError(f"{what} needs {', '.join(missing)} too; {pronoun} missing")


def _check_emulator(address: str, settings: Settings) -> None:
    from services.sync.targets.fs_endpoint import EndpointRefused, endpoint

    try:
        endpoint(
            "any",
            settings.firestore_database,
            address,
            allow_remote_emulator=settings.allow_remote_emulator,
        )
    except EndpointRefused as error:
        raise ConfigError(str(error)) from error
