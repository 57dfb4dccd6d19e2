"""The two document stores that every contract test runs over."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from services.sandbox.firestore import EmbeddedDocuments
from services.sync.targets.firestore import FirestoreTarget
from services.sync.targets.fs_documents import DocumentStore
from services.sync.targets.fs_google import GoogleDocuments

NewStore = Callable[[], DocumentStore]


@pytest.fixture(params=["embedded", pytest.param("emulator", marks=pytest.mark.emulator)])
def new_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[NewStore]:
    """Opens clients of one and the same empty database."""
    with ExitStack() as opened:
        if request.param == "emulator":
            endpoint = request.getfixturevalue("firestore_endpoint")
            yield lambda: opened.enter_context(closing(GoogleDocuments(endpoint, timeout=20)))
        else:
            path = tmp_path / "firestore.db"
            yield lambda: opened.enter_context(closing(EmbeddedDocuments(path)))


@pytest.fixture
def store(new_store: NewStore) -> DocumentStore:
    """One client of an empty database."""
    return new_store()


@pytest.fixture
def target(store: DocumentStore) -> FirestoreTarget:
    """Projects over the same database as ``store``."""
    return FirestoreTarget(store)
