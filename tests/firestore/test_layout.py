"""Documents to projects and back, without any store."""

from __future__ import annotations

import contextlib
import datetime as dt
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from services.sync.targets.base import Action, Ref, Write
from services.sync.targets.fs_documents import Snapshot
from services.sync.targets.fs_layout import base_form, doc_write, moment_of, remote_of
from services.sync.targets.fs_limits import Unfit, check_write
from store.canon import settle
from store.fields import FIELDS

TOKEN = "2026-11-21T05:50:16.394335123Z"
NAMES = [field.path.split(".")[0] for field in FIELDS] + [
    "scores",
    "stamps",
    "applied",
    "owes",
    "sf",
    "sf_id",
    "deleted",
    "deleted_at",
    "deleted_by",
    "updated_at",
    "updated_by",
    "created_at",
    "created_by",
]
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(),
    st.text(),
    st.binary(max_size=8),
    st.datetimes(timezones=st.just(dt.UTC)),
)
keys = st.one_of(
    st.text(min_size=1),
    st.sampled_from([field.path.split(".")[-1] for field in FIELDS]),
    st.sampled_from(["at", "by", "op", "seq", "id", "modstamp", "base", "status", "scores.Ana"]),
)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(keys, inner, max_size=5)),
    max_leaves=12,
)
documents = st.dictionaries(st.one_of(st.sampled_from(NAMES), st.text(min_size=1)), values)


@settings(deadline=None, derandomize=True)
@given(documents, st.sampled_from([TOKEN, "", "rubbish"]))
def test_any_document_can_be_read_and_its_values_are_canonical(
    fields: dict[str, Any], token: str
) -> None:
    remote = remote_of(Ref("P1", local={"scores.Ana": 3}), Snapshot("P1", fields, token))
    assert remote.exists
    for path, value in remote.values.items():
        assert value is None or type(value) in (str, int, bool)
        assert settle(path, value) == value
        base_form(path, value)
    for stamp in remote.stamps.values():
        assert stamp.at.tzinfo is not None
    for moment in (remote.modified_at, remote.created_at, remote.deleted_at):
        assert moment is None or moment.tzinfo is not None


@settings(deadline=None, derandomize=True)
@given(documents)
def test_what_was_read_of_any_document_can_be_written_again(fields: dict[str, Any]) -> None:
    remote = remote_of(Ref("P1"), Snapshot("P1", fields, TOKEN))
    for action in (Action.CREATE, Action.UPDATE, Action.RESTORE, Action.DELETE, Action.NOTE):
        write = Write(
            "P1",
            action,
            values=dict(remote.values),
            op_id="op",
            client_id="mac",
            stamps=remote.stamps,
            owes=remote.owes,
            paid=tuple(remote.owes),
            created_at="not a time",
            note=remote.sf,
        )
        # Unfit is an honest refusal (a key that no Firestore document has); overlapping paths or
        # a field deleted from a new document would be a fault of the layout.
        with contextlib.suppress(Unfit):
            check_write(doc_write(write))


def test_every_write_of_a_model_field_passes_firestores_rules() -> None:
    everything = {field.path: settle(field.path, "1") for field in FIELDS} | {"scores.A.b": 3}
    for action in (Action.CREATE, Action.UPDATE, Action.RESTORE):
        check_write(doc_write(Write("P1", action, values=everything, total_score=3)))


def test_a_token_tells_its_time_to_the_microsecond() -> None:
    moment = dt.datetime(2026, 11, 21, 5, 50, 16, 394335, tzinfo=dt.UTC)
    assert moment_of(TOKEN) == moment
    assert moment_of("2026-11-21T05:50:16Z") == moment.replace(microsecond=0)
    assert moment_of("2026-11-21T05:50:16.394Z") == moment.replace(microsecond=394000)
    assert moment_of("rubbish") is None
