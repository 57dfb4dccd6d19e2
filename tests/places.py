"""Places where nothing can be written: a full disk, a read-only one, somebody else's directory.

Root writes into any directory, whatever its rights say; so as root a command is run without root's
privileges, which leaves it the rights of the files' owner. Whatever a machine does not allow, its
tests are skipped with a sentence that names it.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

_READ_ONLY = 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && exec "$@"'


def mounted(*argv: str) -> None:
    """Run ``mount``; skips where that is not allowed."""
    done = subprocess.run(["mount", *argv], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"a file system can't be mounted here ({done.stderr.strip()})")


@contextlib.contextmanager
def small_disk(place: Path, size: str = "1M") -> Iterator[Path]:
    """A file system of its own, of so many bytes."""
    place.mkdir()
    mounted("-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(place))
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


def fill(place: Path) -> None:
    """Take the last byte of a file system."""
    with contextlib.suppress(OSError), (place / "fill").open("wb", buffering=0) as file:
        for size in (4096, 1):
            with contextlib.suppress(OSError):
                while True:
                    file.write(bytes(size))
    left = os.statvfs(place)
    assert left.f_bavail == 0


def empty(place: Path) -> None:
    """Give the room back."""
    (place / "fill").unlink()


def on_a_read_only_disk(place: Path) -> list[str]:
    """What goes before a command that is to find ``place`` on a read-only file system. It has file
    systems of its own: nothing has to be taken back."""
    mine = ["unshare", "--mount" if os.getuid() == 0 else "--map-root-user", "--mount"]
    before = [*mine, "sh", "-c", _READ_ONLY, str(place)]
    _need(before, place, "no file system can be made read-only for one command here")
    return before


@contextlib.contextmanager
def sealed(place: Path) -> Iterator[list[str]]:
    """A directory with its files whose owner may only read; gives what goes before a command that
    is to respect it."""
    modes = {each: each.stat().st_mode for each in (place, *place.rglob("*"))}
    for each in modes:
        each.chmod(0o500 if each.is_dir() else 0o400)
    try:
        before = []
        if os.getuid() == 0:
            before = ["setpriv", "--inh-caps=-all", "--bounding-set=-all"]
        _need(before, place, "root can't be run without its privileges here")
        yield before
    finally:
        for each, mode in modes.items():
            each.chmod(mode)


def _need(before: Sequence[str], place: Path, sentence: str) -> None:
    """Skip where a command that is run so can still write there, or can't be run."""
    if before and shutil.which(before[0]) is None:
        pytest.skip(f"{sentence}: {before[0]} is not installed")
    tried = f"test -r '{place}' && ! touch '{place}/tried' 2>/dev/null"
    done = subprocess.run([*before, "sh", "-c", tried], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"{sentence} ({done.stderr.strip() or 'it can still be written'})")
