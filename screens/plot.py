"""Charts drawn by plotext: the one place that knows it.

Its figure is a single global, so charts are drawn on the interface thread, one after the other; it
is loaded with the first chart. What it gives is turned into content whose colours are the theme's.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from textual.content import Content

LINE, DOTS = "braille", "•"
_ALONE = "●"
_HERE = "◆"
_AXES = "$quiet"
_COLOUR = re.compile(r"\x1b\[([0-9;]*)m")
_FIRST_COLOUR = 1


@dataclass(frozen=True, slots=True)
class Line:
    """One series: a value for each place, None where there is no data; ``marker`` is ``LINE`` or
    ``DOTS``, ``style`` a style of the theme."""

    values: tuple[float | None, ...]
    style: str
    marker: str = LINE


@dataclass(frozen=True, slots=True)
class Plot:
    """A drawn chart. ``left`` is the first cell of the canvas, which is ``width`` cells wide."""

    content: Content
    left: int
    width: int
    places: int

    def place_at(self, x: int) -> int | None:
        """Which place a cell belongs to."""
        if not self.places or not self.left <= x < self.left + self.width:
            return None
        return min(self.places - 1, (x - self.left) * self.places // self.width)


def draw(
    lines: Sequence[Line],
    labels: Sequence[str],
    scale: Sequence[tuple[float, str]],
    size: tuple[int, int],
    at: int | None,
) -> Plot:
    """Lines over labelled places, within ``size`` (width, height). ``scale`` are the values at the
    axis from 0 on, with what to write there; ``at`` is the place to mark."""
    import plotext as plt

    width, height = size
    plt.clear_figure()
    plt.limitsize(False, False)
    plt.theme("clear")
    plt.plotsize(width, height)
    for number, each in reversed(list(enumerate(lines))):  # the first one lies on top
        _draw_line(each, _FIRST_COLOUR + number)
    here = lines[0].values[at] if at is not None and lines else None
    if at is not None and here is not None:
        plt.scatter([at], [here], marker=_HERE, color=_FIRST_COLOUR)
    canvas = width - max(len(text) for _, text in scale) - 1
    shown = _thinned(labels, canvas, at)
    plt.xlim(-0.5, len(labels) - 0.5)
    plt.ylim(scale[0][0], scale[-1][0])
    # Its own labels it writes in the order of a set of texts, another one in each process, and a
    # label that finds no room takes its tick along: it draws the ticks, and the labels are ours.
    plt.xticks(shown, [" "] * len(shown))
    plt.yticks([value for value, _ in scale], [text for _, text in scale])
    plt.xaxes(True, False)
    plt.yaxes(True, False)
    rows = plt.build().rstrip("\n").split("\n")
    styles = [each.style for each in lines]
    ticks = [x for x, each in enumerate(_COLOUR.sub("", rows[-2])) if each == "┬"]
    below = _below(dict(zip(shown, ticks, strict=True)), labels, width, at)
    content = Content("\n").join([*(_row(each, styles) for each in rows[:-1]), below])
    return Plot(content, width - canvas, canvas, len(labels))


def _draw_line(each: Line, colour: int) -> None:
    """Where data are missing the line is broken; a month alone is a dot."""
    import plotext as plt

    for run in _runs(each.values):
        values = [each.values[place] for place in run]
        if each.marker == LINE and len(run) > 1:
            plt.plot(run, values, marker=LINE, color=colour)
        else:
            alone = _ALONE if each.marker == LINE else DOTS
            plt.scatter(run, values, marker=alone, color=colour)


def _runs(values: Sequence[float | None]) -> list[list[int]]:
    runs: list[list[int]] = [[]]
    for place, value in enumerate(values):
        if value is not None:
            runs[-1].append(place)
        elif runs[-1]:
            runs.append([])
    return [run for run in runs if run]


def _thinned(labels: Sequence[str], width: int, at: int | None) -> list[int]:
    """The places whose labels fit side by side, with the marked one among them."""
    longest = max((len(each) for each in labels), default=1)
    room = max(1, (width - 1) // max(1, longest + 1))
    step = -(-len(labels) // room)
    first = at % step if at is not None else 0
    return list(range(first, len(labels), step))


def _row(text: str, styles: Sequence[str]) -> Content:
    parts: list[tuple[str, str]] = []
    style, start = _AXES, 0
    for found in _COLOUR.finditer(text):
        if found.start() > start:
            parts.append((text[start : found.start()], style))
        start = found.end()
        code = found[1].rpartition(";")[2]
        style = styles[int(code) - _FIRST_COLOUR] if found[1].startswith("38") else _AXES
    if start < len(text):
        parts.append((text[start:], style))
    return Content.assemble(*parts)


def _below(ticks: dict[int, int], labels: Sequence[str], width: int, at: int | None) -> Content:
    """The line of labels, each in the middle below its tick and none beyond the edges, from the
    last one on: where it is tight, the others move. The marked one shows without colour too."""
    parts: list[tuple[str, str]] = []
    end = width
    for place, x in reversed(ticks.items()):
        label = labels[place]
        start = min(max(0, x - len(label) // 2), end - len(label))
        if start < 0:
            break
        parts.append((" " * (end - start - len(label)), ""))
        parts.append((label, "bold reverse" if place == at else _AXES))
        end = start
        if end:
            parts.append((" ", ""))
            end -= 1
    return Content.assemble(" " * end, *reversed(parts))
