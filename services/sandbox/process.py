"""The sandbox beside the program: a child process that lives no longer than its parent."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

from services.children import environment

_STOP_S = 3.0
SLEEP_S = 20.0 if os.name == "posix" else None
"""Seconds without a request after which a server that nobody gave faults to keep gives its memory
back."""


class SandboxFailed(RuntimeError):
    """The sandbox did not come up; the message says why."""


class SandboxProcess:
    """Starts, awaits and stops one sandbox server.

    The child holds one end of a pipe and ends when the other end closes, which the system does
    for a parent that is killed, too. It writes nothing to the terminal.
    """

    def __init__(self) -> None:
        self._child: subprocess.Popen[bytes] | None = None
        self._errors: IO[bytes] | None = None
        self._reader: threading.Thread | None = None
        self._line = b""
        self.ready: dict[str, Any] = {}
        """What the server said of itself: url, token, organization, client_id, secret."""

    def start(
        self,
        db_path: str | Path,
        *,
        port: int = 0,
        latency_ms: int = 0,
        faults: Sequence[str] = (),
        api_limit: int | None = None,
        jwt_public_key: str | Path | None = None,
        sleep: float | None = SLEEP_S,
    ) -> None:
        """Start the server and return at once. Raises OSError."""
        command = [sys.executable, "-P", "-m", "services.sandbox", "--parent-pipe"]
        command += ["--db", str(Path(db_path).absolute()), "--port", str(port)]
        command += ["--latency", str(latency_ms)]
        for fault in faults:
            command += ["--fault", fault]
        if sleep is not None and not faults:
            command += ["--sleep", str(sleep)]
        if api_limit is not None:
            command += ["--api-limit", str(api_limit)]
        if jwt_public_key is not None:
            command += ["--jwt-public-key", str(Path(jwt_public_key).absolute())]
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed by stop
        self._child = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env=environment(),
            # A Ctrl+C in the terminal is the parent's: the child ends after it.
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read_line, daemon=True)
        self._reader.start()

    def wait_ready(self, timeout: float = 10.0) -> tuple[str, str]:
        """The server's url and the integration user's token, once it listens.

        Raises SandboxFailed where it ends or takes longer than ``timeout`` seconds.
        """
        if self._reader is None:
            raise SandboxFailed("the sandbox was not started")
        self._reader.join(timeout)
        if not self._line:
            late = self._reader.is_alive()
            why = f"it did not answer within {timeout:g} s" if late else self._last_error()
            self.stop()
            raise SandboxFailed(f"the sandbox did not start: {why}")
        self.ready = json.loads(self._line)
        return str(self.ready["url"]), str(self.ready["token"])

    def stop(self) -> None:
        """End the server and wait for it. May be called again, and without a start."""
        child = self._child
        if child is None:
            return
        if child.stdin is not None:
            child.stdin.close()
        try:
            child.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        if self._reader is not None:
            self._reader.join()
        if child.stdout is not None:
            child.stdout.close()
        if self._errors is not None:
            self._errors.close()
        self._child = None

    def _read_line(self) -> None:
        if self._child is not None and self._child.stdout is not None:
            self._line = self._child.stdout.readline()

    def _last_error(self) -> str:
        if self._errors is None:
            return "it ended"
        self._errors.seek(0)
        lines = self._errors.read().decode("utf-8", "replace").strip().splitlines()
        return lines[-1] if lines else "it ended"
