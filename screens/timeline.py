"""The timeline: quarters as columns, a bar for each project to its launch date, today's line.

Pure functions make the axis and the bars; the grid that paints them is the one of the table.
Projects without a date stand in a lane of their own, below the others.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from screens.dates import is_late, relative
from screens.widgets.columns import Column
from screens.widgets.grid import Cell, Part
from store.canon import Value, launch_date
from store.fields import CLOSED_STATUSES

AXIS = "launch_target"
LANE = "\x00undecided"
COLUMNS: tuple[Column, ...] = (
    Column("priority", "Pri", 7, drop=1),
    Column("feature_name", "Feature", 22, 34, grow=1),
    Column(AXIS, "", 40, 60, grow=6),
)
CELLS_FOR_A_QUARTER = 9
QUARTERS_MIN, QUARTERS_MAX = 4, 12
BACK_QUARTERS = 2


@dataclass(frozen=True, slots=True)
class Axis:
    """From the first day of a quarter on, ``quarters`` long; ``today`` is its line."""

    start: dt.date
    quarters: int
    today: dt.date

    @property
    def end(self) -> dt.date:
        """The first day after the axis."""
        return _later(self.start, self.quarters)

    def at(self, date: dt.date, width: int) -> int:
        """The cell of a date, outside 0..width-1 where it is not on the axis."""
        return (date - self.start).days * width // (self.end - self.start).days

    def boundaries(self, width: int) -> list[tuple[int, str]]:
        """The first cell of each quarter and its name."""
        starts = [_later(self.start, n) for n in range(self.quarters)]
        return [(self.at(each, width), f"Q{each.month // 3 + 1} {each.year}") for each in starts]


def axis_for(dates: Iterable[dt.date], today: dt.date, width: int) -> Axis:
    """An axis that shows today and as many of the dates as a width has room for: at most two
    quarters back, and at least a year in all."""
    this = _quarter(today)
    inside = list(dates)
    most = max(1, min(QUARTERS_MAX, width // CELLS_FOR_A_QUARTER))
    back = min(BACK_QUARTERS, most - 1)
    start = max(min([this, *map(_quarter, inside)]), _later(this, -back))
    last = max([_later(this, 1), *map(_quarter, inside)])
    wanted = _between(start, last) + 1
    return Axis(start, max(min(QUARTERS_MIN, most), min(wanted, most)), today)


def header(axis: Axis, width: int) -> str:
    """The quarters' names over the axis, today's quarter among them."""
    line = [" "] * width
    now = axis.at(axis.today, width)
    for at, name in axis.boundaries(width):
        fits = at + len(name) + 1 < width and not at < now <= at + len(name)
        short = name if fits else name[:2]
        for place, letter in enumerate(f"╷{short}"):
            if at + place < width:
                line[at + place] = letter
    if 0 <= now < width and line[now] == " ":
        line[now] = "▼"
    return "".join(line)


def bar(axis: Axis, target: Value, status: Value, width: int) -> Cell:
    """One project's line: from today to its launch, or from a launch that is over to today."""
    now = axis.at(axis.today, width)
    letters = [" "] * width
    tones = ["faint"] * width
    for at, _ in axis.boundaries(width):
        letters[at] = "┊"
    if 0 <= now < width:
        letters[now], tones[now] = "│", "key"
    date = launch_date(str(target)) if target is not None else None
    if date is None:
        _write(letters, tones, 1 if now else 2, _undecided(target), "quiet")
    else:
        _draw(letters, tones, axis, date, status, now, width)
    runs = groupby(zip(letters, tones, strict=True), key=lambda pair: pair[1])
    parts = tuple(Part("".join(letter for letter, _ in run), tone) for tone, run in runs)
    return Cell("", parts=parts)


def in_lanes(order: Sequence[str], rows: Mapping[str, Sequence[Value]], place: int) -> list[str]:
    """The rows with a launch date, then the lane's heading and those without one, each in the
    table's order. ``place`` is where a row holds its launch target."""
    dated = [each for each in order if _dated(rows[each][place])]
    undecided = [each for each in order if not _dated(rows[each][place])]
    return [*dated, LANE, *undecided] if undecided else dated


def _draw(
    letters: list[str],
    tones: list[str],
    axis: Axis,
    date: dt.date,
    status: Value,
    now: int,
    width: int,
) -> None:
    late = is_late(date.isoformat(), status, axis.today)
    closed = status in CLOSED_STATUSES
    tone = "bad" if late else ("quiet" if closed else "p2")
    at = axis.at(date, width)
    end = max(0, min(width - 1, at))
    if not closed:
        for place in range(min(end, now), max(end, now) + 1):
            if 0 <= place < width and place != now:
                letters[place], tones[place] = "━", tone
    mark = "◆" if 0 <= at < width else ("▶" if at >= width else "◀")
    letters[end], tones[end] = mark, tone
    said = relative(date, axis.today) if not late else f"{(axis.today - date).days} d late"
    if closed:
        said = str(status)
    elif not 0 <= at < width:
        said = date.isoformat()
    after = max(end, now if late else end) + 2
    style = tone if late else "quiet"
    if after + len(said) <= width:
        _write(letters, tones, after, said, style)
    else:  # no room behind the bar: on it, before its end
        _write(letters, tones, max(0, end - len(said) - 3), f" {said} ", style)


def _write(letters: list[str], tones: list[str], at: int, text: str, tone: str) -> None:
    for place, letter in enumerate(text, start=at):
        if place < len(letters):
            letters[place], tones[place] = letter, tone


def _undecided(target: Value) -> str:
    return "no launch target" if target is None else f"{target}"


def _dated(target: Value) -> bool:
    return target is not None and launch_date(str(target)) is not None


def _quarter(date: dt.date) -> dt.date:
    return date.replace(month=(date.month - 1) // 3 * 3 + 1, day=1)


def _later(start: dt.date, quarters: int) -> dt.date:
    months = start.year * 12 + start.month - 1 + 3 * quarters
    return dt.date(months // 12, months % 12 + 1, 1)


def _between(first: dt.date, last: dt.date) -> int:
    return (last.year - first.year) * 4 + (last.month - first.month) // 3
