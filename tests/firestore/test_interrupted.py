"""ctrl+c in the middle of a read leaves gRPC's bookkeeping half written: nobody trips over it."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

MOMENTS = {
    "before gRPC's thread is started": """
        def interrupted(*_arguments):
            raise KeyboardInterrupt
        channel._run_channel_spin_thread = interrupted
    """,
    "when an answer is about to be asked for": """
        def interrupted(call):
            with call._state.condition:
                call._state.due.add(channel.cygrpc.OperationType.receive_message)
            raise KeyboardInterrupt
        channel._MultiThreadedRendezvous._next = interrupted
    """,
}


@pytest.mark.parametrize("moment", MOMENTS)
def test_an_interrupt_within_a_read_ends_at_once_and_without_a_word(moment: str) -> None:
    code = f"""
import socket
import time

import grpc._channel as channel
from services.sync.targets.fs_endpoint import endpoint
from services.sync.targets.fs_google import GoogleDocuments
from tui.main import _leave

silent = socket.create_server(("127.0.0.1", 0))
place = endpoint("p", emulator_host=f"127.0.0.1:{{silent.getsockname()[1]}}")
documents = GoogleDocuments(place, timeout=1)
{textwrap.dedent(MOMENTS[moment])}
try:
    documents.get_many('c', ['a'])
except KeyboardInterrupt:
    print("interrupted", flush=True)
documents.close()
time.sleep(0.3)  # for a thread that would have something to say
raise SystemExit(_leave(130))
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, "interrupted\n", "")
