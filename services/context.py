"""Who edits, and what time it is: the arguments of every change."""

from __future__ import annotations

import getpass
import os
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field

from store.clock import Clock, system_clock


def new_id() -> str:
    """A fresh operation, trace or client id."""
    return uuid.uuid4().hex


@dataclass(frozen=True, slots=True)
class Context:
    """The operator at the keys, the clock, and where new ids come from."""

    operator: str
    clock: Clock = system_clock
    new_id: Callable[[], str] = field(default=new_id)


def login_name() -> str:
    """Who is signed in on this machine, for edits where no operator is configured."""
    try:
        return os.environ.get("STEERCO_OPERATOR") or getpass.getuser()
    except (KeyError, OSError):
        return "operator"
