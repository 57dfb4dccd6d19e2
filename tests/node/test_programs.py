"""Where Node or a package is missing, a test says so; in CI with a Node it fails."""

from __future__ import annotations

from pathlib import Path

from tests.node.programs import missing, must_run


def nowhere(name: str) -> None:
    return None


def everywhere(name: str) -> str:
    return f"/bin/{name}"


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    place = tmp_path / ".node"
    assert "no node command" in str(missing("jsforce", place, nowhere))
    assert "make .node/.ready" in str(missing("jsforce", place, everywhere))
    package = place / "node_modules" / "jsforce"
    package.mkdir(parents=True)
    (package / "package.json").touch()
    assert missing("jsforce", place, everywhere) is None


def test_only_ci_with_a_node_insists() -> None:
    assert must_run({"CI": "true"}, everywhere)
    assert not must_run({"CI": "true"}, nowhere)
    assert not must_run({"CI": ""}, everywhere)
    assert not must_run({}, everywhere)
