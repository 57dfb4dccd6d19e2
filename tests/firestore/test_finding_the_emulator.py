"""Without the emulator: CI fails, a person's machine says how to get it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.emulator import NotInstalled, find_jar, find_java, installed


def test_the_jar_named_in_the_environment_is_taken(tmp_path: Path) -> None:
    jar = tmp_path / "emulator.jar"
    jar.touch()
    assert find_jar({"FIRESTORE_EMULATOR_JAR": str(jar)}, lambda _: None) == jar


def test_a_jar_that_is_not_there_is_named() -> None:
    with pytest.raises(NotInstalled, match=r"names no file: /no/such\.jar"):
        find_jar({"FIRESTORE_EMULATOR_JAR": "/no/such.jar"}, lambda _: None)


def test_the_jar_is_found_beside_a_linked_gcloud(tmp_path: Path) -> None:
    script = tmp_path / "google-cloud-sdk" / "bin" / "gcloud"
    jar = tmp_path / "google-cloud-sdk" / "platform" / "cloud-firestore-emulator" / "e.jar"
    for each in (script, jar):
        each.parent.mkdir(parents=True)
        each.touch()
    link = tmp_path / "gcloud"
    link.symlink_to(script)
    assert find_jar({}, lambda _: str(link)) == jar


def test_java_comes_from_its_home_or_the_path(tmp_path: Path) -> None:
    java = tmp_path / "bin" / "java"
    java.parent.mkdir()
    java.touch()
    assert find_java({"JAVA_HOME": str(tmp_path)}, lambda _: None) == str(java)
    assert find_java({"JAVA_HOME": "/none"}, lambda _: "/somewhere/java") == "/somewhere/java"


@pytest.mark.parametrize("which", [lambda _: None, lambda name: name if name == "java" else None])
def test_where_it_is_missing_ci_fails_and_others_skip_with_the_remedy(which: object) -> None:
    with pytest.raises(pytest.fail.Exception, match="gcloud components install"):
        installed({"CI": "true"}, which)  # type: ignore[arg-type]
    with pytest.raises(pytest.skip.Exception, match="gcloud components install"):
        installed({}, which)  # type: ignore[arg-type]
