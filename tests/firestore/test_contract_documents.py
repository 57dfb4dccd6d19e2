"""What every document store promises: the real Firestore client and the embedded store alike."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable
from typing import Any

import pytest

from services.sync.targets.base import ErrorClass
from services.sync.targets.fs_documents import (
    BATCH,
    DELETE_FIELD,
    SERVER_TIMESTAMP,
    DocResult,
    DocStatus,
    DocumentStore,
    DocWrite,
    FieldPath,
    Kind,
    Snapshot,
)

KEYS = (
    "Ana María",
    "J. R. Smith",
    "a`tick`",
    "back\\slash",
    'say "hi"',
    "it's",
    "🧩 Ωmega",
    "مرحبا",
    "nbsp\u00a0here",
    "*/[]~",
    "line\nbreak",
    "1st",
    "[/x]",
    "\x1b[31m",
)


def create(doc_id: str, fields: dict[FieldPath, Any], collection: str = "c") -> DocWrite:
    return DocWrite(collection, doc_id, Kind.CREATE, fields)


def update(doc_id: str, fields: dict[FieldPath, Any], token: str | None = None) -> DocWrite:
    return DocWrite("c", doc_id, Kind.UPDATE, fields, token)


def one(store: DocumentStore, write: DocWrite) -> DocResult:
    (result,) = store.write_many([write])
    return result


def get(store: DocumentStore, doc_id: str) -> Snapshot:
    snapshot = store.get_many("c", [doc_id])[doc_id]
    assert snapshot is not None
    return snapshot


def made(store: DocumentStore, doc_id: str, fields: dict[FieldPath, Any]) -> str:
    """Create a document and give its token."""
    result = one(store, create(doc_id, fields))
    assert result.status is DocStatus.OK
    assert result.update_time is not None
    return result.update_time


def test_a_created_document_reads_back_value_for_value(store: DocumentStore) -> None:
    moment = dt.datetime(2026, 3, 1, 12, 30, 45, 123456, tzinfo=dt.UTC)
    values = {
        "text": "Ω 🧩 \u00a0 \x1b[0m [/x] 'quotes' \"double\"",
        "empty": "",
        "null": None,
        "true": True,
        "one": 1,
        "one point": 1.0,
        "half": 0.5,
        "low": -(2**63),
        "high": 2**63 - 1,
        "time": moment,
        "bytes": b"\x00\xff",
        "list": [1, "t", None, {"in": ["x"]}, moment],
        "no items": [],
        "no keys": {},
        "map": {"a.b": {"c`d": False}},
        "infinite": math.inf,
    }
    made(store, "all", {(key,): value for key, value in values.items()})
    held = get(store, "all").fields
    assert held == values
    assert {key: type(value) for key, value in held.items()} == {
        key: type(value) for key, value in values.items()
    }


def test_not_a_number_reads_back_as_such(store: DocumentStore) -> None:
    made(store, "nan", {("x",): math.nan})
    assert math.isnan(get(store, "nan").fields["x"])


def test_a_time_in_another_zone_is_the_same_moment(store: DocumentStore) -> None:
    east = dt.datetime(2026, 3, 1, 2, 0, tzinfo=dt.timezone(dt.timedelta(hours=5)))
    made(store, "zone", {("x",): east})
    held = get(store, "zone").fields["x"]
    assert held == east
    assert held.utcoffset() == dt.timedelta(0)


def test_absent_documents_read_as_none_and_empty_asks_nothing(store: DocumentStore) -> None:
    made(store, "here", {("x",): 1})
    found = store.get_many("c", ["here", "nope", "here"])
    assert set(found) == {"here", "nope"}
    assert found["nope"] is None
    assert store.get_many("c", []) == {}
    assert store.get_many("other", ["here"]) == {"here": None}


@pytest.mark.parametrize("doc_id", ["__x__", "a/b", ".", "..", "", "i" * 1501, "\ud800"])
def test_an_id_that_firestore_cannot_hold_spoils_nobody_elses_read_or_write(
    store: DocumentStore, doc_id: str
) -> None:
    written, bad, after = store.write_many(
        [create("before", {("x",): 1}), create(doc_id, {("x",): 1}), create("after", {("x",): 1})]
    )
    assert (written.status, after.status) == (DocStatus.OK, DocStatus.OK)
    assert bad.status is DocStatus.PROBLEM
    assert bad.problem is not None
    assert bad.problem.cls is ErrorClass.PERMANENT
    found = store.get_many("c", ["before", doc_id, "after"])
    assert found[doc_id] is None
    assert found["before"] is not None
    assert found["after"] is not None


def test_create_refuses_a_document_that_is_there_and_leaves_it_alone(store: DocumentStore) -> None:
    token = made(store, "a", {("x",): 1})
    again = one(store, create("a", {("x",): 2}))
    assert again.status is DocStatus.EXISTS
    assert again.problem is not None
    assert again.problem.cls is ErrorClass.STALE
    assert get(store, "a") == Snapshot("a", {"x": 1}, token)


def test_update_touches_exactly_its_paths(store: DocumentStore) -> None:
    made(store, "a", {("brief",): {"one": "1", "two": "2"}, ("x",): 1, ("gone",): 3})
    result = one(
        store, update("a", {("brief", "two"): None, ("y",): "new", ("gone",): DELETE_FIELD})
    )
    assert result.status is DocStatus.OK
    assert get(store, "a").fields == {"brief": {"one": "1", "two": None}, "x": 1, "y": "new"}


def test_update_is_guarded_by_the_token_it_gives_and_gets(store: DocumentStore) -> None:
    first = made(store, "a", {("x",): 1})
    assert get(store, "a").update_time == first
    second = one(store, update("a", {("x",): 2}, first))
    assert second.status is DocStatus.OK
    stale = one(store, update("a", {("y",): "another field"}, first))
    assert stale.status is DocStatus.STALE
    assert stale.problem is not None
    assert stale.problem.cls is ErrorClass.STALE
    assert one(store, update("a", {("x",): 3}, second.update_time)).status is DocStatus.OK
    assert get(store, "a").fields == {"x": 3}


def test_update_of_a_missing_document_writes_nothing(store: DocumentStore) -> None:
    token = made(store, "a", {("x",): 1})
    assert one(store, update("b", {("x",): 1})).status is DocStatus.NOT_FOUND
    assert one(store, update("b", {("x",): 1}, token)).status is DocStatus.STALE
    assert store.get_many("c", ["b"]) == {"b": None}


def test_a_token_of_another_system_is_stale(store: DocumentStore) -> None:
    made(store, "a", {("x",): 1})
    for token in ("rubbish", "", "2001-01-01T00:00:00Z"):
        assert one(store, update("a", {("x",): 2}, token)).status is DocStatus.STALE
    assert get(store, "a").fields == {"x": 1}


def test_one_stale_document_of_500_fails_no_other(store: DocumentStore) -> None:
    created = store.write_many([create(f"d{i}", {("n",): i}) for i in range(BATCH)])
    assert {result.status for result in created} == {DocStatus.OK}
    one(store, update("d250", {("n",): -1}))
    results = store.write_many(
        [update(f"d{i}", {("n",): i + 1000}, created[i].update_time) for i in range(BATCH)]
    )
    assert [i for i, result in enumerate(results) if result.status is not DocStatus.OK] == [250]
    assert results[250].status is DocStatus.STALE
    held = store.get_many("c", [f"d{i}" for i in range(BATCH)])
    numbers = {name: snapshot.fields["n"] for name, snapshot in held.items() if snapshot}
    assert numbers == {f"d{i}": -1 if i == 250 else i + 1000 for i in range(BATCH)}


def test_a_batch_answers_each_of_its_rows_in_order(store: DocumentStore) -> None:
    token = made(store, "there", {("x",): 1})
    results = store.write_many(
        [
            create("there", {("x",): 1}),
            create("new", {("x",): 1}),
            update("missing", {("x",): 1}),
            create("bad", {("x",): "\ud800"}),
            update("there", {("x",): 2}, token),
        ]
    )
    assert [result.status for result in results] == [
        DocStatus.EXISTS,
        DocStatus.OK,
        DocStatus.NOT_FOUND,
        DocStatus.PROBLEM,
        DocStatus.OK,
    ]
    assert store.write_many([]) == []


def test_the_same_document_twice_in_a_batch_is_written_once(store: DocumentStore) -> None:
    token = made(store, "a", {("x",): 1})
    results = store.write_many([update("a", {("x",): 2}, token), update("a", {("x",): 3}, token)])
    assert [result.status for result in results] == [DocStatus.OK, DocStatus.STALE]
    assert get(store, "a").fields == {"x": 2}


def test_more_than_500_is_the_callers_fault(store: DocumentStore) -> None:
    with pytest.raises(ValueError, match="501"):
        store.write_many([create(f"d{i}", {}) for i in range(501)])


@pytest.mark.parametrize("key", KEYS)
def test_a_key_is_literal_whatever_it_holds(store: DocumentStore, key: str) -> None:
    made(store, "k", {("scores", key): 1, ("scores", "other"): 2})
    assert get(store, "k").fields == {"scores": {key: 1, "other": 2}}
    one(store, update("k", {("scores", key): 5, (key,): "top"}))
    assert get(store, "k").fields == {"scores": {key: 5, "other": 2}, key: "top"}
    one(store, update("k", {("scores", key): DELETE_FIELD, (key,): DELETE_FIELD}))
    assert get(store, "k").fields == {"scores": {"other": 2}}


def test_a_dotted_key_is_no_path(store: DocumentStore) -> None:
    made(store, "k", {("stamps", "brief.punchline"): {"op": "1"}})
    one(store, update("k", {("stamps", "brief.punchline"): {"op": "2"}}))
    assert get(store, "k").fields == {"stamps": {"brief.punchline": {"op": "2"}}}


def test_a_path_through_a_value_that_is_no_map_makes_one(store: DocumentStore) -> None:
    made(store, "k", {("flags",): "yes", ("brief",): None})
    one(store, update("k", {("flags", "gone"): DELETE_FIELD, ("none", "at all"): DELETE_FIELD}))
    assert get(store, "k").fields == {"flags": "yes", "brief": None}
    one(store, update("k", {("flags", "alignment"): True, ("brief", "punchline"): "x"}))
    assert get(store, "k").fields == {"flags": {"alignment": True}, "brief": {"punchline": "x"}}


def test_a_map_whose_last_key_goes_stays_empty(store: DocumentStore) -> None:
    made(store, "k", {("owes", "status"): "op"})
    one(store, update("k", {("owes", "status"): DELETE_FIELD}))
    assert get(store, "k").fields == {"owes": {}}


def test_the_servers_time_stands_where_it_was_asked_for(store: DocumentStore) -> None:
    before = dt.datetime.now(dt.UTC) - dt.timedelta(seconds=1)
    result = one(
        store, create("t", {("updated_at",): SERVER_TIMESTAMP, ("x", "at"): SERVER_TIMESTAMP})
    )
    held = get(store, "t").fields
    assert held["updated_at"] == held["x"]["at"] == result.server_time
    assert before <= held["updated_at"] <= dt.datetime.now(dt.UTC) + dt.timedelta(seconds=1)
    assert one(store, update("t", {("y",): 1})).server_time is None
    assert get(store, "t").fields["updated_at"] == held["updated_at"]


def test_a_write_that_changes_nothing_leaves_the_update_time(store: DocumentStore) -> None:
    token = made(store, "a", {("x",): 1, ("m",): {"k": "v"}})
    same = one(store, update("a", {("x",): 1, ("m", "k"): "v", ("never",): DELETE_FIELD}, token))
    assert (same.status, same.update_time) == (DocStatus.OK, token)
    assert get(store, "a").update_time == token


def test_an_update_of_no_field_at_all_leaves_the_document_alone(store: DocumentStore) -> None:
    token = made(store, "a", {("x",): 1})
    assert one(store, update("a", {}, token)).status is DocStatus.OK
    assert get(store, "a") == Snapshot("a", {"x": 1}, token)


@pytest.mark.parametrize("other", [True, 1.0, "1"])
def test_another_type_of_the_same_number_is_a_change(store: DocumentStore, other: object) -> None:
    token = made(store, "a", {("x",): 1})
    changed = one(store, update("a", {("x",): other}))
    assert changed.update_time != token
    held = get(store, "a").fields["x"]
    assert (held, type(held)) == (other, type(other))


def test_the_servers_time_makes_every_write_a_change(store: DocumentStore) -> None:
    token = made(store, "a", {("x",): 1, ("at",): SERVER_TIMESTAMP})
    again = one(store, update("a", {("x",): 1, ("at",): SERVER_TIMESTAMP}, token))
    assert again.status is DocStatus.OK
    assert again.update_time is not None
    assert again.update_time > token


def test_update_times_rise_strictly_from_client_to_client(
    new_store: Callable[[], DocumentStore],
) -> None:
    mine, yours = new_store(), new_store()
    tokens = [made(mine, "a", {("n",): -1})]
    for n in range(10):
        result = one((mine, yours)[n % 2], update("a", {("n",): n}, tokens[-1]))
        assert result.status is DocStatus.OK
        tokens.append(result.update_time or "")
    assert tokens == sorted(set(tokens))


def test_of_two_clients_with_one_token_the_second_is_stale(
    new_store: Callable[[], DocumentStore],
) -> None:
    mine, yours = new_store(), new_store()
    made(mine, "a", {("x",): 0})
    seen_by_me, seen_by_you = get(mine, "a"), get(yours, "a")
    assert one(yours, update("a", {("x",): 2}, seen_by_you.update_time)).status is DocStatus.OK
    assert one(mine, update("a", {("y",): 1}, seen_by_me.update_time)).status is DocStatus.STALE
    assert get(mine, "a").fields == {"x": 2}


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("\ud800", "half of a character"),
        ({"k": ["\udfff"]}, "half of a character"),
        (2**63, "64 bits"),
        (dt.datetime(2026, 1, 1), "no zone"),
        ([["nested"]], "list"),
        ({"__x__": 1}, "reserved"),
        ({"": 1}, "empty"),
        ({"k" * 1501: 1}, "1,500 bytes"),
        ({1: 1}, "not text"),
        (dt.date(2026, 1, 1), "date"),
        ({1, 2}, "set"),
    ],
)
def test_what_a_document_cannot_hold_is_refused_for_good_and_alone(
    store: DocumentStore, value: object, words: str
) -> None:
    results = store.write_many(
        [create("a", {("x",): 1}), create("bad", {("field",): value}), create("b", {("x",): 1})]
    )
    assert [result.status for result in results] == [
        DocStatus.OK,
        DocStatus.PROBLEM,
        DocStatus.OK,
    ]
    problem = results[1].problem
    assert problem is not None
    assert problem.cls is ErrorClass.PERMANENT
    assert words in problem.sentence
    assert "\n" not in problem.sentence
    assert set(store.ids("c")) == {"a", "b"}


def nested(levels: int) -> Any:
    return 1 if levels == 0 else {"k": nested(levels - 1)}


def test_maps_nest_twenty_deep_and_no_deeper(store: DocumentStore) -> None:
    results = store.write_many(
        [create("in", {("f",): nested(20)}), create("out", {("f",): nested(21)})]
    )
    assert [result.status for result in results] == [DocStatus.OK, DocStatus.PROBLEM]


@pytest.mark.parametrize(
    "fields",
    [
        {("x",): "a" * 1_100_000},
        {("x",): "a" * 600_000, ("y",): "b" * 600_000},
        {("x",): "é" * 550_000},
    ],
    ids=["one field", "two fields", "two bytes a letter"],
)
def test_a_document_over_one_mebibyte_is_refused_for_good_and_alone(
    store: DocumentStore, fields: dict[FieldPath, Any]
) -> None:
    token = made(store, "small", {("x",): "a"})
    results = store.write_many(
        [
            create("a", {("x",): 1}),
            update("small", fields, token),
            create("big", fields),
            create("b", {("x",): 1}),
        ]
    )
    assert [result.status for result in results] == [
        DocStatus.OK,
        DocStatus.PROBLEM,
        DocStatus.PROBLEM,
        DocStatus.OK,
    ]
    for result in results[1:3]:
        assert result.problem is not None
        assert result.problem.cls is ErrorClass.PERMANENT
    assert get(store, "small") == Snapshot("small", {"x": "a"}, token)


def test_a_document_of_a_million_bytes_is_held(store: DocumentStore) -> None:
    made(store, "a", {("x",): "a" * 1_000_000})
    assert len(get(store, "a").fields["x"]) == 1_000_000


def test_fifty_large_documents_go_in_one_batch(store: DocumentStore) -> None:
    text = "é" * 150_000  # 50 of these are 15 MB; one request takes 10, the emulator's 4
    results = store.write_many([create(f"d{i}", {("x",): text}) for i in range(50)])
    assert {result.status for result in results} == {DocStatus.OK}
    held = store.get_many("c", [f"d{i}" for i in range(50)])
    assert all(snapshot and snapshot.fields["x"] == text for snapshot in held.values())


def test_changes_since_come_in_order_and_page_through_equal_times(store: DocumentStore) -> None:
    def at(second: int) -> dt.datetime:
        return dt.datetime(2026, 1, 1, 0, 0, second, tzinfo=dt.UTC)

    store.write_many(
        [
            create(name, {("at",): at(second)})
            for name, second in zip("fbdace", (1, 1, 0, 2, 3, 4), strict=True)
        ]
    )
    store.write_many(
        [
            create("none", {("x",): 1}),
            create("text", {("at",): "2026-01-01T00:00:09Z"}),
            create("null", {("at",): None}),
            create("elsewhere", {("at",): at(5)}, collection="other"),
        ]
    )
    assert [s.id for s in store.changed_since("c", "at", at(0), 100)] == list("dbface")
    assert [s.id for s in store.changed_since("c", "at", at(1), 100)] == list("bface")
    assert [s.id for s in store.changed_since("c", "at", at(5), 100)] == []
    pages: list[str] = []
    mark, after = at(0), ""
    for _ in range(4):
        page = store.changed_since("c", "at", mark, 2, after)
        pages.append("".join(snapshot.id for snapshot in page))
        if page:
            mark, after = page[-1].fields["at"], page[-1].id
    assert pages == ["db", "fa", "ce", ""]


def test_changes_since_follow_an_update(store: DocumentStore) -> None:
    store.write_many([create(name, {("at",): SERVER_TIMESTAMP}) for name in "abc"])
    start = get(store, "c").fields["at"] + dt.timedelta(microseconds=1)
    moved = one(store, update("a", {("x",): 1, ("at",): SERVER_TIMESTAMP}))
    while moved.server_time is not None and moved.server_time < start:  # the emulator counts ms
        moved = one(store, update("a", {("at",): SERVER_TIMESTAMP}))
    (changed,) = store.changed_since("c", "at", start, 10)
    assert changed == get(store, "a")
    one(store, update("a", {("at",): DELETE_FIELD}))
    assert store.changed_since("c", "at", start, 10) == []


def test_ids_name_every_document_in_order(store: DocumentStore) -> None:
    assert store.ids("c") == []
    names = ["b", "a", "B", "Ω", "z-1", "_x"]
    store.write_many([create(name, {}) for name in names])
    store.write_many([create("elsewhere", {}, collection="other")])
    assert store.ids("c") == sorted(names)


def test_a_closed_store_opens_again(store: DocumentStore) -> None:
    made(store, "a", {("x",): 1})
    store.close()
    store.close()
    assert get(store, "a").fields == {"x": 1}


def test_identity_and_calls(new_store: Callable[[], DocumentStore]) -> None:
    mine, yours = new_store(), new_store()
    assert mine.identity() == yours.identity() != ""
    assert mine.calls == 0
    mine.get_many("c", ["a"])
    mine.write_many([create("a", {})])
    mine.ids("c")
    assert (mine.calls, yours.calls) == (3, 0)
