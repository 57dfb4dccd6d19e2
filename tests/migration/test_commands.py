"""steerco backfill, steerco parity and the export script, as a person runs them."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from scripts import export_itsc_to_sf_csv
from services.itsc_sf_sync import field_map
from services.migration.load_file import PARENT_COLUMN, RECORD_TYPE_COLUMN
from tests.commands.conftest import ROOT, Steerco, database, home, process, steerco
from tests.migration.world import Org, World
from tui.commands import migration, shell

__all__ = ["database", "home", "process", "steerco"]

NAMES = ("🧩 Feedback Platform (v1)", "🧩 Feedback Platform (v2)", "=1+1 ✉️ Custom Communication")


@pytest.fixture
def roadmap(steerco: Steerco) -> Steerco:
    for name in NAMES:
        done = steerco("projects", "add", f"feature_name={name}", "priority=P2", "it_lead=Ana Ruiz")
        assert done.code == 0
    return steerco


def csv_rows(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text("utf-8"), newline="")))


def test_backfill_prints_what_it_did_and_writes_the_parity_report(
    roadmap: Steerco, home: Path
) -> None:
    done = roadmap("backfill", "--json")
    assert (done.code, done.err) == (0, "")
    report = done.json
    assert report["umbrellas"] == {"created": ["feedback-platform"], "existing": []}
    assert len(report["children"]["linked"]) == 2
    assert report["rows"] == {"expected": 4, "found": 4}
    assert report["parity"]["verdict"] == "equal"
    written = json.loads(Path(report["parity"]["file"]).read_text("utf-8"))
    assert Path(report["parity"]["file"]).parent == home
    assert (written["verdict"], written["projects"]) == ("equal", 4)
    again = roadmap("backfill")
    assert again.code == 0
    assert "0 made, 1 there already" in again.out
    assert "Rows in Salesforce: 4 of 4" in again.out


def test_backfill_works_while_the_switch_is_off_and_sync_holds(
    roadmap: Steerco, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ITSC_SF_SYNC_ENABLED", "0")
    assert roadmap("sync", "--json").json["salesforce"]["held"] == 3
    assert roadmap("backfill").code == 0
    assert roadmap("parity").code == 0
    assert roadmap("sync", "--json").json["salesforce"]["held"] == 0


def test_a_dry_run_changes_nothing_and_says_so(
    roadmap: Steerco, database: Callable[[], Any]
) -> None:
    def state() -> str:
        return "\n".join(database().iterdump())

    before = state()
    done = roadmap("backfill", "--dry-run", "--json")
    assert done.code == 0
    assert done.json["umbrellas"]["create"] == ["feedback-platform"]
    assert done.json["rows"] == {"create": 4, "update": 0, "unchanged": 0}
    assert roadmap("backfill", "--dry-run").out.endswith("Nothing was changed.\n")
    assert state() == before
    assert roadmap("parity", "--json").json["records"]["salesforce"] == 0


def test_parity_ends_with_0_only_when_all_is_equal(roadmap: Steerco, tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    first = roadmap("parity", "--json", "--output", str(file))
    assert first.code == 1
    assert "3 missing" in first.sentence
    assert first.json["verdict"] == "missing"
    assert json.loads(file.read_text("utf-8")) == first.json
    roadmap("backfill")
    done = roadmap("parity", "--output", str(file))
    assert done.code == 0
    assert "Spot checks: 🧩 Feedback Platform (v1) ✓" in done.out


def test_a_difference_is_shown_without_acting_on_the_terminal(roadmap: Steerco) -> None:
    roadmap("backfill")
    (wanted, *_) = [
        p["project_id"] for p in roadmap("projects", "list", "--json").json if p["parent_id"]
    ]
    roadmap("projects", "set", wanted, "department=a [b]\u202e")
    done = roadmap("parity")
    assert done.code == 1
    assert "\u202e" not in done.out
    assert f"Different: {wanted} department: a [b]\\u202e" in done.out


def test_a_report_that_can_not_be_written_is_a_sentence(roadmap: Steerco, tmp_path: Path) -> None:
    done = roadmap("parity", "--output", str(tmp_path / "no" / "dir" / "x.json"))
    assert done.code == 1
    assert "can't be written" in done.sentence


def test_one_side_that_is_not_configured_is_a_sentence(
    steerco: Steerco, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SF_INSTANCE_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("SF_ACCESS_TOKEN", "t")
    for command in ("backfill", "parity"):
        done = steerco(command)
        assert done.code == 1
        assert "Firestore is not configured" in done.sentence


def test_a_paused_target_stays_paused(roadmap: Steerco) -> None:
    roadmap("outbox", "pause", "--target", "salesforce")
    done = roadmap("backfill")
    assert done.code == 1
    assert "paused" in done.sentence


@pytest.mark.parametrize("command", ["backfill", "parity"])
def test_help_shows_an_example(steerco: Steerco, command: str) -> None:
    done = steerco(command, "--help")
    assert done.code == 0
    assert f"steerco {command}" in done.out


def test_the_load_file_has_salesforces_columns_and_umbrellas_first(
    roadmap: Steerco, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    roadmap("sync", "--target", "salesforce")
    file = tmp_path / "itsc_to_sf.csv"
    assert export_itsc_to_sf_csv.main(["--output", str(file)]) == 0
    assert "1 umbrellas and 3 projects" in capsys.readouterr().out
    rows = csv_rows(file)
    expected = {*field_map().values(), "DataOS_Project_Id__c", RECORD_TYPE_COLUMN, PARENT_COLUMN}
    assert set(rows[0]) == expected - {"Parent_Initiative__c"}
    assert rows[0]["DataOS_Project_Id__c"] == "feedback-platform"
    assert rows[0]["Priority__c"] == "P2"
    parents = {row["Title__c"]: row[PARENT_COLUMN] for row in rows}
    assert parents == {
        "Feedback Platform": "",
        NAMES[0]: "feedback-platform",
        NAMES[1]: "feedback-platform",
        NAMES[2]: "",
    }
    assert {row["IT_Lead__c"][:3] for row in rows[1:]} == {"005"}


def test_the_load_file_of_a_dump_has_no_emoji_in_priority_and_effort(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dump = {
        "gtz-1": {
            "feature_name": "GTZenda (Full Autonomy)",
            "priority": "⭐ P1",
            "status": "?",
            "level_of_effort": "🔴 High",
            "it_lead": "Nobody Known",
        },
        "odd": {"feature_name": "Odd", "priority": "P9"},
    }
    source, file = tmp_path / "dump.json", tmp_path / "out.csv"
    source.write_text(json.dumps(dump), encoding="utf-8")
    assert export_itsc_to_sf_csv.main([str(source), "--output", str(file)]) == 1
    captured = capsys.readouterr()
    assert "Nobody Known" in captured.err
    assert "P9" in captured.err or "Priority" in captured.err or "priority" in captured.err
    umbrella, child = csv_rows(file)
    assert umbrella["DataOS_Project_Id__c"] == child[PARENT_COLUMN] == "gtzenda"
    assert (child["Priority__c"], child["Level_of_Effort__c"]) == ("P1", "High")
    assert (child["Status__c"], umbrella["Status__c"]) == ("Unknown", "Yet to Start")
    assert child["IT_Lead__c"] == ""


def test_the_load_file_loads_by_the_bulk_api(world: World, org: Org, tmp_path: Path) -> None:
    world.family()
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("SF_", "STEERCO_"))}
    (world.home / "sandbox.db").symlink_to(world.home / "steerco.db")
    file = tmp_path / "load.csv"
    done = subprocess.run(
        [sys.executable, "-m", "scripts.export_itsc_to_sf_csv", "--output", str(file)],
        cwd=ROOT,
        env={**environment, "STEERCO_HOME": str(world.home), "STEERCO_CONFIG": "/nonexistent"},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert "3 umbrellas and 8 projects" in done.stdout
    for _ in range(2):
        load(org, file.read_bytes())
    rows = org.rows("Title__c", PARENT_COLUMN, "RecordType.DeveloperName")
    assert len(rows) == 11
    kinds = {row["RecordType"]["DeveloperName"] for row in rows.values()}
    assert kinds == {"Strategic_Initiative"}
    linked = [row for row in rows.values() if row["Parent_Initiative__r"]]
    assert len(linked) == 5
    assert world.backfill().run().clean
    world.whole()


def load(org: Org, table: bytes) -> None:
    job = org.call(
        "POST",
        "jobs/ingest",
        json={
            "object": "Ticket__c",
            "operation": "upsert",
            "externalIdFieldName": "DataOS_Project_Id__c",
            "contentType": "CSV",
        },
    )
    path = f"jobs/ingest/{job['id']}"
    org.call("PUT", f"{path}/batches", data=table, headers={"Content-Type": "text/csv"})
    org.call("PATCH", path, json={"state": "UploadComplete"})
    assert org.call("GET", path)["state"] == "JobComplete"


def test_an_unreadable_dump_and_an_unwritable_file_are_sentences(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = str(tmp_path / "none.json")
    assert export_itsc_to_sf_csv.main([missing, "--output", str(tmp_path / "x.csv")]) == 1
    assert "can't be opened" in capsys.readouterr().err
    assert export_itsc_to_sf_csv.main(["--output", str(tmp_path / "no" / "x.csv")]) == 1
    assert "can't be written" in capsys.readouterr().err


class Tty(io.StringIO):
    """A terminal as far as a bar can tell."""

    def isatty(self) -> bool:
        return True


def test_a_bar_moves_and_shows_counts_and_the_step(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Tty()
    monkeypatch.setattr(sys, "stderr", screen)
    with migration._bar() as show:
        show("Firestore", 1, 40)
        show("Bulk load", 30, 40)
        show("Bulk load", 41, 40)
    for part in ("1/40", "30/40", "40/40", "Firestore", "Bulk load"):
        assert part in screen.getvalue()
    with shell.progress("Importing") as moved:
        assert moved is not None
        moved(5, 10)
    assert "50%" in screen.getvalue()


def test_an_interrupt_says_how_to_go_on(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.family()

    def interrupt(name: str) -> None:
        if name == "firestore:sent":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        migration._carried_out(world.backfill(point=interrupt))
    assert "run steerco backfill again" in capsys.readouterr().err
    assert world.backfill().run().clean
