"""Figures as people read them: with their unit, their change in words, their course in one line."""

from __future__ import annotations

import math
from collections.abc import Sequence

from services.kpis.answers import Point, Tile

NO_DATA = "no data"
NO_DEPARTMENT = "(no department)"
_BLOCKS = "▁▂▃▄▅▆▇█"
_NOTHING = "·"
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def number(value: float | None) -> str:
    """One digit after the point below a thousand, none from there on: ``6.0``, ``1,204``."""
    if value is None:
        return NO_DATA
    return f"{value:,.1f}" if abs(value) < 999.95 else f"{value:,.0f}"


def with_unit(value: float | None, unit: str) -> str:
    """``6.0 d``; ``1,204`` for tickets, which are counted."""
    if value is None:
        return NO_DATA
    return f"{value:,.0f}" if unit == "tickets" else f"{number(value)} {unit}"


def change(tile: Tile) -> str:
    """The change against the period before: ``▼ 0.8 better``. What would round to nothing is the
    same; without data on either side there is nothing to compare."""
    by = tile.change
    if by is None:
        return "" if tile.figure.value is None else "nothing before"
    if number(abs(by)) == number(0):
        return "= same"
    arrow = "▲" if by > 0 else "▼"
    verdict = {True: " better", False: " worse", None: ""}[tile.better]
    return f"{arrow} {number(abs(by))}{verdict}"


def spark(values: Sequence[float | None]) -> str:
    """A course in one line, from nothing to its highest value; ``·`` where there is no data."""
    top = max((each for each in values if each is not None), default=0.0)
    return "".join(_block(each, top) for each in values)


def _block(value: float | None, top: float) -> str:
    if value is None:
        return _NOTHING
    return _BLOCKS[round(value / top * (len(_BLOCKS) - 1))] if top > 0 else _BLOCKS[0]


def month_name(month: str) -> str:
    """``2026-09`` as ``Sep 2026``."""
    return f"{_MONTHS[int(month[5:]) - 1]} {month[:4]}"


def short_month(month: str) -> str:
    """``2026-09`` as ``Sep``."""
    return _MONTHS[int(month[5:]) - 1]


def department(name: str) -> str:
    """A department's name; what has none is called so."""
    return name or NO_DEPARTMENT


def scale(top: float, steps: int) -> list[float]:
    """Round numbers from 0 up to one that is not below ``top``, about ``steps`` of them: what
    stands at a chart's axis."""
    if top <= 0:
        return [0.0, 1.0]
    rough = top / max(1, steps)
    base = 10.0 ** math.floor(math.log10(rough))
    step = next(base * each for each in (1, 2, 2.5, 5, 10) if base * each >= rough * 0.999999)
    return [step * at for at in range(math.ceil(top / step - 1e-9) + 1)]


def has_data(points: Sequence[Point]) -> bool:
    """Whether a month of a series has a figure."""
    return any(each.value is not None for each in points)
