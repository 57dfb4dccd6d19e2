"""How many of something, in words."""

from __future__ import annotations


def counted(number: int, one: str, many: str | None = None) -> str:
    """``1 edit``, ``2,000 edits``; ``many`` where it is more than an s that is added."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"
