"""Text that breaks markup, queries, spreadsheets and terminals: it arrives byte for byte."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from tests.importing.books import book
from tests.outside.bench import Bench
from tests.outside.conftest import Strict, World

NAMES = {
    "markup": "[P1] Bracketed [/red] Name",
    "formula": "=Formula()",
    "zwj": "👩🏽‍💻 Kit ❤️‍🩹",
    "arabic": "تقويم الفعاليات",
    "nbsp": "\u00a0inside\u00a0and\u00a0around\u00a0",
    "quotes": "it's \"quoted\" \\ \\' \\\\' back\\",
    "soql": "' OR Id != null OR Title__c = '",
    "option": "--yes",
    "decomposed": "A\u030angstro\u0308m ﬁ",
    "astral": "🧩" * 127 + "x",
    "number": "1e5",
}
LONG = ("ü🧩 line\n" * 4000)[:28000].rstrip()
EDGE = LONG + "x" * (32000 - len(LONG.encode("utf-16-le")) // 2)


def test_every_name_arrives_as_it_was_typed_and_is_found_again(
    world: World, tmp_path: Path
) -> None:
    typed = ("nbsp", "quotes", "option")
    for pid in typed:
        made = world.bench.add(pid, f"feature_name={NAMES[pid]}", f"department={NAMES[pid]}")
        assert made["feature_name"] == NAMES[pid]
    with (tmp_path / "names.csv").open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(["Project Id", "Feature", "Department", "What It Does"])
        table.writerows([pid, name, name, ""] for pid, name in NAMES.items() if pid not in typed)
        table.writerow(["edge", "x", "x", EDGE])
    assert world.bench.done("import", "names.csv", "--json").json["errors"] == []
    world.bench.sync()
    rows = world.side.rows("Title__c", "Department__c", "Description__c")
    documents = world.documents()
    for pid, name in NAMES.items():
        assert rows[pid]["Title__c"] == documents[pid]["feature_name"] == name, pid
        assert rows[pid]["Department__c"] == documents[pid]["department"] == name, pid
    assert len(EDGE.encode("utf-16-le")) == 64000
    held = documents["edge"]["brief"]["what_it_does"]
    assert rows["edge"]["Description__c"] == held == EDGE
    # Found again by its id, and compared with what was sent: nothing differs.
    world.bench.set("quotes", f"strategic_value={NAMES['soql']}")
    report = world.bench.sync()
    assert report["pulled"] == {"applied": 0, "conflicts": 0, "deleted": 0}
    assert world.side.rows("Strategic_Value__c")["quotes"]["Strategic_Value__c"] == NAMES["soql"]


def test_the_same_names_come_out_of_a_workbook_and_of_an_export(
    strict: Strict, tmp_path: Path
) -> None:
    path = book(tmp_path, [{"Feature": name, "Priority": "P1"} for name in NAMES.values()])
    assert strict.bench.done("import", str(path), "--json").json["errors"] == []
    listed = strict.bench.done("projects", "list", "--json").json
    assert [each["feature_name"] for each in listed] == list(NAMES.values())
    table = strict.bench.done("projects", "list").out
    assert "\x1b" not in table
    assert "[P1] Bracketed [/red] Name" in table
    exported = strict.bench.done("export", "--format", "csv").out
    (tmp_path / "again.csv").write_text(exported, encoding="utf-8", newline="")
    report = strict.bench.done("import", "again.csv", "--json").json
    assert (report["created"], report["updated"]) == (0, 0)
    cells = list(csv.reader(io.StringIO(exported)))
    formula = next(cell for row in cells for cell in row if "Formula()" in cell)
    assert not formula.startswith("="), "a spreadsheet would calculate it"


@pytest.mark.parametrize("words", ['"unclosed', "[/red] %_\\", "' OR 1=1 --", "status: \x1b[31m"])
def test_a_search_for_anything_is_answered(alone: Bench, words: str) -> None:
    ran = alone.run("projects", "list", "--filter", words, "--json")
    assert ran.code in (0, 1)
    assert ran.code == 0 or ran.sentence
    assert "Traceback" not in ran.err


def test_what_is_printed_can_not_act_on_the_terminal(alone: Bench) -> None:
    alone.add("x", "feature_name=x\u202ey\u2066z")
    for command in (["projects", "list"], ["projects", "show", "x"], ["outbox", "list"]):
        out = alone.done(*command).out
        assert "\u202e" not in out
        assert "\u2066" not in out
    assert alone.show("x")["feature_name"] == "x\u202ey\u2066z"
