"""The policy is data, checked before anything is computed with it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from services.kpis.policy import PolicyError, load_policy, problems

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = json.loads((ROOT / "policies" / "kpi_policy.json").read_text())


def changed(change: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(json.dumps(SHIPPED))
    change(content)
    return content


def test_the_shipped_policy_is_valid_and_fits_the_sandboxs_organisation() -> None:
    from services.sandbox.ticket import TICKET_PRIORITIES, TICKET_STATUSES, TICKET_TYPES

    policy = load_policy()
    assert set(policy.started) | set(policy.done) | set(policy.fresh or ()) <= set(TICKET_STATUSES)
    assert set(policy.mttr.priorities or ()) <= set(TICKET_PRIORITIES)
    kinds = (*policy.release_types, *(policy.mttr.types or ()), *(policy.incident.types or ()))
    assert set(kinds) <= set(TICKET_TYPES)
    assert policy.done == ("Resolved", "Closed")


@pytest.mark.parametrize(
    ("change", "place", "reason"),
    [
        (lambda p: p["statuses"].update(closed=[]), "$.statuses.closed", "non-empty"),
        (lambda p: p["statuses"]["started"].append(7), "$.statuses.started[3]", "string"),
        (lambda p: p.update(version=0), "$.version", "minimum"),
        (lambda p: p.update(version="3"), "$.version", "integer"),
        (lambda p: p.update(calendar="business"), "$", "calendar"),
        (lambda p: p["columns"].pop("status"), "$.columns", "status"),
        (lambda p: p["columns"].update(status=""), "$.columns.status", "non-empty"),
        (lambda p: p["weight_by_type"].update(Task=-1), "$.weight_by_type.Task", "minimum"),
        (lambda p: p["mttr"].update(priorities="P1"), "$.mttr.priorities", "array"),
        (lambda p: p["backlog"].update(department="then"), "$.backlog.department", "as_of"),
        (lambda p: p["release"].update(window_hours=0), "$.release.window_hours", "minimum"),
    ],
)
def test_a_wrong_policy_is_refused_with_the_place_and_the_reason(
    tmp_path: Path, change: Callable[[dict[str, Any]], object], place: str, reason: str
) -> None:
    path = tmp_path / "policy.json"
    path.write_text(json.dumps(changed(change)))
    with pytest.raises(PolicyError) as refused:
        load_policy(path)
    sentence = str(refused.value)
    assert f"refused at {place}: " in sentence
    assert reason in sentence
    assert str(path) in sentence


def test_every_problem_is_found_in_order() -> None:
    content = changed(lambda p: (p.update(version=0), p["statuses"].update(closed=[])))
    assert [place for place, _ in problems(content)] == ["$.statuses.closed", "$.version"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"{", "is not JSON"),
        (b'{"version": NaN}', "NaN is no number"),
        (b"[" * 100_000, "is not JSON"),
        (b"\xff\xfe", "is not UTF-8"),
        (b"[]", "refused at $"),
    ],
)
def test_what_is_no_policy_at_all_is_one_sentence(tmp_path: Path, text: bytes, said: str) -> None:
    path = tmp_path / "policy.json"
    path.write_bytes(text)
    with pytest.raises(PolicyError, match=said.replace("$", r"\$")):
        load_policy(path)


def test_a_policy_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="No such file"):
        load_policy(tmp_path / "none.json")


def test_two_policies_that_count_the_same_have_one_digest(tmp_path: Path) -> None:
    path = tmp_path / "policy.json"
    path.write_text(json.dumps(dict(reversed(SHIPPED.items())), indent=7))
    assert load_policy(path).digest == load_policy().digest
    path.write_text(json.dumps(changed(lambda p: p["statuses"].update(started=["New"]))))
    assert load_policy(path).digest != load_policy().digest
