"""Commands as processes of their own that begin warm, forked from one that has all libraries.

Three quarters of what a short command costs are the interpreter's start and its imports, and the
tests run hundreds. A command that is forked here has its own environment, directory, output and
exit code as any other; what an import does, and that nothing is imported without need, is the
matter of other tests, which start the program the long way.

Run as a program this is the process that forks: it takes one request a connection, answers with
the command's process id and then its exit code, and ends when its standard input does.
"""

from __future__ import annotations

import atexit
import json
import os
import runpy
import selectors
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


def run(
    argv: Sequence[str], cwd: Path, env: Mapping[str, str], timeout: float
) -> tuple[int, bytes, bytes]:
    """Exit code, output and errors of one command. Raises TimeoutExpired, the command killed."""
    with tempfile.TemporaryDirectory() as folder:
        out, err = Path(folder, "out"), Path(folder, "err")
        request = {
            "argv": list(argv), "cwd": str(cwd), "env": dict(env), "out": str(out), "err": str(err)
        }  # fmt: skip
        with socket.socket(socket.AF_UNIX) as asked:
            asked.connect(_forker())
            asked.settimeout(timeout)
            asked.sendall(json.dumps(request).encode() + b"\n")
            with asked.makefile("rb") as answer:
                pid = int(answer.readline())
                try:
                    code = int(answer.readline())
                except TimeoutError:
                    os.kill(pid, 9)
                    raise subprocess.TimeoutExpired(list(argv), timeout) from None
        return code, out.read_bytes(), err.read_bytes()


@cache
def _forker() -> str:
    """The address of this test process's forker, started by the first command."""
    folder = tempfile.TemporaryDirectory()
    address = str(Path(folder.name, "socket"))
    inherited = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.outside.warm", address],
        cwd=ROOT,
        env={**inherited, "PYTHONUTF8": "1"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"

    def end() -> None:
        process.communicate(timeout=20)
        folder.cleanup()

    atexit.register(end)
    return address


def serve(address: str) -> dict[str, Any]:
    """Fork for each request; returns in the command's own process, with its request."""
    with socket.socket(socket.AF_UNIX) as listener, selectors.DefaultSelector() as waiting:
        listener.bind(address)
        listener.listen(16)
        waiting.register(listener, selectors.EVENT_READ)
        waiting.register(0, selectors.EVENT_READ)
        os.write(1, b"ready\n")
        while True:
            if any(key.fileobj == 0 for key, _ in waiting.select()):
                os._exit(0)
            connection, _ = listener.accept()
            with connection:
                if os.fork() == 0:
                    return _attend(connection)
            _reap()


def _attend(connection: socket.socket) -> dict[str, Any]:
    """Fork the command of one connection and answer; returns in the command's own process."""
    with connection.makefile("rwb") as talk:
        request: dict[str, Any] = json.loads(talk.readline())
        pid = os.fork()
        if pid == 0:
            return request
        talk.write(b"%d\n" % pid)
        talk.flush()
        status = os.waitpid(pid, 0)[1]
        talk.write(b"%d\n" % os.waitstatus_to_exitcode(status))
    os._exit(0)


def _reap() -> None:
    try:
        while os.waitpid(-1, os.WNOHANG) != (0, 0):
            pass
    except ChildProcessError:
        pass


def become(request: Mapping[str, Any]) -> None:
    """Take on the command's outputs, directory, environment and arguments."""
    for number, path in ((1, request["out"]), (2, request["err"])):
        file = os.open(path, os.O_WRONLY | os.O_CREAT)
        os.dup2(file, number)
        os.close(file)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["env"])
    sys.argv = ["steerco", *request["argv"]]


def _load() -> None:
    """Everything that a sync needs."""
    from services.sync.targets import fs_quiet

    fs_quiet.silence()
    import google.cloud.firestore  # noqa: F401
    import grpc  # noqa: F401
    import simple_salesforce  # noqa: F401

    from services.sync import run as _run  # noqa: F401
    from services.sync.targets import fs_google, salesforce  # noqa: F401
    from tui import commands  # noqa: F401
    from tui.commands import outbox, projects, sync  # noqa: F401


if __name__ == "__main__":
    _load()
    become(serve(sys.argv[1]))
    import random

    random.seed()
    runpy.run_module("tui.main", run_name="__main__", alter_sys=True)
