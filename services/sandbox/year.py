"""A year of tickets: what the sandbox's teams did, so that the figures have something to show.

The same dice for everybody: only the moment that the year ends with is the clock's. Seven
departments report to an intake queue, eight people work, mostly by day and on weekdays. Tickets are
started, blocked, resolved, closed and now and then opened again; some are closed at once as
duplicates; releases go out on Tuesdays and some of them bring incidents; about one in twelve is
still open at the end.
"""

from __future__ import annotations

import datetime as dt
import json
import random
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from services.sandbox import storage
from services.sandbox.incoming import stamp
from services.sandbox.seed import QUEUE_NAME
from services.sandbox.standard import schema
from services.sandbox.storage import Row, Store
from store.clock import Clock
from store.fields import SOBJECT

SEED = 20260301
DAYS = 365
A_DAY = 5.6
"""Tickets reported on a day, releases and what they bring aside."""
_HOUR, _DAY = 3600.0, 86_400.0
_DEPARTMENTS = {
    "Product": 24,
    "Marketing / Demand Gen": 18,
    "Events": 16,
    "Sales": 14,
    "Grants / Data": 12,
    "Finance": 9,
    "Customer Success": 5,
    "": 2,
}
_KINDS = {"Defect": 36, "Task": 33, "Feature": 25, "Incident": 6}
_PRIORITIES = {
    "Defect": {"P1": 6, "P2": 22, "P3": 50, "P4": 22},
    "Task": {"P2": 12, "P3": 55, "P4": 28, "TBD": 5},
    "Feature": {"P2": 25, "P3": 50, "P4": 15, "TBD": 10},
    "Incident": {"P1": 30, "P2": 45, "P3": 25},
    "Release": {"P2": 100},
}
_WORK_DAYS = {"Defect": 3.0, "Task": 4.0, "Feature": 11.0, "Incident": 0.3, "Release": 0.2}
"""Median days from start to resolution."""
_URGENCY = {"P1": 0.25, "P2": 0.6, "P3": 1.0, "P4": 1.9, "TBD": 1.6}
_REPORTERS = ("ana", "ben", "chloe", "hugo", "ines", "jon", "grace", "ingrid", "priya", "miles")
_TEAM = {"dev": 10, "eva": 16, "farid": 14, "gita": 12, "kim.lee": 20, "chidi": 12, "tomasz": 16}
_LEFT, _LEFT_DAY = "olga", 230
"""She worked here until that day."""
_SUBJECTS = (
    "login page",
    "sponsor portal",
    "event registration",
    "lead scoring",
    "grants import",
    "invoice export",
    "badge printing",
    "newsletter preferences",
    "search index",
    "single sign-on",
    "proposal generator",
    "data warehouse load",
    "calendar sync",
    "mobile app",
    "consent banner",
    "partner directory",
)
_WORDS = {
    "Defect": ("{} shows the wrong totals", "{} loses the last entry", "{} is slow on Mondays"),
    "Task": ("Clean up old records of the {}", "Rotate the keys of the {}", "Document the {}"),
    "Feature": ("Let people filter the {}", "Add bulk edit to the {}", "Dark mode for the {}"),
    "Incident": ("{} is down", "{} refuses everybody", "{} times out"),
}
_SIZES = ("XS", "S", "M", "L", "XL")


@dataclass
class _Ticket:
    """One ticket's life: its row so far, and the changes that made it so."""

    row: Row
    changes: list[Row] = field(default_factory=list)


def fill(store: Store, clock: Clock) -> None:
    """Give a new organisation its year of tickets; does nothing to one that has it."""
    with store.transaction() as db:
        if db.execute("SELECT 1 FROM org WHERE key = 'year'").fetchone():
            return
        storage.set_setting(db, "year", str(SEED))
        tickets = list(_Year(db, clock()).tickets())
        ids = storage.new_ids(db, schema()[SOBJECT.lower()].prefix, len(tickets))
        numbers = storage.next_number(db, "T-"), len(tickets)
        db.execute("UPDATE serials SET last = last + ? WHERE prefix = 'T-'", (numbers[1] - 1,))
        changes: list[Row] = []
        for offset, (ticket, record_id) in enumerate(zip(tickets, ids, strict=True)):
            ticket.row |= {"Id": record_id, "Name": f"T-{numbers[0] + offset:06d}"}
            changes += ({**change, "ParentId": record_id} for change in ticket.changes)
        storage.insert_many(db, schema()[SOBJECT.lower()], [each.row for each in tickets])
        # Ids ascend with time, as they would have.
        changes.sort(key=lambda change: change["CreatedDate"])
        obj = schema()["ticket__history"]
        for change, change_id in zip(
            changes, storage.new_ids(db, obj.prefix, len(changes)), strict=True
        ):
            change["Id"] = change_id
        storage.insert_many(db, obj, changes)


class _Year:
    """Throws the dice for one organisation's year that ends at ``now``."""

    def __init__(self, db: sqlite3.Connection, now: float) -> None:
        self._dice = random.Random(SEED)
        self._now = now
        today = dt.datetime.fromtimestamp(now, dt.UTC).replace(
            hour=0, minute=0, second=0, microsecond=0
        )
        self._start = today.timestamp() - DAYS * _DAY
        self._users = {
            username.partition("@")[0]: (record_id, name)
            for username, record_id, name in db.execute("SELECT Username, Id, Name FROM User")
        }
        (queue,) = db.execute('SELECT Id FROM "Group" WHERE Name = ?', (QUEUE_NAME,)).fetchone()
        self._queue = (queue, QUEUE_NAME)
        self._types = dict(db.execute("SELECT DeveloperName, Id FROM RecordType").fetchall())
        obj = schema()[SOBJECT.lower()]
        self._blank: Row = {each.name: each.default for each in obj.stored}

    def tickets(self) -> Iterator[_Ticket]:
        """Every ticket of the year, in the order of creation."""
        born = sorted(self._births(), key=lambda birth: birth[0])
        for created, kind, about in born:
            if created < self._now:
                yield self._live(created, kind, about)

    def _births(self) -> Iterator[tuple[float, str, str]]:
        """When something is reported, and what."""
        dice = self._dice
        for day in range(DAYS + 1):
            midnight = self._start + day * _DAY
            weekday = dt.datetime.fromtimestamp(midnight, dt.UTC).weekday()
            season = 1.35 if day % 91 < 14 else 1.0  # the weeks after a quarter begins are busy
            expected = A_DAY * season * (1.25 if weekday < 5 else 0.25)
            for _ in range(int(expected + dice.random())):
                kind = _one(dice, _KINDS)
                yield self._time_of(midnight, kind), kind, dice.choice(_SUBJECTS)
            if weekday == 1:
                went_out = midnight + 14 * _HOUR + dice.random() * 3 * _HOUR
                yield went_out - 2 * _DAY, "Release", f"Release {day // 7 + 1}"
                if dice.random() < 0.22:
                    for _ in range(dice.randint(1, 3)):
                        broken = went_out + 4 * _HOUR + dice.expovariate(1 / (14 * _HOUR))
                        yield broken, "Incident", dice.choice(_SUBJECTS)

    def _time_of(self, midnight: float, kind: str) -> float:
        if kind == "Incident" and self._dice.random() < 0.4:
            return midnight + self._dice.random() * _DAY
        return midnight + min(max(self._dice.gauss(12.5, 2.8), 6.0), 20.0) * _HOUR

    def _live(self, created: float, kind: str, about: str) -> _Ticket:
        """One ticket from its creation up to now."""
        dice = self._dice
        reporter = self._users[dice.choice(_REPORTERS)]
        priority = _one(dice, _PRIORITIES[kind])
        title = dice.choice(_WORDS[kind]).format(about) if kind in _WORDS else about
        department = _one(dice, _DEPARTMENTS)
        row = self._blank | {
            "RecordTypeId": self._types[
                "Salesforce_Operations" if dice.random() < 0.2 else "Development"
            ],
            "CreatedDate": stamp(created),
            "CreatedById": reporter[0],
            "LastModifiedById": reporter[0],
            "Title__c": title[:1].upper() + title[1:],
            "Status__c": "New",
            "Priority__c": priority,
            "Type__c": kind,
            "Department__c": department or None,
            "OwnerId": self._queue[0],
            "IsDeleted": 0,
        }
        if dice.random() < 0.6:
            row["Estimated_Hours__c"] = float(dice.choice((1, 2, 2, 3, 4, 4, 6, 8, 12, 16, 24)))
        elif dice.random() < 0.7:
            row["Size__c"] = dice.choice(_SIZES)
        ticket = _Ticket(row)
        life = _Life(ticket, self._now, reporter)
        life.write(created, "created", "Text", None, None)
        self._work(life, created, kind, priority)
        row["LastModifiedDate"] = row["SystemModstamp"] = stamp(life.last)
        row["LastModifiedById"] = life.actor[0]
        return ticket

    def _work(self, life: _Life, created: float, kind: str, priority: str) -> None:
        dice = self._dice
        when = created + self._wait(created, kind, priority)
        worker = self._users[self._worker(when)]
        if dice.random() < 0.25:  # taken by whoever stood there
            life.row["OwnerId"] = worker[0]
            life.row["Assignee__c"] = worker[0]
        else:
            life.assign(when * 0.35 + created * 0.65, self._queue, worker)
        life.actor = worker
        if kind not in ("Incident", "Release") and dice.random() < 0.06:
            life.status(when + dice.random() * 2 * _DAY, "Closed")  # a duplicate
            return
        if dice.random() < 0.04:
            return  # forgotten
        if kind == "Feature":
            life.status(when, "In Design")
            when += dice.lognormvariate(0.6, 0.7) * _DAY
        life.status(when, "In Development")
        work = _WORK_DAYS[kind] * _URGENCY[priority] * dice.lognormvariate(0, 0.9) * _DAY
        work *= 1.25 - 0.5 * (created - self._start) / (DAYS * _DAY)  # they get better at it
        if dice.random() < 0.12:
            life.status(when + work * 0.4, "Blocked")
            when += dice.lognormvariate(1.2, 0.8) * _DAY
            life.status(when + work * 0.4, "In Development")
        if kind in ("Defect", "Feature") and dice.random() < 0.8:
            life.status(when + work * 0.75, "In QA")
        when += work
        life.status(when, "Resolved")
        if dice.random() < 0.07:
            when += dice.lognormvariate(0.5, 0.8) * _DAY
            life.status(when, "In Development")
            when += work * 0.5 + 2 * _HOUR
            life.status(when, "Resolved")
        if dice.random() < 0.97:
            when += 2 * _HOUR if kind == "Release" else dice.lognormvariate(0.3, 0.8) * _DAY
            life.status(when, "Closed")
            if dice.random() < 0.02:
                life.status(when + dice.random() * 9 * _DAY, "In Development")
                life.status(when + 9 * _DAY + work, "Closed")

    def _wait(self, created: float, kind: str, priority: str) -> float:
        """Seconds until somebody begins."""
        if kind == "Release":
            return 1.8 * _DAY
        hours = {"P1": 0.7, "P2": 6.0, "P3": 26.0, "P4": 70.0, "TBD": 90.0}[priority]
        hours *= 0.4 if kind == "Incident" else 1.0
        return hours * self._dice.lognormvariate(0, 0.9) * _HOUR

    def _worker(self, when: float) -> str:
        team = dict(_TEAM)
        if when < self._start + _LEFT_DAY * _DAY:
            team[_LEFT] = 14
        return _one(self._dice, team)


class _Life:
    """Writes a ticket's changes; what would happen after now has not happened."""

    def __init__(self, ticket: _Ticket, now: float, actor: tuple[str, str]) -> None:
        self.row = ticket.row
        self.actor = actor
        self.last = 0.0
        self._changes = ticket.changes
        self._now = now

    def status(self, when: float, new: str) -> None:
        """Change the status, unless that lies ahead."""
        if when >= self._now or when < self.last:
            return
        self.write(when, "Status__c", "DynamicEnum", self.row["Status__c"], new)
        self.row["Status__c"] = new

    def assign(self, when: float, queue: tuple[str, str], worker: tuple[str, str]) -> None:
        """Take a ticket out of the queue."""
        if when >= self._now:
            return
        self.actor = worker
        for name, old, new in (("Owner", queue, worker), ("Assignee__c", (None, None), worker)):
            self.write(when, name, "Text", old[1], new[1])
            self.write(when, name, "EntityId", old[0], new[0])
        self.row |= {"OwnerId": worker[0], "Assignee__c": worker[0]}

    def write(self, when: float, name: str, kind: str, old: Any, new: Any) -> None:
        """One row of the history."""
        self.last = when
        self._changes.append(
            {
                "Id": None,
                "IsDeleted": 0,
                "CreatedById": self.actor[0],
                "CreatedDate": stamp(when),
                "Field": name,
                "DataType": kind,
                "OldValue": None if old is None else json.dumps(old),
                "NewValue": None if new is None else json.dumps(new),
            }
        )


def _one(dice: random.Random, weights: dict[str, int]) -> str:
    return dice.choices(list(weights), list(weights.values()))[0]
