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

    if argv or _COMPLETION in os.environ:
        from tui.commands import run

        return run(argv)
    from tui.terminal import open_terminal

    return open_terminal()


if __name__ == "__main__":
    sys.exit(main())
