"""What a person reads of an error. Known ones speak for themselves; the others go to the log."""

from __future__ import annotations

import sqlite3


def sentence_of(error: Exception) -> str:
    """One sentence. The traceback of an error that nobody foresaw is kept in the crash log."""
    from store.database import explain

    if isinstance(error, sqlite3.Error):
        return str(explain(error))
    if isinstance(error, _known()):
        return str(error)
    return _unforeseen(error)


def _known() -> tuple[type[Exception], ...]:
    """The errors whose text is the sentence; loaded only when something went wrong."""
    from services.config import ConfigError
    from services.importing.plan import ImportRefused
    from services.itsc_roadmap import NotFound
    from services.kpis.exports import LoadError
    from services.kpis.policy import PolicyError
    from services.kpis.pull import OtherOrganisation
    from services.ordering import BandFull
    from services.outbox import NotPossible
    from services.sandbox.process import SandboxFailed
    from services.sync.targets.base import TargetDown
    from services.sync.targets.sf_errors import CallFailed
    from store.canon import Refusal
    from store.database import StoreError

    refusals = (
        Refusal,
        NotFound,
        NotPossible,
        BandFull,
        ImportRefused,
        LoadError,
        PolicyError,
        OtherOrganisation,
        CallFailed,
    )
    return (*refusals, StoreError, ConfigError, TargetDown, SandboxFailed)


def _unforeseen(error: Exception) -> str:
    import datetime as dt

    from services import locations
    from tui import crash

    return crash.sentence(error, crash.write_log(locations.home(), error, dt.datetime.now(dt.UTC)))
