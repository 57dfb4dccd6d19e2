"""What is right and what is wrong with this installation, and what to do about it.

Each check is one finding. No data are changed: the database is read as it is found, the targets
are logged in to and asked for a project that nobody has.
"""

from __future__ import annotations

import errno
import os
import sqlite3
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from services import config, connections, locations
from services.config import ConfigError, Settings
from services.sync.targets.base import Ref, Target, TargetDown
from store import database, targets
from store.clock import Clock, system_clock
from store.database import SCHEMA_VERSION, StoreError
from store.deliveries import FIRESTORE, LABELS, SALESFORCE
from store.reading import connect_to_read

CLOCK_SECONDS = 60.0
"""A clock that is further off makes logins fail and every conflict hard to judge for a person."""
_NOBODY = Ref("steerco-doctor-asks")


@dataclass(frozen=True, slots=True)
class Finding:
    """One check: ``detail`` is what was found, ``advice`` what to do about it, empty where fine."""

    check: str
    ok: bool
    detail: str
    advice: str = ""


def examine(clock: Clock = system_clock) -> Iterator[Finding]:
    """The findings, as they are made: configuration, data directory, database, both targets, the
    package in the organisation, clock.

    Without a usable configuration the checks that depend on it are left out.
    """
    home = locations.home()
    try:
        settings = config.load()
    except ConfigError as error:
        yield Finding("config", False, str(error), "mend the configuration and run this again")
        yield _home(home)
        return
    yield _config(settings)
    found = _home(home)
    yield found
    path = connections.database(settings, home)
    if not found.ok and not os.path.isfile(path):
        return
    known = _database(path)
    yield known
    if not found.ok and settings.sandbox:
        return  # both of its sides are files in there
    yield from _targets(settings, home, path if known.ok and path.exists() else None, clock)


def _config(settings: Settings) -> Finding:
    path = locations.config_file()
    where = str(path) if path.exists() else f"no file at {path}"
    given = sorted(name for name in config.VARIABLES if os.environ.get(name))
    also = f"; from the environment: {', '.join(given)}" if given else ""
    mode = "the embedded sandbox" if settings.sandbox else "real connections"
    return Finding("config", True, f"{mode} ({where}{also})")


def _home(home: Path) -> Finding:
    try:
        config.ready_home()
        with tempfile.TemporaryFile(dir=home) as file:
            file.write(bytes(database.LEAST_ROOM))
        database.refuse_network(home)
    except OSError as error:
        what = f"the data directory {home} can't be written: {error.strerror}"
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        advice = "make room there" if full else "set STEERCO_HOME to a writable directory"
        return Finding("home", False, what, advice)
    except (ConfigError, StoreError) as error:
        return Finding("home", False, str(error), "set STEERCO_HOME to a directory of this machine")
    return Finding("home", True, str(home))


def _database(path: Path) -> Finding:
    if not path.exists():
        return Finding("database", True, f"none yet; the first command makes {path}")
    keep = (
        "end every terminal and worker, then run: steerco doctor --recover (the damaged file is "
        "kept; what can be read of it goes on)"
    )
    try:
        conn = connect_to_read(path)
        try:
            version = conn.execute("PRAGMA user_version").fetchone()[0]
            faults = database.check_integrity(conn)
        finally:
            conn.close()
    except (StoreError, sqlite3.Error) as error:
        found = str(database.explain(error, path))
        damaged = found.startswith(database.DAMAGED)
        return Finding("database", False, found, keep if damaged else "see that it can be read")
    if faults:
        what = f"{path} is damaged: {faults[0]}"
        return Finding("database", False, what, keep)
    if version > SCHEMA_VERSION:
        what = f"{path} has schema {version}, and this program knows {SCHEMA_VERSION}"
        return Finding("database", False, what, "install the newer Steerco")
    return Finding("database", True, f"{path}, schema {version}, integrity checked")


def _targets(settings: Settings, home: Path, path: Path | None, clock: Clock) -> Iterator[Finding]:
    gates = connections.gates(settings)
    for name, label in LABELS.items():
        try:
            with connections.connect(settings, home, (name,)) as opened:
                target = opened.targets.get(name)
                if target is None:
                    yield Finding(name, True, gates[name].reason or f"{label} is off")
                    continue
                yield _target(target, label, gates[name].reason, _known_identity(path, name))
                if name == SALESFORCE:
                    yield from _package(target)
                    yield _clock(target.clock_offset())
        except ConfigError as error:
            yield Finding(name, False, str(error), "mend the configuration and run this again")
        except (RuntimeError, OSError) as error:
            yield Finding(name, False, str(error), "run this again, and look at the message")


def _known_identity(path: Path | None, name: str) -> str | None:
    if path is None:
        return None
    conn = connect_to_read(path)
    try:
        return targets.get(conn, name).identity
    finally:
        conn.close()


def _target(target: Target, label: str, off: str | None, known: str | None) -> Finding:
    try:
        identity = target.connect()
        target.read([_NOBODY])
    except TargetDown as down:
        return Finding(target.name, False, down.problem.sentence, _advice(target.name))
    if known is not None and known != identity:
        what = f"{label} is {identity} now, and this database belongs to {known}"
        return Finding(
            target.name, False, what, "set STEERCO_HOME to another directory for the other system"
        )
    held = f"; {off}, so its deliveries are held" if off else ""
    return Finding(target.name, True, f"connected to {identity}{held}")


def _package(target: Target) -> Iterator[Finding]:
    from services.sync.targets.salesforce import SalesforceTarget

    if not isinstance(target, SalesforceTarget):
        return
    try:
        lacks = target.lacking()
    except TargetDown:
        return  # the finding about the target itself says why
    if lacks:
        advice = (
            "have the package deployed and its permission set Steerco Integration assigned "
            "(docs/salesforce-deployment.md)"
        )
        yield Finding("package", False, "; ".join(lacks), advice)
    else:
        yield Finding("package", True, "the organisation has all of it")


def _advice(name: str) -> str:
    if name == FIRESTORE:
        return (
            "check the network, GOOGLE_CLOUD_PROJECT and the application default credentials "
            "(gcloud auth application-default login); edits wait here meanwhile"
        )
    return (
        "check the network, the SF_ settings, and that the package is deployed and its permission "
        "set assigned; edits wait here meanwhile"
    )


def _clock(offset: float | None) -> Finding:
    if offset is None:
        return Finding("clock", True, "not compared: Salesforce gave no time")
    away = f"{abs(offset):.0f} s {'behind' if offset > 0 else 'ahead of'} Salesforce's"
    if abs(offset) > CLOCK_SECONDS:
        return Finding("clock", False, f"this machine's clock is {away}", "set the clock (NTP)")
    return Finding("clock", True, f"within {max(1, round(abs(offset)))} s of Salesforce's")
