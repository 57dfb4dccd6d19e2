"""The numbered schema. A migration that has shipped is never edited; a new one is added."""

from __future__ import annotations

import sqlite3

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from store.database import SCHEMA_VERSION
from store.operations import file_all

steps = Migrations("steerco")

_FIRST = (
    # Facts about this database: client_id, the last full read, …
    "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID",
    # Only projects that exist. A deleted one moves to tombstones, so that no query can show it.
    """
    CREATE TABLE projects (
      project_id TEXT PRIMARY KEY,
      rev INTEGER NOT NULL,
      feature_name TEXT NOT NULL,
      status TEXT NOT NULL,
      priority TEXT NOT NULL,
      sort_order INTEGER,
      product_owner TEXT,
      it_lead TEXT,
      launch_target TEXT,
      department TEXT,
      strategic_group TEXT,
      strategic_value TEXT,
      level_of_effort TEXT,
      intake_dev_t_shirt TEXT,
      intake_dev_readiness INTEGER,
      total_score INTEGER,
      intake_primary_system TEXT,
      flags_alignment INTEGER NOT NULL,
      flags_high_impact_work INTEGER NOT NULL,
      flags_retention_focus INTEGER NOT NULL,
      flags_thought_leadership INTEGER NOT NULL,
      flags_ai_ways_of_working INTEGER NOT NULL,
      brief_what_it_does TEXT,
      brief_why_it_matters TEXT,
      brief_business_impact TEXT,
      brief_punchline TEXT,
      intake_submitted_by TEXT,
      intake_executive_sponsor TEXT,
      intake_intake_document_url TEXT,
      intake_reviewer_comments TEXT,
      parent_id TEXT,
      imported_created_by TEXT,
      imported_updated_by TEXT,
      scores TEXT NOT NULL,
      search TEXT NOT NULL,
      stamps TEXT NOT NULL,
      sf_id TEXT,
      created_by TEXT NOT NULL,
      created_at TEXT NOT NULL,
      updated_by TEXT NOT NULL,
      updated_at TEXT NOT NULL,
      priority_rank INTEGER GENERATED ALWAYS AS (
        CASE priority WHEN 'P1' THEN 1 WHEN 'P2' THEN 2 WHEN 'TBD' THEN 3
                      WHEN 'Not yet Prioritized' THEN 4 ELSE 5 END) VIRTUAL,
      launch_date TEXT GENERATED ALWAYS AS (
        CASE WHEN (launch_target GLOB '19[0-9][0-9]-[0-1][0-9]-[0-3][0-9]'
                   OR launch_target GLOB '20[0-9][0-9]-[0-1][0-9]-[0-3][0-9]')
                  AND date(launch_target) = launch_target
             THEN launch_target END) VIRTUAL
    ) STRICT
    """,
    "CREATE INDEX projects_parent ON projects(parent_id) WHERE parent_id IS NOT NULL",
    # What was deleted, whole, so that undo can bring it back and no id is used again.
    """
    CREATE TABLE tombstones (
      project_id TEXT PRIMARY KEY,
      deleted_at TEXT NOT NULL,
      deleted_by TEXT NOT NULL,
      snapshot TEXT NOT NULL
    ) STRICT, WITHOUT ROWID
    """,
    # Every change, for ever. seq is the client's monotonic number: rows are never removed, so plain
    # rowids never come again.
    """
    CREATE TABLE operations (
      seq INTEGER PRIMARY KEY,
      op_id TEXT NOT NULL,
      trace_id TEXT NOT NULL,
      project_id TEXT NOT NULL,
      kind TEXT NOT NULL CHECK (kind IN ('create', 'update', 'delete', 'restore')),
      origin TEXT NOT NULL,
      operator TEXT NOT NULL,
      at TEXT NOT NULL,
      changes TEXT NOT NULL,
      undoes INTEGER
    ) STRICT
    """,
    "CREATE INDEX operations_project ON operations(project_id, seq)",
    # One row for each operation and target; part 'link' is Salesforce's parent field, which waits
    # for the parent without holding up the row.
    """
    CREATE TABLE deliveries (
      seq INTEGER NOT NULL,
      target TEXT NOT NULL,
      part TEXT NOT NULL DEFAULT 'row' CHECK (part IN ('row', 'link')),
      project_id TEXT NOT NULL,
      state TEXT NOT NULL CHECK (state IN ('pending', 'in_flight', 'retrying', 'conflict',
        'failed', 'done', 'superseded', 'discarded')),
      attempts INTEGER NOT NULL DEFAULT 0,
      sends INTEGER NOT NULL DEFAULT 0,
      next_at REAL,
      failing_since REAL,
      lease_owner TEXT,
      lease_until REAL,
      dropped TEXT,
      solo INTEGER NOT NULL DEFAULT 0,
      error_class TEXT,
      error_code TEXT,
      last_error TEXT,
      acked_at TEXT,
      PRIMARY KEY (seq, target, part)
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE INDEX deliveries_open ON deliveries(project_id, seq, target)
      WHERE state IN ('pending', 'retrying', 'in_flight', 'conflict', 'failed')
    """,
    "CREATE INDEX deliveries_failed ON deliveries(project_id) WHERE state = 'failed'",
    # What left for a target and is not acknowledged: written before the send, gone with the ack.
    """
    CREATE TABLE sends (
      project_id TEXT NOT NULL,
      target TEXT NOT NULL,
      part TEXT NOT NULL,
      seq INTEGER NOT NULL,
      op_id TEXT NOT NULL,
      action TEXT NOT NULL,
      vals TEXT NOT NULL,
      token TEXT,
      sent_at TEXT NOT NULL,
      PRIMARY KEY (project_id, target, part)
    ) STRICT, WITHOUT ROWID
    """,
    # The last state known to be common with each target. present 0: known to be gone there.
    # shared 0: the Firestore document does not know this Salesforce state yet.
    """
    CREATE TABLE bases (
      project_id TEXT NOT NULL,
      target TEXT NOT NULL,
      present INTEGER NOT NULL,
      vals TEXT NOT NULL,
      token TEXT,
      remote_id TEXT,
      modified_at TEXT,
      acked_at TEXT NOT NULL,
      shared INTEGER NOT NULL DEFAULT 1,
      PRIMARY KEY (project_id, target)
    ) STRICT, WITHOUT ROWID
    """,
    "CREATE INDEX bases_unshared ON bases(target, project_id) WHERE shared = 0",
    # A field that both sides changed, decided or waiting for a person.
    """
    CREATE TABLE conflicts (
      id TEXT PRIMARY KEY,
      project_id TEXT NOT NULL,
      path TEXT NOT NULL,
      target TEXT NOT NULL,
      base TEXT,
      mine TEXT,
      theirs TEXT,
      winner TEXT NOT NULL CHECK (winner IN ('mine', 'theirs', 'nobody')),
      mine_at TEXT NOT NULL,
      theirs_at TEXT NOT NULL,
      mine_by TEXT NOT NULL,
      theirs_by TEXT NOT NULL,
      seq INTEGER,
      state TEXT NOT NULL DEFAULT 'open',
      at TEXT NOT NULL,
      resolution TEXT,
      resolved_by TEXT,
      resolved_at TEXT,
      shared INTEGER NOT NULL DEFAULT 0
    ) STRICT, WITHOUT ROWID
    """,
    "CREATE INDEX conflicts_open ON conflicts(project_id) WHERE state = 'open'",
    # One row for each attempt on each target: the structured log behind inspect.
    """
    CREATE TABLE attempts (
      id INTEGER PRIMARY KEY,
      at TEXT NOT NULL,
      target TEXT NOT NULL,
      project_id TEXT NOT NULL,
      part TEXT NOT NULL,
      seq INTEGER NOT NULL,
      action TEXT NOT NULL,
      outcome TEXT NOT NULL,
      code TEXT,
      message TEXT,
      request TEXT,
      response TEXT,
      ms INTEGER
    ) STRICT
    """,
    "CREATE INDEX attempts_project ON attempts(project_id, id)",
    # What is known of each remote system, shared by every process on this database.
    """
    CREATE TABLE targets (
      target TEXT PRIMARY KEY,
      identity TEXT,
      paused_by TEXT,
      paused_at TEXT,
      pause_reason TEXT,
      down_since REAL,
      down_code TEXT,
      down_reason TEXT,
      probe_at REAL,
      probes INTEGER NOT NULL DEFAULT 0,
      last_ok_at TEXT,
      last_drain_at TEXT,
      last_reconcile_at TEXT,
      api_used INTEGER,
      api_limit INTEGER,
      clock_offset REAL
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TABLE users (
      user_id TEXT PRIMARY KEY,
      name TEXT NOT NULL,
      email TEXT,
      active INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID
    """,
    # Text that was typed and not saved; offered again after a crash.
    """
    CREATE TABLE drafts (
      project_id TEXT NOT NULL,
      path TEXT NOT NULL,
      text TEXT NOT NULL,
      opened_on TEXT,
      at TEXT NOT NULL,
      PRIMARY KEY (project_id, path)
    ) STRICT, WITHOUT ROWID
    """,
)


@steps(name="001_first")
def first(db: Database) -> None:
    """The first schema."""
    for statement in _FIRST:
        db.execute(statement)


@steps(name="002_whole_conflicts")
def whole_conflicts(db: Database) -> None:
    """A whole-record conflict keeps why it waits, and what the other side held when it was found:
    a decision is about that, not about whatever is there by the time it travels."""
    for column in ("why", "record", "version"):
        db.execute(f"ALTER TABLE conflicts ADD COLUMN {column} TEXT")
    db.execute("UPDATE conflicts SET why = resolution, resolution = NULL WHERE state = 'open'")
    db.execute("CREATE INDEX conflicts_unshared ON conflicts(id) WHERE shared = 0")


_REVERSE = (
    # Records that were read and can't be judged yet: written here a moment ago, or under way.
    """
    CREATE TABLE parked (
      target TEXT NOT NULL,
      project_id TEXT NOT NULL,
      until REAL NOT NULL,
      PRIMARY KEY (target, project_id)
    ) STRICT, WITHOUT ROWID
    """,
    # Fields that another operator's edit still owes Salesforce, as the documents tell.
    """
    CREATE TABLE owes (
      project_id TEXT NOT NULL,
      path TEXT NOT NULL,
      op_id TEXT NOT NULL,
      PRIMARY KEY (project_id, path)
    ) STRICT, WITHOUT ROWID
    """,
)


@steps(name="003_reverse")
def reverse(db: Database) -> None:
    """What the way back needs: from Salesforce and from other operators to here."""
    for statement in _REVERSE:
        db.execute(statement)


@steps(name="004_settled")
def settled(db: Database) -> None:
    """A record that still has the version it was judged at need not be judged again."""
    db.execute("ALTER TABLE bases ADD COLUMN settled INTEGER NOT NULL DEFAULT 0")


# A check by IN makes a table of the allowed values for every row that is written, which took as
# long as writing the row; comparisons cost nothing that can be measured.
_OPEN_AND_PAST = (
    # What still has to travel. A project's rows lie together, so that an edit writes one page of
    # this table; claims, sends and answers change no key and no index.
    """
    CREATE TABLE open_deliveries (
      project_id TEXT NOT NULL,
      seq INTEGER NOT NULL,
      target TEXT NOT NULL,
      part TEXT NOT NULL DEFAULT 'row' CHECK (part = 'row' OR part = 'link'),
      state TEXT NOT NULL CHECK (state = 'pending' OR state = 'in_flight' OR state = 'retrying'
        OR state = 'conflict' OR state = 'failed'),
      attempts INTEGER NOT NULL DEFAULT 0,
      sends INTEGER NOT NULL DEFAULT 0,
      next_at REAL,
      failing_since REAL,
      lease_owner TEXT,
      lease_until REAL,
      dropped TEXT,
      solo INTEGER NOT NULL DEFAULT 0,
      error_class TEXT,
      error_code TEXT,
      last_error TEXT,
      PRIMARY KEY (project_id, seq, target, part)
    ) STRICT, WITHOUT ROWID
    """,
    "CREATE INDEX open_failed ON open_deliveries(project_id) WHERE state = 'failed'",
    # What is over, for ever, in the order of the operations.
    """
    CREATE TABLE past_deliveries (
      seq INTEGER NOT NULL,
      target TEXT NOT NULL,
      part TEXT NOT NULL DEFAULT 'row' CHECK (part = 'row' OR part = 'link'),
      state TEXT NOT NULL CHECK (state = 'done' OR state = 'superseded' OR state = 'discarded'),
      attempts INTEGER NOT NULL,
      sends INTEGER NOT NULL,
      failing_since REAL,
      dropped TEXT,
      error_class TEXT,
      error_code TEXT,
      last_error TEXT,
      acked_at TEXT,
      PRIMARY KEY (seq, target, part)
    ) STRICT, WITHOUT ROWID
    """,
    """
    INSERT INTO open_deliveries
    SELECT project_id, seq, target, part, state, attempts, sends, next_at, failing_since,
           lease_owner, lease_until, dropped, solo, error_class, error_code, last_error
    FROM deliveries WHERE state NOT IN ('done', 'superseded', 'discarded')
    ORDER BY project_id, seq, target, part
    """,
    """
    INSERT INTO past_deliveries
    SELECT seq, target, part, state, attempts, sends, failing_since, dropped, error_class,
           error_code, last_error, acked_at
    FROM deliveries WHERE state IN ('done', 'superseded', 'discarded')
    ORDER BY seq, target, part
    """,
    "DROP TABLE deliveries",
    # The same log; only its check is said otherwise.
    "ALTER TABLE operations RENAME TO former_operations",
    """
    CREATE TABLE operations (
      seq INTEGER PRIMARY KEY,
      op_id TEXT NOT NULL,
      trace_id TEXT NOT NULL,
      project_id TEXT NOT NULL,
      kind TEXT NOT NULL CHECK (kind = 'update' OR kind = 'create' OR kind = 'delete'
        OR kind = 'restore'),
      origin TEXT NOT NULL,
      operator TEXT NOT NULL,
      at TEXT NOT NULL,
      changes TEXT NOT NULL,
      undoes INTEGER
    ) STRICT
    """,
    """
    INSERT INTO operations
    SELECT seq, op_id, trace_id, project_id, kind, origin, operator, at, changes, undoes
    FROM former_operations ORDER BY seq
    """,
    "DROP TABLE former_operations",
    # A project's operations by their numbers. Filed many at a time (``operations.record``), since
    # an index would cost each edit a page more; the newest few are looked for in the log itself.
    """
    CREATE TABLE histories (
      project_id TEXT NOT NULL,
      seq INTEGER NOT NULL,
      PRIMARY KEY (project_id, seq)
    ) STRICT, WITHOUT ROWID
    """,
    # For readers who ask for both at once.
    """
    CREATE VIEW deliveries AS
    SELECT seq, target, part, project_id, state, attempts, sends, next_at, failing_since,
           lease_owner, lease_until, dropped, solo, error_class, error_code, last_error,
           NULL AS acked_at
    FROM open_deliveries
    UNION ALL
    SELECT seq, target, part,
           (SELECT project_id FROM operations o WHERE o.seq = past_deliveries.seq), state, attempts,
           sends, NULL, failing_since, NULL, NULL, dropped, 0, error_class, error_code, last_error,
           acked_at
    FROM past_deliveries
    """,
)


@steps(name="005_open_and_past")
def open_and_past(db: Database) -> None:
    """Fewer pages for each edit: deliveries that are over lie by themselves, and which operations
    are a project's is written down for many of them at once."""
    for statement in _OPEN_AND_PAST:
        db.execute(statement)
    file_all(db.conn)


@steps(name="006_owed_since")
def owed_since(db: Database) -> None:
    """Since when another operator owes a field: who may carry it gives its author a while. And
    what this program owes by the documents, for the next reading of all of them to tell."""
    db.execute("ALTER TABLE owes ADD COLUMN since REAL NOT NULL DEFAULT 0")
    db.execute("ALTER TABLE owes ADD COLUMN mine INTEGER NOT NULL DEFAULT 0")
    db.execute("CREATE INDEX owes_mine ON owes(project_id) WHERE mine")
    db.execute("UPDATE owes SET since = CAST(strftime('%s', 'now') AS REAL)")
    db.execute("CREATE INDEX operations_carried ON operations(trace_id) WHERE origin = 'carried'")


def migrate(conn: sqlite3.Connection, version: int = SCHEMA_VERSION) -> None:
    """Apply what is missing up to a version, all of it in one transaction.

    Two processes may start at once: the second waits for the first and finds nothing to do.
    """
    conn.execute("BEGIN IMMEDIATE")
    try:
        present = conn.execute("PRAGMA user_version").fetchone()[0]
        if present < version:
            db = Database(conn)
            later = [step.name for step in steps.pending(db)[version - present :]]
            steps.apply(db, stop_before=later)
            conn.execute(f"PRAGMA user_version = {version}")
        conn.execute("COMMIT")
    except BaseException:
        if conn.in_transaction:
            conn.execute("ROLLBACK")
        raise
