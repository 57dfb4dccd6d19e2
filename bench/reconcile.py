"""Reconciling 10,000 records of which none changed, against the bare SOQL read of the same.

The real Salesforce client against the sandbox server. The peer is one query of the same columns
through simple-salesforce, every page of it, with nothing done to the rows.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from bench.measure import Result, at_most, interleaved
from services import itsc_roadmap
from services.context import Context
from services.itsc_sf_sync import field_map
from services.sandbox.firestore import EmbeddedDocuments
from services.sandbox.process import SandboxProcess
from services.sync.case import LATE
from services.sync.engine import Engine
from services.sync.run import sync
from services.sync.targets import sf_soql
from services.sync.targets.firestore import FirestoreTarget
from services.sync.targets.salesforce import SalesforceConnection, SalesforceTarget
from services.sync.targets.sf_client import SalesforceClient
from store.database import open_database, transaction

RECORDS = 10_000
ROUNDS = 9


def run() -> Iterator[Result]:
    """Fill both sides, then read everything again in turns with the bare query."""
    process = SandboxProcess()
    with tempfile.TemporaryDirectory() as directory:
        home = Path(directory)
        process.start(home / "salesforce.db")
        try:
            url, token = process.wait_ready()
            connection = SalesforceConnection(instance_url=url, access_token=token)
            conn, ctx = open_database(home / "steerco.db"), Context("bench")
            documents = FirestoreTarget(EmbeddedDocuments(home / "documents.db"))
            engine = Engine(
                conn, ctx, {"firestore": documents, "salesforce": SalesforceTarget(connection)}
            )
            with transaction(conn):
                for number in range(RECORDS):
                    values = {
                        "feature_name": f"Project {number}",
                        "brief.what_it_does": "What it does, in a few words. " * 10,
                        "sort_order": number % 1000,
                    }
                    itsc_roadmap.create_project(conn, ctx, values)
            assert sync(engine).clean
            time.sleep(LATE.total_seconds())  # a record written a moment ago is not at rest yet
            assert sync(engine, whole=True).clean
            bare = SalesforceClient(connection)
            kind = str(bare.query(sf_soql.RECORD_TYPE_ID)[0]["Id"])
            soql = sf_soql.changed(field_map(), kind, None)

            def ours() -> None:
                pulled = engine.inbound.on_demand(["salesforce"], whole=True)
                assert (pulled.applied, pulled.problems) == (0, {})

            def peer() -> None:
                assert len(bare.query(soql, deleted=True)) == RECORDS

            mine, theirs, ratio = interleaved(ours, peer, ROUNDS)
            yield at_most(
                f"reconciliation of {RECORDS:,} records, nothing changed",
                f"{mine:.2f} s",
                f"the bare SOQL read, {theirs:.2f} s",
                1 / ratio,
                1.3,
            )
        finally:
            process.stop()
