"""The manual order within a priority band: which rows need a new number when one moves."""

from __future__ import annotations

import bisect
from collections.abc import Sequence

HIGHEST = 999


class BandFull(ValueError):
    """A band holds more rows than there are numbers."""


def renumber(orders: Sequence[int | None]) -> list[int]:
    """Strictly increasing numbers from 0 to 999 for rows in their wanted order, keeping as many of
    the present ones as can be kept.

    ``orders`` are the present numbers in the wanted order (None where a row has none). A number can
    be kept where enough room is left before and after it, so the kept ones are a longest
    non-decreasing run of ``order - position``. Raises BandFull.
    """
    count = len(orders)
    if count > HIGHEST + 1:
        raise BandFull(
            f"a priority band can order {HIGHEST + 1:,} projects, this one has {count:,}"
        )
    kept = _kept(orders)
    numbers: list[int] = [0] * count
    previous_at, previous = -1, -1
    for position in [*kept, count]:
        if position < count:
            number = orders[position]
            assert number is not None
        else:
            # Nothing is fixed behind the last row: leave room for later moves where there is some.
            gap = count - previous_at
            number = min(HIGHEST + 1, previous + 10 * gap)
        _fill(numbers, previous_at, previous, position, number)
        if position < count:
            numbers[position] = number
        previous_at, previous = position, number
    return numbers


def _kept(orders: Sequence[int | None]) -> list[int]:
    """Positions of the rows that keep their number."""
    count = len(orders)
    tails: list[int] = []
    tail_at: list[int] = []
    before: dict[int, int] = {}
    for position, order in enumerate(orders):
        if order is None or not position <= order <= HIGHEST - (count - 1 - position):
            continue
        key = order - position
        slot = bisect.bisect_right(tails, key)
        before[position] = tail_at[slot - 1] if slot else -1
        if slot == len(tails):
            tails.append(key)
            tail_at.append(position)
        else:
            tails[slot], tail_at[slot] = key, position
    chain: list[int] = []
    current = tail_at[-1] if tail_at else -1
    while current != -1:
        chain.append(current)
        current = before[current]
    return chain[::-1]


def _fill(numbers: list[int], start_at: int, start: int, end_at: int, end: int) -> None:
    """Spread the rows between two fixed ones over the numbers between them."""
    rows = end_at - start_at - 1
    room = end - start - 1
    for index in range(1, rows + 1):
        numbers[start_at + index] = start + max(index, index * (room + 1) // (rows + 1))
