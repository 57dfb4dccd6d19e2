"""The same backfill against the real Firestore client and the official emulator."""

from __future__ import annotations

from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from services.sync.targets.fs_endpoint import Endpoint
from services.sync.targets.fs_google import GoogleDocuments
from tests.migration.world import Org, World


@pytest.mark.emulator
def test_a_backfill_makes_three_equal_sides(
    tmp_path: Path, org: Org, firestore_endpoint: Endpoint
) -> None:
    with ExitStack() as opened:
        world = World(
            tmp_path,
            org,
            store=lambda: opened.enter_context(
                closing(GoogleDocuments(firestore_endpoint, timeout=20))
            ),
        )
        world.family()
        assert world.backfill(bulk_above=3).run().clean
        world.whole()
        again = world.backfill(bulk_above=3).run()
        assert again.delivered == {"firestore": 0, "salesforce": 0}
        child = next(i for i in world.local_ids() if i.startswith("health-dashboard"))
        world.edit_document(child, department="Elsewhere")
        (difference,) = world.parity().differences
        assert (difference.field, difference.firestore) == ("department", "Elsewhere")
