"""The three-way merge, as a property over every combination of base, mine and theirs."""

from __future__ import annotations

import datetime as dt

from hypothesis import given
from hypothesis import strategies as st

from services.sync.merge import Mark, Merge, merge
from store.canon import Values

PATH = "department"
START = dt.datetime(2026, 11, 21, 12, 0, tzinfo=dt.UTC)
VALUE = st.sampled_from(["a", "b", "c", None])
SECONDS = st.integers(0, 3)


def judge(
    base: Values,
    mine: Values,
    theirs: Values,
    replaced: Values,
    times: tuple[int, int] = (0, 0),
    origin: str = "salesforce",
) -> Merge:
    return merge(
        base,
        mine,
        theirs,
        paths=sorted({*mine, *theirs}),
        replaced=replaced,
        mine_mark=lambda _: Mark(START + dt.timedelta(seconds=times[0]), "me", "m", "local"),
        theirs_mark=lambda _: Mark(START + dt.timedelta(seconds=times[1]), "they", "t", origin),
    )


@given(base=VALUE, theirs=VALUE)
def test_a_field_nobody_edited_here_takes_theirs_and_makes_no_conflict(
    base: str | None, theirs: str | None
) -> None:
    found = judge({PATH: base}, {PATH: base}, {PATH: theirs}, {})
    assert found.take == ({PATH: theirs} if theirs != base else {})
    assert not found.send
    assert not found.conflicts


@given(base=VALUE, mine=VALUE)
def test_a_field_nobody_edited_there_is_sent(base: str | None, mine: str | None) -> None:
    found = judge({PATH: base}, {PATH: mine}, {PATH: base}, {PATH: base})
    assert found.send == ({PATH} if mine != base else set())
    assert not found.take
    assert not found.conflicts


@given(base=VALUE, value=VALUE)
def test_both_sides_agreeing_is_no_conflict_and_no_write(
    base: str | None, value: str | None
) -> None:
    found = judge({PATH: base}, {PATH: value}, {PATH: value}, {PATH: base})
    assert found.agreed == {PATH}
    assert not found.send
    assert not found.take


@given(base=VALUE, mine=VALUE, theirs=VALUE, mine_at=SECONDS, theirs_at=SECONDS)
def test_I7_different_edits_on_both_sides_make_one_record_and_the_later_wins(
    base: str | None, mine: str | None, theirs: str | None, mine_at: int, theirs_at: int
) -> None:
    found = judge({PATH: base}, {PATH: mine}, {PATH: theirs}, {PATH: base}, (mine_at, theirs_at))
    if theirs in (mine, base):
        assert not found.conflicts
        return
    (made,) = found.conflicts
    # A tie within the second goes to Salesforce, whose dates have whole seconds.
    assert made.winner == ("theirs" if theirs_at >= mine_at else "mine")
    assert (PATH in found.take) == (made.winner == "theirs")
    assert (PATH in found.send) == (made.winner == "mine")
    assert (made.base, made.mine, made.theirs) == (base, mine, theirs)


def test_theirs_equal_to_the_value_i_replaced_is_no_conflict() -> None:
    found = judge({PATH: "old"}, {PATH: "new"}, {PATH: "seen"}, {PATH: "seen"})
    assert found.send == {PATH}
    assert not found.conflicts


def test_my_edit_back_to_the_base_still_counts_as_mine() -> None:
    found = judge({PATH: "a"}, {PATH: "a"}, {PATH: "b"}, {PATH: "x"}, (5, 1))
    assert [c.winner for c in found.conflicts] == ["mine"]


def test_a_clash_that_was_decided_on_the_other_target_is_not_decided_again() -> None:
    found = merge(
        {PATH: "a"},
        {PATH: "mine"},
        {PATH: "theirs"},
        paths=[PATH],
        replaced={PATH: "a"},
        mine_mark=lambda _: Mark(START, "me", "m", "local"),
        theirs_mark=lambda _: Mark(START, "they", "t", "firestore"),
        judged=lambda path, theirs: (path, theirs) == (PATH, "theirs"),
    )
    assert found.send == {PATH}
    assert not found.conflicts


@given(first=VALUE, second=VALUE)
def test_two_operators_in_the_same_millisecond_find_the_same_winner(
    first: str | None, second: str | None
) -> None:
    def winner(mine: str | None, theirs: str | None, me: str, they: str) -> str | None:
        found = merge(
            {PATH: "base"},
            {PATH: mine},
            {PATH: theirs},
            paths=[PATH],
            replaced={PATH: "base"},
            mine_mark=lambda _: Mark(START, me, me, "local"),
            theirs_mark=lambda _: Mark(START, they, they, "local"),
        )
        return {"mine": me, "theirs": they}[found.conflicts[0].winner] if found.conflicts else None

    assert winner(first, second, "ann", "ben") == winner(second, first, "ben", "ann")
