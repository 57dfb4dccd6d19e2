"""Whose lease or record is left behind: a process that is gone, and nobody else's."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from multiprocessing.connection import Connection

import pytest

from services.sync.engine import is_dead, owner_name

FORK = multiprocessing.get_context("fork")


def test_a_living_process_is_not_dead_nor_is_one_that_nobody_can_ask() -> None:
    assert not is_dead(owner_name())
    assert not is_dead(f"another-host/{os.getpid()}/1")
    assert not is_dead("bulk/no-process")


def test_a_process_that_took_a_dead_ones_number_is_another_one() -> None:
    host, pid, _ = owner_name().split("/")[:3]
    assert is_dead(f"{host}/{pid}/1")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells of its zombies")
def test_a_killed_process_is_dead_before_its_parent_has_asked_how_it_ended() -> None:
    here, there = FORK.Pipe()

    def victim(pipe: Connection) -> None:
        pipe.send(owner_name())
        signal.pause()

    process = FORK.Process(target=victim, args=(there,))
    process.start()
    owner = here.recv()
    assert not is_dead(owner)
    os.kill(process.pid or 0, signal.SIGKILL)
    os.waitid(os.P_PID, process.pid or 0, os.WEXITED | os.WNOWAIT)  # it stays a zombie
    os.kill(process.pid or 0, 0)
    assert is_dead(owner)
    process.join()
    assert is_dead(owner)
