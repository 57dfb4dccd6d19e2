"""The fifty invented projects that a sandbox starts with."""

from __future__ import annotations

import datetime as dt
import json
from importlib import resources
from typing import Any

from services.importing import values
from store import canon, fields
from store.canon import Values

LAUNCH_IN_DAYS = "launch_in_days"


def sample_projects(today: dt.date) -> list[tuple[str, Values]]:
    """(project id, canonical values of every field and each vote), dates counted from ``today``.

    One record of the file has no status, as one of the committee's had none: an import makes that
    Unknown, and so does this.
    """
    text = (resources.files("services.sandbox") / "data" / "projects.json").read_text("utf-8")
    return [_settled(project, today) for project in json.loads(text)]


def _settled(project: dict[str, Any], today: dt.date) -> tuple[str, Values]:
    days = project[LAUNCH_IN_DAYS]
    if days is not None:
        project["launch_target"] = (today + dt.timedelta(days=days)).isoformat()
    settled: Values = {}
    for path in fields.BY_PATH:
        group, dot, name = path.partition(".")
        held = project[group][name] if dot else project[path]
        settled[path], _ = values.read(path, held, exact=path != "status")
    for voter, score in project["scores"].items():
        path = fields.SCORES_PREFIX + voter
        settled[path] = canon.check(path, score)
    return canon.check_project_id(project["project_id"]), settled
