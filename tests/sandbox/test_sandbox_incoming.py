"""Values on their way in: times in Salesforce's form, and what is none."""

from __future__ import annotations

import pytest

from services.sandbox.incoming import read_datetime, seconds_of, stamp


def test_a_stamp_is_the_whole_second_that_runs() -> None:
    assert stamp(0.0) == "1970-01-01T00:00:00.000+0000"
    assert stamp(1_790_000_000.999) == "2026-09-21T14:13:20.000+0000"
    assert seconds_of(stamp(1_790_000_000.999)) == 1_790_000_000


@pytest.mark.parametrize(
    "text",
    [
        "2026-09-21T14:13:20Z",
        "2026-09-21T14:13:20.500Z",
        "2026-09-21T14:13:20",
        "2026-09-21T14:13:20.000+0000",
        "2026-09-21T16:13:20+02:00",
    ],
)
def test_times_are_read_in_every_form_and_kept_in_one(text: str) -> None:
    assert read_datetime(text) == "2026-09-21T14:13:20.000+0000"


@pytest.mark.parametrize("text", ["", "2026-09-21", "yesterday", "2026-09-31T00:00:00Z"])
def test_what_is_no_time_is_none(text: str) -> None:
    assert read_datetime(text) is None
