"""Who edits, and what time it is: the arguments of every change."""

from __future__ import annotations

import getpass
import os
from collections.abc import Callable
from dataclasses import dataclass, field

from store.clock import Clock, system_clock

_VARIANTS = {digit: "89ab"[int(digit, 16) % 4] for digit in "0123456789abcdef"}


def new_id() -> str:
    """A fresh operation, trace or client id."""
    raw = os.urandom(16).hex()
    # A version 4 UUID; the uuid module takes three times as long, in every edit.
    return f"{raw[:12]}4{raw[13:16]}{_VARIANTS[raw[16]]}{raw[17:]}"


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
