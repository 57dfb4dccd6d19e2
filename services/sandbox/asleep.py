"""A server that nobody asks gives its memory back: the process becomes this one, which only waits.

It keeps the process's number, its listening socket and its parent's pipe, so that nobody has to
know: whoever connects waits a moment longer for the answer, while the process becomes the server
again. Started as a file and without the site's packages; imports what every Python has loaded.
"""

from __future__ import annotations

import os
import select
import signal
import sys
from collections.abc import Sequence
from typing import NoReturn

LISTENING = "--listening"
"""The option by which the server takes over a socket that listens already."""


def fall_asleep(listening: int, command: Sequence[str]) -> NoReturn:
    """Become the process that waits at a listening socket, and then becomes ``command`` with the
    socket's number behind it. The standard input is the parent's pipe. POSIX only."""
    os.set_inheritable(listening, True)
    waiting = [sys.executable, "-I", "-S", __file__, str(listening), *command]
    os.execv(sys.executable, waiting)


def main(arguments: Sequence[str]) -> None:
    """Wait for a connection, which wakes the server, or for the parent's end, which is the end."""
    listening, command = int(arguments[0]), list(arguments[1:])
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: os._exit(0))
    os.set_inheritable(listening, True)
    while True:
        ready = select.select([listening, 0], [], [])[0]
        if 0 in ready and not os.read(0, 4096):
            os._exit(0)
        if listening in ready:
            os.execv(command[0], [*command, LISTENING, str(listening)])


if __name__ == "__main__":
    main(sys.argv[1:])
