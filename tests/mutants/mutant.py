"""One seeded bug: a piece of text that occurs once in a file, and what takes its place."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Mutant:
    """``name`` says the bug in a few words; ``tests`` are those that must catch it, as arguments
    of pytest."""

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]

    def applied_to(self, text: str) -> str:
        """The file's text with the bug. Raises ValueError where its place is not to be found."""
        number = text.count(self.old)
        if number != 1:
            raise ValueError(f"{self.name}: its text occurs {number} times in {self.file}")
        if self.new == self.old:
            raise ValueError(f"{self.name}: changes nothing")
        return text.replace(self.old, self.new)
