"""The fifty sample projects: the counts of the committee's own fifty, and alive on any day."""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter
from importlib import resources

import pytest

from scripts.make_samples import build
from services.importing.ids import id_for_name
from services.importing.samples import sample_projects
from store import canon, fields
from store.canon import Values, launch_date

TODAY = dt.date(2026, 11, 21)
NAMES_IN_PARTS = [
    *("🧩 Feedback Platform (v1)", "🧩 Feedback Platform (v2)"),
    *("🌐 Event Segmentation (v1)", "🌐 Event Segmentation (v2)"),
    *("📱 Event App : PWA – In-House (v1)", "📱 Event App : PWA – In-House (v2)"),
    *("⚡ BidSpeed (cloverleaf)", "⚡ BidSpeed (euna)"),
    "📊 Sponsor Portal Automation (Pre-Event)",
    "📊 Sponsor Portal Automation (Post-Event)",
    "🤖 Agent Phase 2 (Tell Me When Alerts)",
    "🤖 Agent Phase 2 (Proposal Generator)",
    "🤖 Agent Phase 2 (Personal Document Library)",
    "GTZenda (Process Optimization)",
    "GTZenda (Full Autonomy)",
    "GTZenda (Grants Data API Integration)",
]


def samples(today: dt.date = TODAY) -> list[Values]:
    return [values for _, values in sample_projects(today)]


def counted(path: str) -> dict[object, int]:
    return dict(Counter(values[path] for values in samples()))


def test_the_counts_are_those_of_the_committees_fifty() -> None:
    assert counted("status") == {
        "Yet to Start": 25,
        "In Design": 3,
        "In Development": 6,
        "In Progress": 5,
        "Completed": 5,
        "Paused": 1,
        "Unknown": 3 + 1,
        "N/A": 1,
    }
    assert counted("priority") == {"P1": 15, "P2": 14, "TBD": 12, "Not yet Prioritized": 9}
    assert set(counted("level_of_effort")) == {"High", "Medium", "Low"}
    assert len(counted("department")) == 32
    assert set(counted("strategic_group")) == set(fields.STRATEGIC_GROUPS)


def test_exactly_one_stored_record_has_no_status() -> None:
    text = (resources.files("services.sandbox") / "data" / "projects.json").read_text("utf-8")
    assert sum(project["status"] is None for project in json.loads(text)) == 1


def test_the_initiatives_in_parts_are_there_and_leave_their_umbrellas_to_the_backfill() -> None:
    found = {values["feature_name"]: values for values in samples()}
    assert set(NAMES_IN_PARTS) <= set(found)
    assert all(found[name]["parent_id"] is None for name in NAMES_IN_PARTS)


def test_every_sample_is_whole_canonical_and_has_the_id_of_its_name() -> None:
    found = sample_projects(TODAY)
    ids = [project_id for project_id, _ in found]
    assert len(set(ids)) == len(found) == 50
    for project_id, values in found:
        assert project_id == id_for_name(str(values["feature_name"]))
        assert set(fields.BY_PATH) == {path for path in values if not fields.is_score(path)}
        assert canon.check_all(values) == values
        canon.check_voters(values)
        assert canon.total_of(values) == values["total_score"]
        assert values["parent_id"] is None or values["parent_id"] in ids
        for panel in ("what_it_does", "why_it_matters", "business_impact", "punchline"):
            assert values[f"brief.{panel}"]


def test_six_voters_have_voted() -> None:
    voters = {path for values in samples() for path in values if fields.is_score(path)}
    assert len(voters) == 6


def test_the_order_within_each_band_is_gapless() -> None:
    bands: dict[object, list[object]] = {}
    for values in samples():
        bands.setdefault(values["priority"], []).append(values["sort_order"])
    assert all(places == list(range(1, len(places) + 1)) for places in bands.values())


@pytest.mark.parametrize("today", [TODAY, dt.date(2024, 2, 29), dt.date(2031, 1, 1)])
def test_something_is_late_and_something_is_coming_on_any_first_day(today: dt.date) -> None:
    open_ones = [v for v in samples(today) if v["status"] not in fields.CLOSED_STATUSES]
    dates = [(v, launch_date(str(v["launch_target"] or ""))) for v in open_ones]
    late = [v for v, day in dates if day is not None and day < today]
    coming = [v for v, day in dates if day and today <= day <= today + dt.timedelta(days=90)]
    attention = [v for v in open_ones if v["status"] in fields.ATTENTION_STATUSES or v in late]
    assert (len(late), len(coming), len(attention)) == (2, 9, 6)


def test_the_file_is_what_its_generator_writes() -> None:
    data = resources.files("services.sandbox") / "data" / "projects.json"
    assert build() == data.read_text("utf-8")
