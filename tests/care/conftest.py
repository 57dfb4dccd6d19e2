"""A world of one operator, and ways to damage his database."""

from __future__ import annotations

import random
from collections.abc import Iterable
from pathlib import Path

import pytest

from store.database import open_database
from tests.sync.world import World

PAGE = 4096


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def database_of(world: World) -> Path:
    """Where the operator's database is."""
    return world.home / "ann.db"


def close(world: World) -> Path:
    """End the operator's terminal; gives his database, its log folded in."""
    world.conn.close()
    return database_of(world)


def reopen(world: World) -> World:
    """Start it again."""
    world.conn = open_database(database_of(world))
    world.engine = world.new_engine()
    return world


def page_of(path: Path, name: str) -> int:
    """The root page of a table or an index."""
    conn = open_database(path)
    try:
        sql = "SELECT rootpage FROM sqlite_master WHERE name = ?"
        return int(conn.execute(sql, (name,)).fetchone()[0])
    finally:
        conn.close()


def break_pages(path: Path, pages: Iterable[int], fill: bytes = b"\xff") -> None:
    """Overwrite whole pages."""
    data = bytearray(path.read_bytes())
    for number in pages:
        data[(number - 1) * PAGE : number * PAGE] = (fill * PAGE)[:PAGE]
    path.write_bytes(data)


def flip_bits(path: Path, count: int, seed: int) -> None:
    """Turn single bits around, anywhere behind the first page."""
    rng, data = random.Random(seed), bytearray(path.read_bytes())
    for _ in range(count):
        data[rng.randrange(PAGE, len(data))] ^= 1 << rng.randrange(8)
    path.write_bytes(data)
