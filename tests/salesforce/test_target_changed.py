"""What moved since a moment, through the real client: the moment itself is in."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from services.sync.targets.base import Action, Write
from store import fields
from store.clock import from_iso
from tests.sync.side import sandbox_side


def test_a_row_that_moved_in_the_very_second_of_the_mark_is_among_those_that_moved(
    tmp_path: Path,
) -> None:
    with sandbox_side(tmp_path / "salesforce.db") as side:
        target = side.target()
        values = {**fields.DEFAULTS, "feature_name": "Portal"}
        (outcome,) = target.write([Write("portal", Action.CREATE, values)])
        assert outcome.done, outcome
        query = f"SELECT SystemModstamp FROM Ticket__c WHERE Id = '{outcome.remote_id}'"
        moment = from_iso(side.query(query)[0]["SystemModstamp"]).replace(microsecond=0)

        def moved(since: dt.datetime) -> list[str]:
            return [r.project_id for r in target.changed(since, lambda _ids: {}, {}).remotes]

        assert moved(moment) == ["portal"]
        assert moved(moment + dt.timedelta(seconds=1)) == []
        target.close()
