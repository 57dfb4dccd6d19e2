"""Finding, starting and stopping the official Firestore emulator.

It is a Java program that comes with the Google Cloud SDK. Where it can't be found a test that
needs it fails in CI (environment variable CI) and is skipped elsewhere, with the reason.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from services.sync.targets.fs_endpoint import Endpoint, endpoint

MAIN_CLASS = "com.google.cloud.datastore.emulator.firestore.CloudFirestore"
JAR_VARIABLE = "FIRESTORE_EMULATOR_JAR"
HOW_TO_GET_IT = (
    "install a Java runtime and the Google Cloud SDK's component cloud-firestore-emulator "
    f"(gcloud components install cloud-firestore-emulator), or set {JAR_VARIABLE} to its jar"
)
READY_SECONDS = 60.0

Which = Callable[[str], str | None]


class NotInstalled(Exception):
    """The emulator can't be started here; the message says what is missing and what to do."""


def find_java(env: Mapping[str, str], which: Which = shutil.which) -> str:
    """The java command of JAVA_HOME or of the path. Raises NotInstalled."""
    home = env.get("JAVA_HOME")
    candidate = Path(home) / "bin" / "java" if home else None
    if candidate and candidate.is_file():
        return str(candidate)
    java = which("java")
    if java is None:
        raise NotInstalled(
            f"the Firestore emulator needs Java, and none was found; {HOW_TO_GET_IT}"
        )
    return java


def find_jar(env: Mapping[str, str], which: Which = shutil.which) -> Path:
    """The emulator's jar: the one named in the environment, or the SDK's. Raises NotInstalled."""
    named = env.get(JAR_VARIABLE)
    if named:
        if Path(named).is_file():
            return Path(named)
        raise NotInstalled(f"{JAR_VARIABLE} names no file: {named}; {HOW_TO_GET_IT}")
    gcloud = which("gcloud")
    if gcloud is not None:
        for root in _sdk_roots(gcloud, env):
            jars = sorted((root / "platform" / "cloud-firestore-emulator").glob("*.jar"))
            if jars:
                return jars[-1]
    raise NotInstalled(f"the Firestore emulator was not found; {HOW_TO_GET_IT}")


def _sdk_roots(gcloud: str, env: Mapping[str, str]) -> Iterator[Path]:
    """Where the SDK may live: next to its gcloud script, or where gcloud itself says."""
    yield Path(gcloud).resolve().parent.parent
    asked = subprocess.run(
        [gcloud, "info", "--format=value(installation.sdk_root)"],
        env=dict(env),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if asked.stdout.strip():
        yield Path(asked.stdout.strip())


def free_port() -> int:
    """A loopback port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Emulator:
    """One emulator process on a loopback port of its own. Its data live in memory only."""

    java: str
    jar: Path
    log: Path
    port: int = field(default_factory=free_port)
    _process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """``host:port``, as FIRESTORE_EMULATOR_HOST has it."""
        return f"127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it and return when it answers. Raises RuntimeError with its last words."""
        # user.language: the emulator's own parsing depends on it.
        command = [self.java, "-Duser.language=en", "-cp", str(self.jar), MAIN_CLASS]
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(
                [*command, "--host=127.0.0.1", f"--port={self.port}"],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        deadline = time.monotonic() + READY_SECONDS
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                words = self.log.read_text(errors="replace")[-2000:]
                raise RuntimeError(f"the Firestore emulator did not start: {words}")
            time.sleep(0.05)

    def stop(self) -> None:
        """Stop it and wait until it is gone."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None

    def _answers(self) -> bool:
        # A read of a document rather than of "/": it also loads the classes that the first call
        # of a test would wait for.
        url = f"http://{self.address}/v1/projects/warm/databases/(default)/documents/up/1"
        try:
            _DIRECT.open(url, timeout=10).close()
        except urllib.error.HTTPError as answer:
            return answer.code == 404
        except OSError:
            return False
        return True


_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def installed(env: Mapping[str, str], which: Which = shutil.which) -> tuple[str, Path]:
    """Java and jar; where one is missing the test fails in CI and is skipped elsewhere."""
    try:
        return find_java(env, which), find_jar(env, which)
    except NotInstalled as missing:
        reason = str(missing)
    if env.get("CI"):
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def firestore_emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """A running emulator, one for each test process; never stop it in a test."""
    java, jar = installed(os.environ)
    emulator = Emulator(java, jar, tmp_path_factory.mktemp("emulator") / "log")
    emulator.start()
    yield emulator
    emulator.stop()


@pytest.fixture
def firestore_endpoint(firestore_emulator: Emulator) -> Endpoint:
    """An empty database: a project of its own in the running emulator."""
    return endpoint(f"test-{uuid.uuid4().hex[:12]}", emulator_host=firestore_emulator.address)
