"""The program's entry point. Nothing is imported before it is known to be needed."""

from __future__ import annotations

import sys

_COMPLETION = "_STEERCO_COMPLETE"
"""Set by the shell's completion script, which runs the program without arguments."""


def main() -> int:
    """Run ``steerco`` with this process's arguments; gives its exit code."""
    argv = sys.argv[1:]
    if argv == ["--version"]:
        from store.version import __version__

        sys.stdout.write(f"steerco {__version__}\n")
        return 0
    import os

    from services.privacy import keep_private

    keep_private()
    if argv or _COMPLETION in os.environ:
        from tui.commands import run

        return _leave(run(argv))
    import gc

    # Nothing of what is loaded and made before the first paint is garbage; on again after it.
    gc.disable()
    from tui.terminal import open_terminal

    return _leave(open_terminal())


def _leave(code: int) -> int:
    """Give the exit code back, or end at once while a thread is still at work.

    One that is inside a C library (DuckDB, gRPC) when the interpreter is taken down aborts the
    process. Everything that was acknowledged is durable by now, and what is cut off is taken up
    again at the next start.
    """
    import contextlib
    import os
    import threading

    if len(threading.enumerate()) > 1:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError):  # nobody reads any more
                stream.flush()
        os._exit(code)
    return code


if __name__ == "__main__":
    sys.exit(main())
