"""What must not be: one clear sentence, exit code 1, nothing changed. What is no command: 2."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.outside.bench import NOWHERE, Bench, Side

BAD = {
    "a status that is none": ("status=Done", "status"),
    "no name": ("feature_name= \t ", "can't be empty"),
    "a name of two lines": ("feature_name=a\nb", "one line"),
    "an escape in a name": ("feature_name=a\x1b[31mred", "U+001B"),
    "a name one too long": ("feature_name=" + "🧩" * 127 + "xy", "256"),
    "a punchline one too long": ("brief.punchline=" + "p" * 501, "501"),
    "a date that is none": ("launch_target=2026-02-30", "YYYY-MM-DD"),
    "a date in Arabic digits": ("launch_target=٢٠٢٦-٠١-٠١", "YYYY-MM-DD"),
    "a fraction": ("sort_order=1.5", "0 to 999"),
    "a score of six": ("scores.Ana=6", "1 to 5"),
    "a script for an address": ("intake.intake_document_url=javascript:alert(1)", "https://"),
    "its own parent": ("parent_id=a", "own parent"),
    "a child for a parent": ("parent_id=b", "below this one"),
    "a parent that is nobody": ("parent_id=nobody", "no such project"),
    "a field that is none": ("brief.poem=x", "no such field"),
    "a field that is derived": ("launch_date=2026-01-01", "no such field"),
    "half of a character": ("feature_name=x\udc80", "surrogate"),
}


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """A parent and its child, with nobody to send them to. Unchanged to the end."""
    nowhere = {"FIRESTORE_EMULATOR_HOST": NOWHERE, "GOOGLE_CLOUD_PROJECT": "nowhere"}
    home = tmp_path_factory.mktemp("refusals") / "home"
    bench = Bench(home, {**nowhere, **Side(f"http://{NOWHERE}", "token").env})
    bench.add("a", "feature_name=A", "scores.Ana=3")
    bench.add("b", "feature_name=B", "parent_id=a")
    before = bench.done("projects", "list", "--json").out
    waiting = bench.done("outbox", "list", "--json").out
    yield bench
    assert bench.done("projects", "list", "--json").out == before
    assert bench.done("outbox", "list", "--json").out == waiting


@pytest.mark.parametrize("name", BAD)
def test_a_bad_value_is_refused_with_one_sentence(bench: Bench, name: str) -> None:
    assignment, words = BAD[name]
    sentence = bench.refused("projects", "set", "a", "department=X", assignment, "--json")
    assert words in sentence
    assert len(sentence) < 1000


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["projects", "add", "status=Paused"], "feature_name"),
        (["projects", "add", "feature_name=x", "--id", "a b"], "A-Z a-z 0-9"),
        (["projects", "add", "feature_name=x", "--id", "a"], "another project"),
        (["projects", "delete", "zz", "--yes"], "zz"),
        (["projects", "list", "--view", "mine"], "needs-attention"),
        (["import", "nowhere.xlsx"], "nowhere.xlsx"),
    ],
)
def test_what_is_not_there_is_named(bench: Bench, argv: list[str], words: str) -> None:
    assert words in bench.refused(*argv)


@pytest.mark.parametrize(
    "argv",
    [
        ["nonsense"],
        ["projects", "set", "a", "no-equals-sign"],
        ["projects", "set", "a", "status=Paused", "status=Paused"],
        ["sync", "--target", "mars"],
    ],
)
def test_wrong_usage_is_two_and_says_where_help_is(bench: Bench, argv: list[str]) -> None:
    ran = bench.run(*argv)
    assert (ran.code, ran.out) == (2, "")
    assert "--help" in ran.err
    assert "Traceback" not in ran.err
