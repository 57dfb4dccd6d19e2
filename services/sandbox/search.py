"""SOSL, as far as a plain search needs it: words that a record's texts hold.

``FIND {words} [IN scope FIELDS] [RETURNING object(fields WHERE … LIMIT n), …] [LIMIT n]``. Every
word must be there, at the beginning of a word of the record, whatever its letter case; ``*`` for
any end is implied. NAME and EMAIL scopes look at those fields alone. What stands in the
parentheses of RETURNING is SOQL.
"""

from __future__ import annotations

import re
import sqlite3
from dataclasses import dataclass
from typing import Any

from services.sandbox import soql_run
from services.sandbox.errors import ApiError
from services.sandbox.org import Org
from services.sandbox.schema import TEXTS, FieldSpec, SfType, SObject
from services.sandbox.standard import find_object, schema
from services.sandbox.storage import quote
from services.sandbox.wire import Answer, Call

MAX_RESULTS = 2000
MIN_CHARACTERS = 2
_FORM = re.compile(
    r"\s*FIND\s*\{(?P<words>(?:[^{}\\]|\\.)*)\}"
    r"(?:\s+IN\s+(?P<scope>ALL|NAME|EMAIL|PHONE|SIDEBAR)\s+FIELDS)?"
    r"(?:\s+RETURNING\s+(?P<returning>.+?))?"
    r"(?:\s+LIMIT\s+(?P<limit>\d+))?\s*",
    re.IGNORECASE | re.DOTALL,
)
_OBJECT = re.compile(r"\s*(?P<name>[A-Za-z]\w*)\s*(?P<open>\()?")
_FIELDS = re.compile(r"(?P<fields>.*?)(?P<tail>\b(?:WHERE|ORDER\s+BY|LIMIT)\b.*)?", re.I | re.S)
_TAIL = re.compile(r"\s*WHERE\b(?P<where>.*?)(?P<rest>\b(?:ORDER\s+BY|LIMIT)\b.*)?", re.I | re.S)


@dataclass(frozen=True, slots=True)
class Returning:
    """One object to be searched: the fields shown, the condition, and order and limit in SOQL."""

    obj: SObject
    fields: str = "Id"
    where: str = ""
    rest: str = ""


def search(org: Org, call: Call) -> Answer:
    """Answer ``search?q=…``. Raises ApiError MALFORMED_SEARCH."""
    text = call.query.get("q", "")
    found = _FORM.fullmatch(text)
    if found is None:
        raise _malformed(f"unexpected token in {text!r}")
    words = re.sub(r"\\(.)|[*?\"]", r"\1", found["words"]).casefold().split()
    if not words or min(map(len, words)) < MIN_CHARACTERS:
        raise _malformed("search term must be longer than one character")
    limit = min(int(found["limit"] or MAX_RESULTS), MAX_RESULTS)
    scope = (found["scope"] or "ALL").upper()
    records: list[dict[str, Any]] = []
    with org.store.reading() as db:
        for each in _returning(found["returning"]):
            ids = _matching(db, each.obj, words, scope)
            if ids:
                records += soql_run.all_records(
                    db, _soql(each, ids), org.now(), call.base, deleted=False
                )
    return Answer(200, {"searchRecords": records[:limit]})


def _returning(text: str | None) -> list[Returning]:
    """The objects to be searched; all that can be, where the search names none."""
    if text is None:
        return [Returning(obj) for obj in schema().values() if obj.writable]
    wanted, at = [], 0
    while True:
        head = _OBJECT.match(text, at)
        obj = find_object(head["name"]) if head else None
        if head is None or obj is None:
            raise _malformed(f"sObject type is not supported: {text[at:]!r}")
        at = head.end()
        inside = ""
        if head["open"]:
            end = _closing(text, at)
            inside, at = text[at:end], end + 1
        wanted.append(_returned(obj, inside))
        comma = re.compile(r"\s*(,?)").match(text, at)
        at = comma.end() if comma else at
        if comma is None or not comma[1]:
            if text[at:].strip():
                raise _malformed(f"unexpected token: {text[at:]!r}")
            return wanted


def _returned(obj: SObject, inside: str) -> Returning:
    parts = _FIELDS.fullmatch(inside)
    fields, tail = (parts["fields"], parts["tail"] or "") if parts else (inside, "")
    condition = _TAIL.fullmatch(tail)
    where = condition["where"] if condition else ""
    rest = (condition["rest"] or "") if condition else tail
    return Returning(obj, fields.strip() or "Id", where.strip(), rest.strip())


def _closing(text: str, at: int) -> int:
    """Where the parenthesis that is open at ``at`` closes; quoted ones don't count."""
    depth = 1
    for found in re.compile(r"'(?:[^'\\]|\\.)*'|[()]", re.S).finditer(text, at):
        depth += {"(": 1, ")": -1}.get(found[0], 0)
        if not depth:
            return found.start()
    raise _malformed("a parenthesis is not closed")


def _soql(each: Returning, ids: list[str]) -> str:
    wanted = ", ".join(f"'{each_id}'" for each_id in ids)
    where = f"({each.where}) AND " if each.where else ""
    return f"SELECT {each.fields} FROM {each.obj.name} WHERE {where}Id IN ({wanted}) {each.rest}"


def _matching(db: sqlite3.Connection, obj: SObject, words: list[str], scope: str) -> list[str]:
    """The first records that hold every word, those in the recycle bin too."""
    columns = [f"IFNULL({quote(f.name)}, '')" for f in obj.stored if _in_scope(f, scope)]
    if not columns:
        return []
    text = " || ' ' || ".join(["''", *columns])
    holds = [re.compile(rf"\b{re.escape(word)}") for word in words]
    rows = db.execute(f"SELECT Id, fold({text}) FROM {quote(obj.name)} ORDER BY rowid")
    ids = [row[0] for row in rows if all(each.search(row[1]) for each in holds)]
    return ids[:MAX_RESULTS]


def _in_scope(field: FieldSpec, scope: str) -> bool:
    match scope:
        case "NAME":
            return field.name_field
        case "EMAIL":
            return field.type is SfType.EMAIL
    return field.type in TEXTS and scope != "PHONE"


def _malformed(message: str) -> ApiError:
    return ApiError(400, "MALFORMED_SEARCH", message)
