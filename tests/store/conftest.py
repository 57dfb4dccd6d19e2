"""A fresh database and an operator with a still clock."""

from __future__ import annotations

import itertools
import sqlite3
from pathlib import Path

import pytest

from services.context import Context
from store.database import open_database


@pytest.fixture
def conn(tmp_path: Path) -> sqlite3.Connection:
    return open_database(tmp_path / "steerco.db")


@pytest.fixture
def ctx() -> Context:
    numbers = itertools.count(1)
    return Context("ann", lambda: 1_790_000_000.0, lambda: f"id-{next(numbers):05d}")
