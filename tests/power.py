"""A power cut, without cutting it: what SQLite has synced, and nothing else, is what is left.

A killed process leaves its writes in the page cache, so that no kill can notice a lost fsync. Here
SQLite's own file layer is wrapped: at each sync of a file its content is copied aside, and those
copies are what the disk would hold if the power failed now.
"""

from __future__ import annotations

import ctypes
import re
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ctypes import CFUNCTYPE, POINTER, Structure, c_char_p, c_int, c_void_p, cast
from pathlib import Path
from typing import Any

OPEN = CFUNCTYPE(c_int, c_void_p, c_void_p, c_void_p, c_int, c_void_p)
"""The name is a bare address: SQLite keeps it, so it must be passed on as it came."""
SYNC = CFUNCTYPE(c_int, c_void_p, c_int)
_KEPT: list[object] = []
"""What SQLite may still call through a connection that is closed late: never let go."""


class _Vfs(Structure):
    """The head of ``sqlite3_vfs`` and its methods (https://www.sqlite.org/c3ref/vfs.html)."""

    _fields_ = (
        ("version", c_int),
        ("file_bytes", c_int),
        ("path_bytes", c_int),
        ("next", c_void_p),
        ("name", c_char_p),
        ("data", c_void_p),
        ("open", c_void_p),
        ("rest", c_void_p * 14),
    )


class _Methods(Structure):
    """``sqlite3_io_methods``: close, read, write, truncate, sync, and the others."""

    _fields_ = (
        ("version", c_int),
        ("before", c_void_p * 4),
        ("sync", c_void_p),
        ("rest", c_void_p * 13),
    )


class _File(Structure):
    _fields_ = (("methods", POINTER(_Methods)),)


def library() -> ctypes.CDLL | None:
    """The SQLite library that Python's module uses; None where it is built into Python."""
    import sqlite3

    sqlite3.connect(":memory:").close()
    try:
        maps = Path("/proc/self/maps").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    found = re.search(r"/\S*libsqlite3\.\S+", maps)
    return ctypes.CDLL(found.group()) if found else None


class Disk:
    """What would survive of the files in ``root``. ``syncs`` counts them by file name."""

    def __init__(self, root: Path, safe: Path) -> None:
        self.root, self.safe = root, safe
        self.syncs: Counter[str] = Counter()
        self._paths: dict[int, Path] = {}

    def after_a_power_cut(self, target: Path) -> Path:
        """A directory with what was synced so far, without the files that were deleted."""
        target.mkdir()
        for path in set(self._paths.values()):
            if path.exists() and (self.safe / path.name).exists():
                shutil.copyfile(self.safe / path.name, target / path.name)
        return target

    def opened(self, file: int, path: Path) -> None:
        """SQLite opened a file, known from now on by the address of its handle."""
        self._paths.pop(file, None)
        if path.parent == self.root:
            self._paths[file] = path

    def forget(self) -> None:
        """Files that are closed after this are nobody's business."""
        self._paths.clear()

    def synced(self, file: int) -> None:
        """SQLite synced a file."""
        path = self._paths.get(file)
        if path is None:
            return
        self.syncs[path.name] += 1
        shutil.copyfile(path, self.safe / path.name)


@contextmanager
def watched(sqlite: Any, disk: Disk) -> Iterator[Disk]:
    """Every database opened meanwhile lies on this disk."""
    sqlite.sqlite3_vfs_find.restype = POINTER(_Vfs)
    plain = sqlite.sqlite3_vfs_find(None)
    vfs = _Vfs.from_buffer_copy(plain.contents)
    vfs.name, vfs.next = b"power", None
    real_open = OPEN(plain.contents.open)
    tables: dict[int, tuple[_Methods, Callable[..., int]]] = {}

    def table_of(plain_methods: Any) -> _Methods:
        address = cast(plain_methods, c_void_p).value or 0
        if address not in tables:
            copy = _Methods.from_buffer_copy(plain_methods.contents)
            real_sync = SYNC(plain_methods.contents.sync)

            def sync(file: int, flags: int) -> int:
                code = real_sync(file, flags)
                disk.synced(file)
                return code

            callback = SYNC(sync)
            copy.sync = cast(callback, c_void_p).value
            tables[address] = (copy, callback)
        return tables[address][0]

    def open_(_vfs: int, name: int | None, file: int, flags: int, out: int) -> int:
        code: int = real_open(cast(plain, c_void_p), name, file, flags, out)
        held = cast(file, POINTER(_File)).contents
        if code == 0 and name and held.methods:
            disk.opened(file, Path(ctypes.string_at(name).decode()))
            held.methods = ctypes.pointer(table_of(held.methods))
        return code

    callback = OPEN(open_)
    vfs.open = cast(callback, c_void_p).value
    _KEPT.append((vfs, callback, tables))
    sqlite.sqlite3_vfs_register(ctypes.byref(vfs), 1)
    try:
        yield disk
    finally:
        sqlite.sqlite3_vfs_register(plain, 1)
        sqlite.sqlite3_vfs_unregister(ctypes.byref(vfs))
        disk.forget()
