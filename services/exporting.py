"""Views written out: CSV and JSON that an import takes back unchanged, and a Markdown table.

A row is a flat mapping of paths to values (``project_id``, every field, ``scores.<voter>``, and
``created_by``, ``created_at`` or ``sync`` where the caller has them).
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, TextIO, TypeAlias

from services.importing.delimited import guard
from store import fields
from store.canon import Value

Format: TypeAlias = Literal["csv", "json", "md"]
FORMATS: tuple[Format, ...] = ("csv", "json", "md")

TABLE_COLUMNS = (
    "priority",
    "feature_name",
    "department",
    "status",
    "level_of_effort",
    "product_owner",
    "it_lead",
    "launch_target",
)
"""The columns of the roadmap's table, and so of the Markdown one; briefs have no place in a table.
"""

_RANKS = {path: rank for rank, path in enumerate(("project_id", *fields.BY_PATH))}
_MARKUP = re.compile(r"([\\`*_\[\]<>|~&$])")


def export(
    rows: Iterable[Mapping[str, Any]],
    format: Format,
    out: TextIO,
    columns: Sequence[str] | None = None,
) -> None:
    """Write the rows; ``columns`` are paths, by default all (CSV) or the roadmap's (Markdown).

    CSV is RFC 4180 with paths as titles, in UTF-8 where ``out`` is (open it with ``newline=""``);
    a text that a spreadsheet would take for a formula has one apostrophe more (see ``guard``).
    JSON is a list of ``nested`` projects. Both come back from an import as they were.
    """
    match format:
        case "csv":
            _write_csv(list(rows), out, columns)
        case "json":
            picked = [dict(row) if columns is None else _pick(row, columns) for row in rows]
            json.dump([nested(row) for row in picked], out, ensure_ascii=False, indent=2)
            out.write("\n")
        case "md":
            _write_markdown(rows, out, columns or TABLE_COLUMNS)


def export_table(
    rows: Sequence[Mapping[str, Any]], titles: Mapping[str, str], format: Format, out: TextIO
) -> None:
    """Write rows of any kind, the columns of ``titles`` (key to label): by key in CSV and JSON, by
    label in Markdown."""
    match format:
        case "csv":
            _write_csv(list(rows), out, list(titles))
        case "json":
            json.dump([_pick(row, list(titles)) for row in rows], out, ensure_ascii=False, indent=2)
            out.write("\n")
        case "md":
            _markdown_row(list(titles.values()), out)
            out.write("|" + " --- |" * len(titles) + "\n")
            for row in rows:
                _markdown_row([_table_text(row.get(key)) for key in titles], out)


def nested(row: Mapping[str, Any]) -> dict[str, Any]:
    """A flat row as the JSON shape of a project: groups as objects, scores by voter.

    ``project_id`` first, fields in the order of the table of fields, everything else after them.
    """
    whole: dict[str, Any] = {}
    for path in sorted(row, key=_place):
        group, dot, name = path.partition(".")
        if fields.is_score(path):
            if row[path] is not None:
                whole.setdefault("scores", {})[fields.voter_of(path)] = row[path]
        elif dot and group in fields.GROUPS:
            whole.setdefault(group, {})[name] = row[path]
        else:
            whole[path] = row[path]
    whole.setdefault("scores", {})
    return whole


def _place(path: str) -> tuple[int, str]:
    if path in _RANKS:
        return _RANKS[path], ""
    return len(_RANKS) + (0 if fields.is_score(path) else 1), path


def _pick(row: Mapping[str, Any], columns: Sequence[str]) -> dict[str, Any]:
    return {path: row[path] for path in columns if path in row}


def _write_csv(rows: list[Mapping[str, Any]], out: TextIO, columns: Sequence[str] | None) -> None:
    if columns is None:
        present = {path for row in rows for path in row} or set(_RANKS)
        columns = sorted(present, key=_place)
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_csv_cell(row.get(path)) for path in columns])


def _csv_cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, Mapping):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, bool):
        return "true" if value else "false"
    return guard(value) if isinstance(value, str) else str(value)


def _write_markdown(rows: Iterable[Mapping[str, Any]], out: TextIO, columns: Sequence[str]) -> None:
    titles = {path: fields.label_of(path) for path in columns}
    export_table(list(rows), titles, "md", out)


def _table_text(value: Value) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)


def _markdown_row(cells: Iterable[str], out: TextIO) -> None:
    out.write("| " + " | ".join(map(escape_markdown, cells)) + " |\n")


def escape_markdown(text: str) -> str:
    """Text for one cell of a Markdown table, shown as it is: no markup, no line of its own."""
    return _MARKUP.sub(r"\\\1", text).replace("\n", "<br>")
