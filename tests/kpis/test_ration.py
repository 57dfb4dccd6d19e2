"""A pull's calls are everybody's: counted with the engine's, and made only within the share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from services.kpis.policy import load_policy
from services.kpis.pull import Pulled, pull, pulled_at
from services.kpis.ration import rationed
from services.sandbox.process import SandboxProcess
from services.sync.calls import Calls
from services.sync.targets.sf_client import SalesforceClient
from services.sync.targets.sf_errors import CallFailed
from services.sync.targets.sf_login import SalesforceConnection
from store import targets
from store.database import open_database, transaction
from store.tickets import TicketFile

NOON = 1_790_000_000.0


@pytest.fixture(scope="module")
def connection(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SalesforceConnection]:
    process = SandboxProcess()
    process.start(tmp_path_factory.mktemp("org") / "org.db")
    url, token = process.wait_ready()
    yield SalesforceConnection(instance_url=url, access_token=token)
    process.stop()


class Home:
    def __init__(self, path: Path, connection: SalesforceConnection, share: float = 0.2) -> None:
        self.path = path / "steerco.db"
        self.conn = open_database(self.path)
        self.file = TicketFile(path / "tickets.duckdb")
        self.connection = connection
        self.share = share
        self.now = NOON

    def pull(self) -> Pulled:
        client = SalesforceClient(self.connection)
        with rationed(client, self.path, self.share, lambda: self.now) as spend:
            return pull(client, self.file, load_policy(), spend=spend)

    @property
    def ours(self) -> int:
        return Calls(self.conn, lambda: self.now, "me", self.share).budget().ours

    @property
    def limit(self) -> int | None:
        return targets.get(self.conn, "salesforce").api_limit


def test_a_pull_is_counted_and_tells_the_organisations_limit(
    tmp_path: Path, connection: SalesforceConnection
) -> None:
    home = Home(tmp_path, connection)
    done = home.pull()
    assert done.calls > 3
    assert home.ours == done.calls
    assert home.limit is not None
    again = home.pull()
    assert home.ours == done.calls + again.calls


def test_at_the_cap_a_pull_pauses_with_a_sentence_and_goes_on_the_next_day(
    tmp_path: Path, connection: SalesforceConnection
) -> None:
    """The engine's calls count, too: the share is one for both."""
    home = Home(tmp_path, connection)
    home.pull()
    limit = home.limit
    assert limit is not None
    home.share = (home.ours + 9) / limit
    before = home.ours
    with pytest.raises(CallFailed, match="share of Salesforce calls is used up") as failed:
        home.pull()
    assert home.ours <= int(limit * home.share)
    assert home.ours > before
    assert failed.value.problem.retry_after is not None
    before = home.ours
    with pytest.raises(CallFailed):
        home.pull()
    assert home.ours == before
    home.now += 86_400
    assert home.ours == 0
    ended = pulled_at(home.file)
    home.share = 0.2
    home.pull()
    assert pulled_at(home.file) != ended


def test_calls_that_were_made_count_however_the_pull_ends(
    tmp_path: Path, connection: SalesforceConnection
) -> None:
    home = Home(tmp_path, connection)
    client = SalesforceClient(connection)

    class Stopped(Exception):
        pass

    def stop(_what: str, _rows: int) -> None:
        raise Stopped

    with pytest.raises(Stopped), rationed(client, home.path, 0.2, lambda: NOON) as spend:
        pull(client, home.file, load_policy(), show=stop, spend=spend)
    assert home.ours == client.usage.calls > 0


def test_what_the_engine_used_up_leaves_nothing_for_tickets(
    tmp_path: Path, connection: SalesforceConnection
) -> None:
    home = Home(tmp_path, connection)
    with transaction(home.conn):
        targets.put(home.conn, "salesforce", api_limit=100, api_used=20)
        home.conn.execute("INSERT INTO meta VALUES ('calls:2026-09-21', '19')")
    with pytest.raises(CallFailed, match="it goes on at midnight UTC"):
        home.pull()
    assert home.ours == 19
