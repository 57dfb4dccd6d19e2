"""Trouble on demand.

A fault is written ``KIND[:VALUE][,SELECTOR=VALUE]…``, for example ``latency:250``,
``401,count=1``, ``429:3,path=composite``, ``lock,every=7`` or
``cut-after,method=PATCH,p=0.1,seed=4``.
Faults strike the data API; one with a ``path`` strikes any address that holds it.
"""

from __future__ import annotations

import math
import random
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field

from services.sandbox.errors import Fault
from services.sandbox.wire import CALM, Answer, Effects

KINDS = {
    "latency": ("MS", "wait before the request is looked at"),
    "lag": ("MS", "wait after the request was carried out, before it is answered"),
    "401": ("", "INVALID_SESSION_ID"),
    "expire": ("", "every token issued so far stops working: log in again"),
    "403": ("", "REQUEST_LIMIT_EXCEEDED, the organisation's daily limit"),
    "429": ("[SECONDS]", "too many requests, with Retry-After where seconds are given"),
    "500": ("", "UNKNOWN_EXCEPTION"),
    "503": ("", "SERVER_UNAVAILABLE in Salesforce's own form"),
    "bare": ("STATUS", "an answer of a proxy in between, in HTML"),
    "lock": ("", "UNABLE_TO_LOCK_ROW for a row"),
    "row": ("CODE", "this error for a row"),
    "cut-before": ("", "the connection is cut before the request is carried out"),
    "cut-after": ("", "the connection is cut after it was carried out: the answer is lost"),
    "cut-body": ("", "the connection is cut in the middle of the answer"),
    "late": ("SECONDS", "SOQL shows what this request writes only so much later"),
    "duplicates": ("", "external ids are not unique in this org"),
    "clock": ("SECONDS", "the server's clock is off by so much"),
}
"""The value that each kind takes (in brackets: may take), and what it does."""
SELECTORS = {
    "count": ("N", "act at most so often"),
    "every": ("N", "act on each n-th request or row that matches"),
    "path": ("TEXT", "where the path holds this text"),
    "method": ("NAME", "where it is this HTTP method"),
    "p": ("P", "with this probability, 0 to 1"),
    "seed": ("N", "of the dice for p"),
}
DATA_PATH = "/services/data/"
_ROW_KINDS = {"lock", "row"}
_LOCKED = "unable to obtain exclusive access to this record or 1 records"


def manual() -> list[str]:
    """The kinds and selectors, a line each, for help texts."""
    forms = {
        kind + (value.replace("[", "[:") if "[" in value else value and f":{value}"): meaning
        for kind, (value, meaning) in KINDS.items()
    }
    selectors = {f",{name}={value}": meaning for name, (value, meaning) in SELECTORS.items()}
    return [f"{form:<15} {meaning}" for form, meaning in (forms | selectors).items()]


@dataclass(slots=True)
class Spec:
    """One fault with its selectors and how often it matched and acted."""

    text: str
    kind: str
    value: str = ""
    count: int | None = None
    every: int = 1
    path: str = ""
    method: str = ""
    p: float = 1.0
    dice: random.Random = field(default_factory=lambda: random.Random(0))
    matched: int = 0
    acted: int = 0

    def acts(self, method: str, path: str) -> bool:
        """Whether the fault strikes now; counts."""
        if self.path not in path or self.method not in ("", method):
            return False
        if not self.path and not path.startswith(DATA_PATH):
            return False
        if self.count is not None and self.acted >= self.count:
            return False
        self.matched += 1
        if self.matched % self.every or self.dice.random() >= self.p:
            return False
        self.acted += 1
        return True

    @property
    def number(self) -> float:
        return float(self.value or 0)


def parse_spec(text: str) -> Spec:
    """A fault from its text. Raises ValueError with one sentence."""
    head, *selectors = text.split(",")
    kind, _, value = head.strip().partition(":")
    if kind not in KINDS:
        raise ValueError(f"{kind!r} is no fault; there are {', '.join(KINDS)}")
    spec = Spec(text, kind, value)
    seed = 0
    try:
        _check_value(kind, value)
        for selector in selectors:
            name, _, given = selector.strip().partition("=")
            match name:
                case "count":
                    spec.count = _whole(name, given, 0)
                case "every":
                    spec.every = _whole(name, given, 1)
                case "path":
                    spec.path = given
                case "method":
                    spec.method = given.upper()
                case "p":
                    spec.p = _number(given)
                    if not 0 <= spec.p <= 1:
                        raise ValueError(f"p={given} is no probability: 0 to 1")
                case "seed":
                    seed = _whole(name, given, 0)
                case _:
                    raise ValueError(f"{name!r} is no selector; there are {', '.join(SELECTORS)}")
    except ValueError as bad:
        raise ValueError(f"fault {text!r}: {bad}") from None
    spec.dice = random.Random(seed)
    return spec


def _check_value(kind: str, value: str) -> None:
    wanted = KINDS[kind][0]
    if wanted.isalpha() and not value:
        raise ValueError(f"{kind} needs a value, as in {kind}:{wanted}")
    if kind == "row" or not value:
        return
    if not wanted:
        raise ValueError(f"{kind} takes no value")
    if _number(value) < 0 and kind != "clock":
        raise ValueError(f"{value} is below 0")
    if kind == "bare" and not 200 <= float(value) <= 599:
        raise ValueError(f"{value} is no status of an answer")


def _number(text: str) -> float:
    """A finite number. Raises ValueError with a sentence."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise ValueError(f"{text!r} is no number")
    return number


def _whole(name: str, text: str, low: int) -> int:
    """The whole number of a selector, not below ``low``. Raises ValueError with a sentence."""
    if not (text.isascii() and text.isdigit() and int(text) >= low):
        raise ValueError(f"{name} takes a whole number from {low} on, not {text!r}")
    return int(text)


class Faults:
    """The faults in force in this server process. Safe to share between threads."""

    def __init__(self, specs: Iterable[str] = ()) -> None:
        self._lock = threading.Lock()
        self._specs = [parse_spec(text) for text in specs]

    def add(self, text: str) -> None:
        """Put a fault in force. Raises ValueError."""
        spec = parse_spec(text)
        with self._lock:
            self._specs.append(spec)

    def clear(self) -> None:
        """Take every fault out of force."""
        with self._lock:
            self._specs.clear()

    def listing(self) -> list[dict[str, object]]:
        """Each fault with how often it matched and acted."""
        with self._lock:
            return [{"fault": s.text, "matched": s.matched, "acted": s.acted} for s in self._specs]

    def clock_shift(self) -> float:
        """Seconds by which the server's clock is off."""
        with self._lock:
            return sum(s.number for s in self._specs if s.kind == "clock")

    def effects(self, method: str, path: str) -> Effects:
        """What happens to a request."""
        with self._lock:
            if not self._specs:
                return CALM
            struck = [
                s
                for s in self._specs
                if s.kind not in _ROW_KINDS and s.kind != "clock" and s.acts(method, path)
            ]
        values = {s.kind: s.number for s in struck if s.kind in ("latency", "lag", "late")}
        kinds = {s.kind for s in struck}
        return Effects(
            latency=values.get("latency", 0.0) / 1000,
            lag=values.get("lag", 0.0) / 1000,
            answer=next((a for a in map(_answer, struck) if a), None),
            cut=next((k[4:] for k in ("cut-before", "cut-after", "cut-body") if k in kinds), ""),
            late=values.get("late", 0.0),
            unique="duplicates" not in kinds,
            expire="expire" in kinds,
            row_fault=lambda: self._row_fault(method, path),
        )

    def _row_fault(self, method: str, path: str) -> Fault | None:
        with self._lock:
            for spec in self._specs:
                if spec.kind in _ROW_KINDS and spec.acts(method, path):
                    if spec.kind == "lock":
                        return Fault("UNABLE_TO_LOCK_ROW", _LOCKED)
                    return Fault(spec.value, f"injected: {spec.value}")
        return None


def _answer(spec: Spec) -> Answer | None:
    match spec.kind:
        case "401":
            return _error(401, "INVALID_SESSION_ID", "Session expired or invalid")
        case "403":
            return _error(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")
        case "429":
            headers = {"Retry-After": spec.value} if spec.value else {}
            return _error(429, "REQUEST_LIMIT_EXCEEDED", "Too many requests", headers)
        case "500":
            return _error(500, "UNKNOWN_EXCEPTION", "An unexpected error occurred.")
        case "503":
            return _error(503, "SERVER_UNAVAILABLE", "Server is too busy, try again later")
        case "bare":
            page = f"<html><body><h1>{int(spec.number)}</h1></body></html>".encode()
            return Answer(int(spec.number), page, media="text/html")
    return None


def _error(status: int, code: str, message: str, headers: dict[str, str] | None = None) -> Answer:
    return Answer(status, [Fault(code, message, None).as_request_error()], headers or {})
