"""Writes itsc_to_sf.csv: the roadmap as rows for Salesforce's Bulk API. Run from the root:

    python -m scripts.export_itsc_to_sf_csv [DUMP] [--output itsc_to_sf.csv]

Without DUMP the local database is read; DUMP is a JSON dump of the Firestore collection
itsc_projects (or any file that ``steerco import`` takes). Columns are Salesforce API names;
priority and level of effort come without emoji, statuses are mapped, umbrellas are the first rows.
Upsert the file on DataOS_Project_Id__c. A row whose parent is in the same batch of 200 may be
refused until the parent is there: load the file a second time, which changes nothing else.
``steerco backfill`` does all of this, and the linking, by itself.

It is a file for an API. A text that begins with =, +, - or @ is not made harmless for spreadsheets,
because what is put before it would arrive in Salesforce.
"""

from __future__ import annotations

import argparse
import datetime as dt
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from services import config, connections
from services.importing.plan import ExistingLookup, ImportRefused, Note
from services.importing.reader import read_file
from services.itsc_sf_sync import field_map
from services.migration import load_file, umbrellas
from services.people import Directory
from services.unmatched import directory
from store import canon, fields, projects
from store.canon import Refusal, Values
from store.database import StoreError, open_database
from store.projects import Query


def main(argv: Sequence[str] | None = None) -> int:
    """Carry out one command line; 0 done, 1 refused or with rows left out, in a sentence each."""
    parser = argparse.ArgumentParser(
        prog="export_itsc_to_sf_csv", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("dump", nargs="?", type=Path, help="a Firestore dump; else the database")
    parser.add_argument("--output", type=Path, default=Path("itsc_to_sf.csv"))
    wanted = parser.parse_args(argv)
    try:
        return _export(wanted.dump, wanted.output)
    except (ImportRefused, StoreError, Refusal, ValueError) as refused:
        sys.stderr.write(f"{str(refused).rstrip('.')}.\n")
    except OSError as error:
        sys.stderr.write(f"{wanted.output} can't be written: {error.strerror}.\n")
    return 1


def _export(dump: Path | None, output: Path) -> int:
    settings = config.load()
    path = connections.database(settings, config.ready_home())
    rows: dict[str, Values] = {}
    errors: tuple[Note, ...] = ()
    buried: list[str] = []
    people = Directory()
    if dump is not None:
        rows, errors = _from_dump(dump, settings.tzinfo)
    if dump is None or path.exists():
        with closing(open_database(path)) as conn:
            people = directory(conn)
            if dump is None:
                found = projects.find(conn, Query(dt.date(1970, 1, 1)))
                rows = {p.project_id: p.values for p in found}
                buried = umbrellas.buried_of(conn)
    with output.open("w", encoding="utf-8", newline="") as out:
        done = load_file.write(out, rows, field_map(settings.field_names), people.resolve, buried)
    print(f"Wrote {done.umbrellas} umbrellas and {done.projects} projects to {output}")
    if done.unresolved:
        names = ", ".join(canon.shown(name) for name in done.unresolved[:10])
        more = "" if len(done.unresolved) <= 10 else f" and {len(done.unresolved) - 10} more"
        sys.stderr.write(f"Left empty, because they are no Salesforce user: {names}{more}.\n")
    for note in errors:
        sys.stderr.write(f"{note.sheet} row {note.row}, {note.column}: {note.message}.\n")
    return 1 if errors else 0


def _from_dump(dump: Path, zone: dt.tzinfo) -> tuple[dict[str, Values], tuple[Note, ...]]:
    """Every project of the file in canonical form, and what was left out."""
    plan = read_file(dump, existing=ExistingLookup(), zone=zone)
    rows = {row.project_id: {**fields.DEFAULTS, **row.on_create, **row.values} for row in plan.rows}
    return rows, plan.errors


if __name__ == "__main__":
    sys.exit(main())
