"""``steerco backfill`` from outside: killed at moments of chance and run again, the organisation
ends with exactly the projects and their umbrellas."""

from __future__ import annotations

import json
import random
import subprocess
from pathlib import Path

import pytest

from tests.outside.conftest import World

CHILDREN = {
    "🧩 Feedback Platform (v1)": "feedback-platform",
    "🧩 Feedback Platform (v2)": "feedback-platform",
    "⚡ BidSpeed (cloverleaf)": "bidspeed",
    "GTZenda Full Autonomy": "gtzenda",
}


@pytest.mark.parametrize(
    ("projects", "kills", "longest"),
    [(60, 3, 3.0), pytest.param(5_000, 8, 30.0, marks=pytest.mark.soak)],
    ids=["few", "five thousand"],
)
def test_killed_and_run_again_it_ends_with_projects_and_umbrellas(
    sandboxed: World, tmp_path: Path, projects: int, kills: int, longest: float
) -> None:
    bench, side = sandboxed.bench, sandboxed.side
    bench.env["ITSC_SF_SYNC_ENABLED"] = "0"
    names = [*CHILDREN, *(f"Project {n} 🧩" for n in range(projects - len(CHILDREN)))]
    dump = tmp_path / "dump.json"
    dump.write_text(
        json.dumps([{"project_id": f"p{n}", "feature_name": each} for n, each in enumerate(names)])
    )
    bench.done("import", str(dump), "--json")
    chance = random.Random(projects)
    for _ in range(kills):
        process = bench.start("backfill", "--json")
        try:
            process.wait(chance.uniform(0.3, longest))
        except subprocess.TimeoutExpired:
            process.kill()
        process.communicate()
    process = bench.start("backfill", "--json")
    out, err = process.communicate(timeout=300)
    assert (process.returncode, err) == (0, "")
    report = json.loads(out)
    umbrellas = set(CHILDREN.values())
    wanted = projects + len(umbrellas)
    assert report["rows"] == {"expected": wanted, "found": wanted}
    assert report["parity"]["verdict"] == "equal"
    rows = side.rows("Title__c", "Parent_Initiative__r.DataOS_Project_Id__c")
    assert set(rows) == {f"p{n}" for n in range(projects)} | umbrellas
    linked = {
        row["Title__c"]: row["Parent_Initiative__r"]["DataOS_Project_Id__c"]
        for row in rows.values()
        if row["Parent_Initiative__r"]
    }
    assert linked == CHILDREN
    assert len(sandboxed.documents()) == wanted
