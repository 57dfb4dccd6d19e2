"""One ``write`` of the Salesforce target: the requests in order, and what a failure stops."""

from __future__ import annotations

from collections.abc import Sequence

from services.sync.targets import sf_soql
from services.sync.targets.base import Action, ErrorClass, Outcome, Problem, TargetDown, Write
from services.sync.targets.sf_client import SalesforceClient
from services.sync.targets.sf_errors import CallFailed, not_sent
from services.sync.targets.sf_writes import (
    Row,
    Stage,
    Terms,
    asked_of,
    blamed,
    done,
    failed,
    judge,
    prepare,
    request_for,
    stage_of,
    waves,
)
from store.fields import EXTERNAL_ID_FIELD

MAX_SPLITS = 16
"""How often one ``write`` halves refused requests: enough to find two bad rows among 200."""

_BEHIND = Problem(
    ErrorClass.STALE,
    "BEHIND",
    "an earlier write of this project did not go through",
    "Not sent, because an earlier write of this project did not go through",
)


class Sending:
    """Sends one list of writes once and collects the outcomes. Used for one call, then dropped."""

    def __init__(self, client: SalesforceClient, terms: Terms, writes: Sequence[Write]) -> None:
        self._client = client
        self._terms = terms
        self._writes = writes
        self._outcomes: dict[int, Outcome] = {}
        self._ids = {w.project_id: w.remote_id for w in writes if w.remote_id is not None}
        self._behind: set[str] = set()
        self._stopped: Problem | None = None
        self._splits = 0

    def run(self) -> list[Outcome]:
        """One outcome for each write, in order.

        Raises TargetDown where nothing at all was applied because the target is closed.
        """
        self._find_ids()
        for stage in Stage:
            self._stage(stage)
        outcomes = [self._outcomes[place] for place in range(len(self._writes))]
        problems = [o.problem for o in outcomes if o.problem and o.problem.cls is ErrorClass.PAUSE]
        if outcomes and len(problems) == len(outcomes):
            raise TargetDown(self._stopped or problems[0])
        return outcomes

    def _find_ids(self) -> None:
        """Ask for the Ids that are not known and that no create in this list will tell.

        An upsert by external id would do without, and would make a new, nearly empty row of a
        project whose row is gone.
        """
        created = {w.project_id for w in self._writes if stage_of(w) is Stage.UPSERT}
        wanted = [
            w.project_id
            for w in self._writes
            if w.project_id not in created and w.project_id not in self._ids
        ]
        try:
            for soql in sf_soql.ids_of(wanted, self._client.base_length):
                for record in self._client.query(soql):
                    self._ids[str(record.get(EXTERNAL_ID_FIELD))] = str(record.get("Id"))
        except CallFailed as refused:
            raise TargetDown(refused.problem) from refused

    def _stage(self, stage: Stage) -> None:
        rows: list[Row] = []
        for place, write in enumerate(self._writes):
            if stage_of(write) is not stage:
                continue
            ready = prepare(place, write, self._ids.get(write.project_id), self._terms)
            if isinstance(ready, Row):
                rows.append(ready)
            else:
                self._settle(place, ready)
        for wave in waves(rows):
            group = self._still_wanted(wave)
            if stage is Stage.GUARDED:
                for row in group:
                    self._send_alone(row)
            elif group:
                self._send(group)

    def _still_wanted(self, rows: Sequence[Row]) -> list[Row]:
        """The rows that nothing that happened before keeps back; the others are settled."""
        wanted: list[Row] = []
        for row in rows:
            if row.write.project_id in self._behind:
                self._settle(row.place, failed(row, _BEHIND))
            elif self._stopped is not None:
                self._settle(row.place, failed(row, not_sent(self._stopped)))
            else:
                wanted.append(row)
        return wanted

    def _send(self, rows: list[Row]) -> None:
        request = request_for(rows)
        try:
            answer = self._client.rest(
                request.path,
                asked_of(rows[0], self._terms),
                method=request.method,
                body=request.body,
                params=request.params,
            )
        except CallFailed as refused:
            self._refused(rows, refused)
            return
        for row, outcome in zip(
            rows, judge(rows, answer.data, answer.at, self._terms), strict=True
        ):
            self._settle(row.place, outcome)
            if outcome.problem is not None:
                self._note(outcome.problem)

    def _send_alone(self, row: Row) -> None:
        if not self._still_wanted([row]):
            return
        request = request_for([row])
        try:
            answer = self._client.rest(
                request.path,
                asked_of(row, self._terms),
                method=request.method,
                body=request.body,
                headers=request.headers,
            )
        except CallFailed as refused:
            self._fail([row], refused.problem)
            return
        self._settle(row.place, done(row, answer.at, row.remote_id, answer.data))

    def _refused(self, rows: list[Row], refused: CallFailed) -> None:
        """A whole request was refused. Where one row's content can be the cause, the others get
        their chance without it: nothing of a refused request was applied."""
        problem = refused.problem
        by_content = problem.cls is ErrorClass.PERMANENT and refused.status in (400, 413)
        if not by_content or len(rows) == 1:
            self._fail(rows, problem)
            return
        guilty = blamed(rows, problem, self._terms)
        if guilty:
            self._fail(guilty, problem)
            rest = [row for row in rows if row not in guilty]
            if rest:
                self._send(rest)
            return
        half = len(rows) // 2
        for part in (rows[:half], rows[half:]):
            group = self._still_wanted(part)
            if not group:
                continue
            if self._splits < MAX_SPLITS:
                self._splits += 1
                self._send(group)
                continue
            for row in group:
                self._settle(row.place, failed(row, not_sent(problem)))

    def _fail(self, rows: Sequence[Row], problem: Problem) -> None:
        for row in rows:
            self._settle(row.place, failed(row, problem))
        self._note(problem)

    def _note(self, problem: Problem) -> None:
        # After a timeout the next request would most likely hang as long, and the leases run on.
        if problem.cls is ErrorClass.PAUSE or problem.code == "READ_TIMEOUT":
            self._stopped = self._stopped or problem

    def _settle(self, place: int, outcome: Outcome) -> None:
        write = self._writes[place]
        self._outcomes[place] = outcome
        if not outcome.done:
            self._behind.add(write.project_id)
        elif outcome.remote_id is not None and write.action in (Action.CREATE, Action.RESTORE):
            self._ids[write.project_id] = outcome.remote_id
