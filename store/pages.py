"""The pages of a SQLite file, read without SQLite: what is left when SQLite refuses the file.

Nothing is written and nothing is trusted: a page, a cell or a record that makes no sense is left
out and the next one is looked at. The write-ahead log is laid over the file as SQLite would, up to
its last whole commit.

Source: https://www.sqlite.org/fileformat2.html
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from io import RawIOBase
from pathlib import Path
from typing import TypeAlias

Cell: TypeAlias = int | float | str | bytes | None
TABLE_INNER, TABLE_LEAF, INDEX_INNER, INDEX_LEAF = 0x05, 0x0D, 0x02, 0x0A
TABLE_PAGES, INDEX_PAGES = (TABLE_INNER, TABLE_LEAF), (INDEX_INNER, INDEX_LEAF)
_SIZES = tuple(2**power for power in range(9, 17))
_USUAL = 4096
_INTEGERS = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}
_MAGIC = b"SQLite format 3\0"
_WAL_HEADER, _FRAME_HEADER = 32, 24
_BLOCK, _SECTOR = 1 << 20, 512
_WITH_LOG, _WITHOUT_LOG = b"\2\2", b"\1\1"


class Unreadable(Exception):
    """A page, cell or record that makes no sense."""


@dataclass(frozen=True, slots=True)
class Record:
    """One row of a table (with its rowid) or one entry of an index (rowid None)."""

    rowid: int | None
    cells: tuple[Cell, ...]


@dataclass(slots=True)
class Page:
    """A b-tree page: its kind, its records, the pages below it, and how many cells were broken."""

    kind: int
    records: list[Record]
    below: list[int]
    broken: int


class Pages:
    """The pages of one database file and the log beside it, by their numbers from 1 on."""

    def __init__(self, path: Path) -> None:
        """Raises OSError where the files can't be read."""
        self._data = _bytes_of(path)
        log = path.with_name(path.name + "-wal")
        written = _bytes_of(log) if log.exists() else b""
        self.size = _page_size(self._data, written)
        self._over, _ = _committed(written, self.size)
        head = self._over.get(1, self._data[: self.size])
        sound = head.startswith(_MAGIC)
        self._usable = self.size - (head[20] if sound and head[20] < 64 else 0)
        self._free_at = int.from_bytes(head[32:36], "big") if sound else 0
        self.version = int.from_bytes(head[60:64], "big") if sound else 0
        """The schema's number (user_version); 0 where the header does not tell."""
        self.count = max([len(self._data) // self.size, *self._over])

    def raw(self, number: int) -> bytes:
        """The bytes of a page. Raises Unreadable."""
        if number in self._over:
            return self._over[number]
        found = self._data[(number - 1) * self.size : number * self.size]
        if number < 1 or len(found) < self.size:
            raise Unreadable(f"page {number} is not there")
        return found

    def free(self) -> set[int]:
        """The pages that are in nobody's use, as far as the list of them can be followed. What they
        hold was deleted."""
        found: set[int] = set()
        trunk = self._free_at
        while trunk and trunk not in found:
            found.add(trunk)
            try:
                page = self.raw(trunk)
            except Unreadable:
                break
            trunk, leaves = struct.unpack_from(">II", page)
            leaves = min(leaves, self._usable // 4 - 2)
            found |= set(struct.unpack_from(f">{leaves}I", page, 8))
        return found

    def read(self, number: int) -> Page:
        """A b-tree page with all of it that makes sense. Raises Unreadable for any other page."""
        page = self.raw(number)
        start = 100 if number == 1 else 0
        kind, cells = page[start], int.from_bytes(page[start + 3 : start + 5], "big")
        if kind not in (*TABLE_PAGES, *INDEX_PAGES) or cells > self.size // 4:
            raise Unreadable(f"page {number} is no part of a table or an index")
        inner = kind in (TABLE_INNER, INDEX_INNER)
        first = start + (12 if inner else 8)
        found = Page(kind, [], [], 0)
        for place in range(first, first + 2 * cells, 2):
            try:
                self._cell(page, int.from_bytes(page[place : place + 2], "big"), found)
            except (Unreadable, IndexError, struct.error, ValueError):
                found.broken += 1
        if inner:
            found.below.append(int.from_bytes(page[start + 8 : start + 12], "big"))
        return found

    def tree(self, root: int) -> Iterator[tuple[int, Page | None]]:
        """Each page of the tree below a root, with None for one that can't be read."""
        waiting, seen = [root], {root}
        while waiting:
            number = waiting.pop()
            try:
                page = self.read(number)
            except Unreadable:
                yield number, None
                continue
            yield number, page
            fresh = [below for below in page.below if below not in seen]
            seen.update(fresh)
            waiting += fresh

    def _cell(self, page: bytes, at: int, into: Page) -> None:
        if not 8 <= at < self._usable:
            raise Unreadable("a cell outside its page")
        if into.kind in (TABLE_INNER, INDEX_INNER):
            into.below.append(int.from_bytes(page[at : at + 4], "big"))
            at += 4
            if into.kind == TABLE_INNER:
                return
        length, at = _varint(page, at)
        rowid = None
        if into.kind == TABLE_LEAF:
            rowid, at = _varint(page, at)
        payload = self._payload(page, at, length, table=into.kind == TABLE_LEAF)
        into.records.append(Record(rowid, _record(payload)))

    def _payload(self, page: bytes, at: int, length: int, *, table: bool) -> bytes:
        """A payload with what of it lies on pages of its own."""
        usable = self._usable
        most = usable - 35 if table else (usable - 12) * 64 // 255 - 23
        if length <= most:
            if at + length > usable:
                raise Unreadable("a payload that leaves its page")
            return page[at : at + length]
        if length > self.count * self.size:
            raise Unreadable("a payload that is longer than the file")
        least = (usable - 12) * 32 // 255 - 23
        here = least + (length - least) % (usable - 4)
        here = here if here <= most else least
        parts, got = [page[at : at + here]], here
        following = int.from_bytes(page[at + here : at + here + 4], "big")
        while got < length:
            more = self.raw(following)
            part = more[4 : 4 + min(usable - 4, length - got)]
            parts.append(part)
            got += len(part)
            following = int.from_bytes(more[:4], "big")
        return b"".join(parts)


def laid_over(data: bytes, log: bytes) -> bytearray:
    """A database with its log laid over it: the file that SQLite would leave if it folded the log
    in. It no more says of itself that it has one."""
    size = _page_size(data, log)
    over, count = _committed(log, size)
    whole = bytearray(data)
    for number, page in over.items():
        at = (number - 1) * size
        whole.extend(bytes(max(0, at + size - len(whole))))
        whole[at : at + size] = page
    if count:
        del whole[count * size :]
    if whole[18:20] == _WITH_LOG:
        whole[18:20] = _WITHOUT_LOG
    return whole


def _bytes_of(path: Path) -> bytes:
    """A file's content, with zeros for what the disk does not give any more."""
    parts = []
    with path.open("rb", buffering=0) as file:
        size = os.fstat(file.fileno()).st_size
        for at in range(0, size, _BLOCK):
            end = min(at + _BLOCK, size)
            part = _part(file, at, end)
            if part is None:
                sectors = [(place, min(place + _SECTOR, end)) for place in range(at, end, _SECTOR)]
                part = b"".join(_part(file, *each) or bytes(each[1] - each[0]) for each in sectors)
            parts.append(part)
    return b"".join(parts)


def _part(file: RawIOBase, start: int, end: int) -> bytes | None:
    try:
        file.seek(start)
        return file.read(end - start)
    except OSError:
        return None


def _page_size(data: bytes, log: bytes) -> int:
    told = int.from_bytes(data[16:18], "big")
    if data.startswith(_MAGIC) and (told == 1 or told in _SIZES):
        return 65536 if told == 1 else told
    told = int.from_bytes(log[8:12], "big")
    return told if told in _SIZES else _USUAL


def _committed(log: bytes, size: int) -> tuple[dict[int, bytes], int]:
    """The newest content of each page in the log's whole commits, and of how many pages the
    database is after the last of them (0: there is none)."""
    if len(log) < _WAL_HEADER or log[:4] not in (b"\x37\x7f\x06\x82", b"\x37\x7f\x06\x83"):
        return {}, 0
    order = ">" if log[3] & 1 else "<"
    total = _checksum(log[:24], (0, 0), order)
    if struct.unpack_from(">II", log, 24) != total:
        return {}, 0
    found: dict[int, bytes] = {}
    fresh: dict[int, bytes] = {}
    count = 0
    for at in range(_WAL_HEADER, len(log) - _FRAME_HEADER - size + 1, _FRAME_HEADER + size):
        number, commit = struct.unpack_from(">II", log, at)
        page = log[at + _FRAME_HEADER : at + _FRAME_HEADER + size]
        total = _checksum(page, _checksum(log[at : at + 8], total, order), order)
        same_salt = log[at + 8 : at + 16] == log[16:24]
        if not same_salt or struct.unpack_from(">II", log, at + 16) != total:
            break
        fresh[number] = page
        if commit:
            found |= fresh
            fresh, count = {}, commit
    return found, count


def _checksum(data: bytes, start: tuple[int, int], order: str) -> tuple[int, int]:
    first, second = start
    words = struct.unpack(f"{order}{len(data) // 4}I", data)
    for even, odd in zip(words[::2], words[1::2], strict=True):
        first = (first + even + second) & 0xFFFFFFFF
        second = (second + odd + first) & 0xFFFFFFFF
    return first, second


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """A number of 1 to 9 bytes, and where it ends."""
    value = 0
    for place in range(8):
        byte = data[at + place]
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, at + place + 1
    value = value << 8 | data[at + 8]
    return value - (1 << 64) if value >= 1 << 63 else value, at + 9


def _record(payload: bytes) -> tuple[Cell, ...]:
    length, at = _varint(payload, 0)
    if not 0 < length <= len(payload):
        raise Unreadable("a record's header longer than the record")
    kinds = []
    while at < length:
        kind, at = _varint(payload, at)
        kinds.append(kind)
    cells: list[Cell] = []
    for kind in kinds:
        cell, at = _value(payload, at, kind)
        cells.append(cell)
    if at != len(payload):
        raise Unreadable("a record of another length than it says")
    return tuple(cells)


def _value(payload: bytes, at: int, kind: int) -> tuple[Cell, int]:
    if kind == 0:
        return None, at
    if kind in (8, 9):
        return kind - 8, at
    if kind in _INTEGERS:
        end = at + _INTEGERS[kind]
        return int.from_bytes(payload[at:end], "big", signed=True), end
    if kind == 7:
        return struct.unpack_from(">d", payload, at)[0], at + 8
    if kind < 12:
        raise Unreadable("a kind of value that there is not")
    end = at + (kind - 12) // 2
    if end > len(payload):
        raise Unreadable("a value that leaves its record")
    part = payload[at:end]
    return (part.decode("utf-8") if kind % 2 else part), end
