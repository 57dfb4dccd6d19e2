"""The filter line: ``status:paused dept:"Demand Gen" -group:ai owner:me free text`` into terms.

A chip is ``name:text``; text with blanks goes in quotes; ``-`` or ``!`` before it turns it around;
``owner:me`` is the operator. Anything else is looked for in all text. All of it has to match. A
project matches a chip when the field holds the text, whatever the case.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from store import fields
from store.fields import Kind
from store.projects import Term

_TOKEN = re.compile(
    r"""
    (?P<negate>[-!]?)
    (?:(?P<name>[A-Za-z][A-Za-z_.]*):)?
    (?:"(?P<quoted>[^"]*)"?|(?P<plain>\S*))
    """,
    re.VERBOSE,
)
_SHORT = {
    "status": "status",
    "priority": "priority",
    "pri": "priority",
    "dept": "department",
    "department": "department",
    "group": "strategic_group",
    "value": "strategic_value",
    "owner": "product_owner",
    "lead": "it_lead",
    "loe": "level_of_effort",
    "effort": "level_of_effort",
    "launch": "launch_target",
    "sponsor": "intake.executive_sponsor",
    "by": "intake.submitted_by",
    "system": "intake.primary_system",
    "size": "intake.dev_t_shirt",
    "feature": "feature_name",
    "name": "feature_name",
    "parent": "parent_id",
}
_TEXTUAL = {f.path for f in fields.FIELDS if f.kind not in (Kind.BOOLEAN, Kind.INTEGER)}
CHIPS = ("status", "priority", "dept", "group", "owner", "lead", "loe", "launch", "name")
"""The names that are worth showing to a person."""


@dataclass(frozen=True, slots=True)
class Filtering:
    """``terms`` all have to match. ``problem`` is a sentence about what was left out, if any."""

    terms: tuple[Term, ...] = ()
    problem: str | None = None

    @property
    def narrows(self) -> bool:
        """Whether anything is asked for."""
        return bool(self.terms)


def parse(text: str, operator: str = "") -> Filtering:
    """The terms of a filter line. What is not understood is left out and named; a chip without a
    text (still being typed) asks for nothing."""
    terms: list[Term] = []
    problem: str | None = None
    for match in _TOKEN.finditer(text):
        name, negate = match["name"], bool(match["negate"])
        wanted = match["plain"] if match["quoted"] is None else match["quoted"]
        if name is None:
            if wanted.strip():
                terms.append(Term(wanted, None, negate))
            continue
        path = _path(name)
        if path is None:
            problem = problem or (
                f"There is no filter “{name}:”; there are {' '.join(f'{c}:' for c in CHIPS)}, "
                "or put the text in quotes."
            )
        elif wanted.strip():
            is_me = fields.BY_PATH[path].kind is Kind.PERSON and wanted.casefold() == "me"
            terms.append(Term(operator if is_me and operator else wanted, path, negate))
    return Filtering(tuple(terms), problem)


def chip(term: Term) -> str:
    """A term as it is typed, for example ``dept:"Demand Gen"``; it finds what the term finds."""
    sign = "-" if term.negate else ""
    # A quotation mark can't be written inside quotes: the longest piece without one has to do.
    text = max(term.text.split('"'), key=len)
    quoted = f'"{text}"' if re.search(r"[\s:]", text) else text
    if term.path is None:
        return sign + quoted
    name = next((short for short, path in _SHORT.items() if path == term.path), term.path)
    return f"{sign}{name}:{quoted}"


def _path(name: str) -> str | None:
    found = _SHORT.get(name.casefold(), name)
    return found if found in _TEXTUAL else None
