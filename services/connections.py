"""From the settings to the two targets, or to the reasons why one of them is off.

With nothing configured both are the embedded sandbox, on files of their own beside a database of
their own, so that what was tried out can never reach a real organisation. Reading the settings
opens nothing; ``connect`` is called on the thread that will own the targets, and loads the cloud
libraries there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from services.config import ConfigError, Settings
from services.overview import Gates
from services.sync.status import Gate
from store.canon import shown
from store.deliveries import FIRESTORE, SALESFORCE, TARGETS

if TYPE_CHECKING:
    from services.sync.targets.base import Target

SANDBOX_FIRESTORE, SANDBOX_SALESFORCE = "sandbox-firestore.db", "sandbox-salesforce.db"
EMULATOR_PROJECT = "google-cloud-firestore-emulator"
"""The project of an emulator where none is named: the one that Google's own library takes."""
SYNC_OFF = "Salesforce sync is off (ITSC_SF_SYNC_ENABLED)"


@dataclass
class Connections:
    """Targets by name, and what has to be closed after them. ``give_way`` is called before each
    piece of a sandbox's long work."""

    targets: dict[str, Target] = field(default_factory=dict)
    give_way: Callable[[], None] | None = None
    _stack: ExitStack = field(default_factory=ExitStack)

    def close(self) -> None:
        """Let go of every connection; a sandbox that was started is stopped."""
        self._stack.close()

    def __enter__(self) -> Connections:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()


def database(settings: Settings, home: Path) -> Path:
    """The database of this configuration: the sandbox has its own."""
    return home / ("sandbox.db" if settings.sandbox else "steerco.db")


def gates(settings: Settings) -> Gates:
    """Which targets the configuration lets move, with the reason where not."""
    found = {FIRESTORE: Gate(), SALESFORCE: Gate()}
    if not settings.sandbox and not settings.firestore_configured:
        found[FIRESTORE] = Gate(open=False, reason="Firestore is not configured")
    if not settings.sandbox and not settings.salesforce_configured:
        found[SALESFORCE] = Gate(open=False, reason="Salesforce is not configured")
    elif not settings.sf_sync_enabled:
        found[SALESFORCE] = Gate(open=False, reason=SYNC_OFF)
    return found


def connect(
    settings: Settings,
    home: Path,
    names: Sequence[str] = TARGETS,
    *,
    give_way: Callable[[], None] | None = None,
) -> Connections:
    """The configured ones of the named targets. Nothing is sent yet, but a sandbox is started.

    Raises ConfigError for an address that must not be used, SandboxFailed for a sandbox that does
    not start.
    """
    opened = Connections(give_way=give_way)
    try:
        for name, open_target in _openers(settings).items():
            if name in names:
                target = open_target(settings, home, opened)
                opened._stack.callback(target.close)
                opened.targets[name] = target
    except BaseException:
        opened.close()
        raise
    return opened


_Opener = Callable[[Settings, Path, Connections], "Target"]


def _openers(settings: Settings) -> Mapping[str, _Opener]:
    if settings.sandbox:
        return {FIRESTORE: _sandbox_firestore, SALESFORCE: _sandbox_salesforce}
    found: dict[str, _Opener] = {}
    if settings.firestore_configured:
        found[FIRESTORE] = _firestore
    if settings.salesforce_configured:
        found[SALESFORCE] = _salesforce
    return found


def _firestore(settings: Settings, _home: Path, _opened: Connections) -> Target:
    from services.sync.targets.firestore import FirestoreTarget
    from services.sync.targets.fs_endpoint import EndpointRefused, endpoint
    from services.sync.targets.fs_google import GoogleDocuments

    try:
        place = endpoint(
            settings.google_cloud_project or EMULATOR_PROJECT,
            settings.firestore_database,
            settings.firestore_emulator_host,
            allow_remote_emulator=settings.allow_remote_emulator,
        )
    except EndpointRefused as error:
        raise ConfigError(str(error)) from error
    return FirestoreTarget(GoogleDocuments(place))


def _salesforce(settings: Settings, _home: Path, _opened: Connections) -> Target:
    from services.sync.targets.salesforce import SalesforceTarget
    from services.sync.targets.sf_login import LOGIN_URL, SalesforceConnection
    from services.sync.targets.sf_transport import check_instance

    key = settings.sf_private_key_file
    try:
        connection = SalesforceConnection(
            instance_url=settings.sf_instance_url,
            access_token=settings.sf_access_token,
            client_id=settings.sf_client_id,
            username=settings.sf_username,
            private_key=key and str(Path(key).expanduser()),
            login_url=settings.sf_login_url or LOGIN_URL,
        )
        for address in (settings.sf_instance_url, settings.sf_login_url):
            if address is not None:
                check_instance(address)
    except ValueError as error:
        raise ConfigError(f"Salesforce: {error}") from error
    if settings.sf_access_token is None and not Path(str(connection.private_key)).is_file():
        raise ConfigError(f"SF_PRIVATE_KEY_FILE names no file: {shown(str(key))}")
    return SalesforceTarget(connection, settings.field_names)


def _sandbox_firestore(_settings: Settings, home: Path, opened: Connections) -> Target:
    from services.sandbox.firestore import EmbeddedDocuments
    from services.sync.targets.firestore import FirestoreTarget

    documents = EmbeddedDocuments(home / SANDBOX_FIRESTORE, give_way=opened.give_way)
    return FirestoreTarget(documents)


def _sandbox_salesforce(_settings: Settings, home: Path, opened: Connections) -> Target:
    from services.sandbox.process import SandboxProcess
    from services.sync.targets.salesforce import SalesforceTarget
    from services.sync.targets.sf_login import SalesforceConnection

    process = SandboxProcess()
    opened._stack.callback(process.stop)
    process.start(home / SANDBOX_SALESFORCE)
    url, token = process.wait_ready()
    # The sandbox's organisation calls its fields as the package does, whatever the real one does.
    return SalesforceTarget(SalesforceConnection(instance_url=url, access_token=token))
