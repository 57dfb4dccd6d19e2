"""The pure rules: what a failure means, which endpoint may be used, how a batch is cut."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.sync.targets.base import ErrorClass, Problem, TargetDown
from services.sync.targets.fs_batch import RequestFailed, deliver
from services.sync.targets.fs_documents import DocResult, DocStatus
from services.sync.targets.fs_endpoint import EndpointRefused, endpoint
from services.sync.targets.fs_errors import Phase, classify
from services.sync.targets.fs_limits import DOCUMENT_BYTES, size_of

CODES = [
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
]

ROWS = {
    "ALREADY_EXISTS": ErrorClass.STALE,
    "FAILED_PRECONDITION": ErrorClass.STALE,
    "NOT_FOUND": ErrorClass.STALE,
    "ABORTED": ErrorClass.TRANSIENT,
    "INVALID_ARGUMENT": ErrorClass.PERMANENT,
    "OUT_OF_RANGE": ErrorClass.PERMANENT,
    "PERMISSION_DENIED": ErrorClass.PAUSE,
    "RESOURCE_EXHAUSTED": ErrorClass.PAUSE,
    "UNAUTHENTICATED": ErrorClass.PAUSE,
    "UNIMPLEMENTED": ErrorClass.PAUSE,
}


@pytest.mark.parametrize("code", CODES)
def test_a_row_that_may_have_been_applied_is_unknown(code: str) -> None:
    problem = classify(code, "words", Phase.ROW)
    assert problem.cls is ROWS.get(code, ErrorClass.UNKNOWN)
    assert (problem.code, problem.message) == (code, "words")
    assert problem.sentence.endswith(".") or problem.sentence.endswith("words")


@pytest.mark.parametrize("code", [*CODES, "SOMETHING_NEW"])
def test_a_read_never_says_anything_about_a_row(code: str) -> None:
    assert classify(code, "words", Phase.READ).cls is ErrorClass.PAUSE


def test_a_code_never_heard_of_may_have_been_applied() -> None:
    for phase in (Phase.WRITE, Phase.ROW):
        assert classify("SOMETHING_NEW", "words", phase).cls is ErrorClass.UNKNOWN


def test_the_servers_words_stay_on_one_line_and_print_nothing() -> None:
    words = 'no\nentity <\n  "x\x1b[2J" >'
    for phase, code in ((Phase.ROW, "INVALID_ARGUMENT"), (Phase.READ, "INTERNAL")):
        refused = classify(code, words, phase)
        assert refused.sentence.endswith('no entity < "x [2J" >')
        assert refused.message == words


@pytest.mark.parametrize(
    ("address", "allowed"),
    [
        ("127.0.0.1:8080", True),
        ("localhost:8080", True),
        ("LOCALHOST:1", True),
        ("127.9.9.9:8080", True),
        ("[::1]:8080", True),
        ("", False),
        ("   ", False),
        ("10.1.2.3:8080", False),
        ("0.0.0.0:8080", False),
        ("[::]:8080", False),
        ("localhost.example.com:8080", False),
        ("127.0.0.1.example.com:8080", False),
        ("firestore.example.com:443", False),
    ],
)
def test_an_emulator_must_be_on_this_machine(address: str, allowed: bool) -> None:
    if allowed:
        assert endpoint("p", emulator_host=address).emulator == address
    else:
        with pytest.raises(EndpointRefused, match="FIRESTORE_EMULATOR_HOST"):
            endpoint("p", emulator_host=address)


@pytest.mark.parametrize("address", ["10.1.2.3:8080", "firestore.test:8080"])
def test_a_remote_emulator_needs_an_explicit_word(address: str) -> None:
    given_word = endpoint("p", emulator_host=address, allow_remote_emulator=True)
    assert given_word.emulator == address


@pytest.mark.parametrize(
    "address",
    [
        "",
        "127.0.0.1",
        "127.0.0.1:",
        "127.0.0.1:0",
        "127.0.0.1:99999",
        "http://127.0.0.1:8080",
        "127.0.0.1:80 ",
        "127.0.0.1:8080/x",
        "user@127.0.0.1:80:90",
        "127.0.0.1:８０",
        "\x1b[2J:1\n",
    ],
)
def test_a_malformed_emulator_address_is_refused_even_with_that_word(address: str) -> None:
    with pytest.raises(EndpointRefused) as refused:
        endpoint("p", emulator_host=address, allow_remote_emulator=True)
    assert "\n" not in str(refused.value)
    assert "\x1b" not in str(refused.value)


@pytest.mark.parametrize(
    ("project", "database"), [(None, "(default)"), ("", "x"), ("a/b", "x"), ("p", ""), (" p", "x")]
)
def test_project_and_database_must_be_said(project: str | None, database: str) -> None:
    with pytest.raises(EndpointRefused):
        endpoint(project, database)


def test_an_emulator_is_never_taken_for_the_real_database() -> None:
    assert endpoint("p").identity == "p/(default)"
    assert endpoint("p", "roadmap").name == "projects/p/databases/roadmap"
    assert endpoint("p", emulator_host="localhost:1").identity == "emulator:p/(default)"


def problem(cls: ErrorClass) -> Problem:
    return Problem(cls, cls.value.upper(), "words", "A sentence.")


class Server:
    """Refuses a request that holds one of its bad items; keeps what it was sent."""

    def __init__(self, bad: dict[int, ErrorClass]) -> None:
        self.bad = bad
        self.requests: list[list[int]] = []
        self.stored: list[int] = []

    def send(self, items: Sequence[int]) -> list[DocResult]:
        self.requests.append(list(items))
        for item in items:
            if item in self.bad:
                raise RequestFailed(problem(self.bad[item]))
        self.stored += items
        return [DocResult(DocStatus.OK, update_time=str(item)) for item in items]


@settings(deadline=None, derandomize=True)
@given(st.integers(0, 40), st.sets(st.integers(0, 39)), st.integers(1, 50))
def test_bad_rows_are_found_and_every_other_row_is_written_once(
    count: int, bad: set[int], limit: int
) -> None:
    server = Server(dict.fromkeys(bad, ErrorClass.PERMANENT))
    results = deliver(range(count), lambda item: item % 7, server.send, limit)
    assert len(results) == count
    for item, result in enumerate(results):
        assert (result.problem is not None) is (item in bad)
        assert result.update_time == (None if item in bad else str(item))
    assert server.stored == [item for item in range(count) if item not in bad]
    for request in server.requests:
        assert len(request) == 1 or sum(item % 7 for item in request) <= limit


def test_nothing_follows_a_request_of_unknown_outcome() -> None:
    server = Server({3: ErrorClass.UNKNOWN})
    results = deliver(range(8), lambda _: 1, server.send, limit=2)
    classes = [result.problem.cls if result.problem else None for result in results]
    pause, unknown = ErrorClass.PAUSE, ErrorClass.UNKNOWN
    assert classes == [None, None, unknown, unknown, pause, pause, pause, pause]
    assert server.requests == [[0, 1], [2, 3]]
    assert results[7].problem is not None
    assert results[7].problem.sentence == "Not sent: A sentence."


def test_a_refusal_before_anything_was_answered_is_the_targets() -> None:
    server = Server({0: ErrorClass.PAUSE})
    with pytest.raises(TargetDown):
        deliver(range(4), lambda _: 1, server.send, limit=2)
    assert server.requests == [[0, 1]]


def test_a_refusal_after_something_was_applied_is_told_row_by_row() -> None:
    server = Server({2: ErrorClass.PAUSE})
    results = deliver(range(6), lambda _: 1, server.send, limit=2)
    assert [result.status for result in results[:2]] == [DocStatus.OK] * 2
    assert {result.problem.cls for result in results[2:] if result.problem} == {ErrorClass.PAUSE}
    assert len(results) == 6


def test_a_transient_refusal_holds_nothing_up() -> None:
    server = Server({0: ErrorClass.TRANSIENT})
    results = deliver(range(4), lambda _: 1, server.send, limit=2)
    assert [result.status for result in results] == [DocStatus.PROBLEM] * 2 + [DocStatus.OK] * 2


def test_a_documents_size_counts_names_and_bytes() -> None:
    # The worked example of Firestore's storage size page: users/jeff/tasks/my_task_id, less the
    # two path parts that a top-level collection has not.
    fields = {
        "type": "Personal",
        "done": False,
        "priority": 1,
        "description": "Learn Cloud Firestore",
    }
    assert size_of("tasks", "my_task_id", fields) == (6 + 11 + 16) + (14 + 6 + 17 + 34) + 32
    assert size_of("c", "i", {"x": "é" * 10}) == (2 + 2 + 16) + (2 + 21) + 32
    assert size_of("c", "i", {"x": "a" * DOCUMENT_BYTES}) > DOCUMENT_BYTES
