"""What a list of tickets shows: those behind a figure, or the open ones. No widgets here."""

from __future__ import annotations

import datetime as dt
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, ClassVar, Generic, TypeVar

from screens.widgets.columns import Column
from screens.widgets.grid import Cell
from services.kpis import words
from services.kpis.answers import Ticket
from services.kpis.backlog import OpenTicket, age_label, open_order, those_open
from services.kpis.board import Board
from services.kpis.selection import EVERYTHING, Filters, Period, Selection

R = TypeVar("R", Ticket, OpenTicket)
_PRIORITY_TONES = {"P1": "p1", "P2": "p2"}


class Listing(ABC, Generic[R]):
    """A list of tickets: where its rows come from, and what its columns say.

    ``title`` names what is listed, ``about`` how it was narrowed. A row's key is the ticket's id.
    """

    columns: ClassVar[Sequence[Column]]
    sorts: ClassVar[Mapping[str, str]]
    """What a column is sorted by."""
    usual: ClassVar[tuple[str, bool]]
    """Column and whether descending, as the list opens."""
    titles: ClassVar[Mapping[str, str]]
    """The columns of an export: key and label."""
    title: str
    about: str
    file_name: str

    @abstractmethod
    def order(self, board: Board, text: str, sort: str, descending: bool) -> list[str]:
        """The ids in order."""

    @abstractmethod
    def those(self, board: Board, ids: Sequence[str]) -> Mapping[str, R]:
        """These tickets, by id."""

    def at_moment(self, now: dt.datetime) -> Listing[R]:
        """The same list as of now."""
        return self

    @abstractmethod
    def cell(self, row: R, column: str) -> Cell:
        """What a cell says."""

    @abstractmethod
    def record(self, row: R) -> dict[str, Any]:
        """A ticket for an export."""

    @abstractmethod
    def told(self, row: R) -> str:
        """Everything that is known of a ticket, in lines."""


@dataclass(frozen=True)
class Behind(Listing[Ticket]):
    """The tickets behind a figure: those that ``selection`` counts."""

    selection: Selection
    title: str
    about: str = ""
    file_name: str = "tickets"

    columns = (
        Column("name", "Name", 10, 14),
        Column("title", "Title", 16, 40, grow=3),
        Column("department", "Department", 11, 22, grow=1),
        Column("type", "Type", 8, 10, drop=2),
        Column("cycle", "Cycle d", 9, right=True),
        Column("status", "Status", 8, 14),
        Column("closed", "Closed", 8, 9),
        Column("priority", "Pri", 5, drop=1),
        Column("assignee", "Assignee", 12, 18, drop=0),
    )
    sorts: ClassVar[Mapping[str, str]] = {
        "name": "name",
        "title": "title",
        "department": "department",
        "type": "type",
        "cycle": "cycle",
        "status": "status",
        "closed": "closed",
        "priority": "priority",
        "assignee": "assignee",
    }
    usual = ("closed", True)
    titles: ClassVar[Mapping[str, str]] = {
        "name": "Name",
        "title": "Title",
        "department": "Department",
        "type": "Type",
        "priority": "Priority",
        "status": "Status",
        "assignee": "Assignee",
        "cycle_d": "Cycle days",
        "close_month": "Close month",
        "created_at": "Created",
        "start_at": "Started",
        "resolved_at": "Resolved",
        "closed_at": "Closed",
        "reopened": "Reopened",
        "value": "Value",
        "id": "Id",
    }

    def order(self, board: Board, text: str, sort: str, descending: bool) -> list[str]:
        return board.order(self.selection, text=text, sort=self.sorts[sort], descending=descending)

    def those(self, board: Board, ids: Sequence[str]) -> Mapping[str, Ticket]:
        return board.those(self.selection, ids)

    def cell(self, row: Ticket, column: str) -> Cell:
        match column:
            case "cycle":
                none = row.cycle_d is None
                return Cell("–" if none else words.number(row.cycle_d), "faint" if none else "")
            case "closed":
                return Cell(row.close_month or "open", "" if row.closed_at else "quiet")
            case "status":
                return Cell(f"{row.status} ↺" if row.reopened else row.status)
            case "department":
                return Cell(words.department(row.department), "" if row.department else "quiet")
            case "priority":
                return Cell(row.priority, _PRIORITY_TONES.get(row.priority, ""))
            case "assignee":
                return Cell(row.assignee or "—", "quiet")
        return Cell(str(getattr(row, column)))

    def record(self, row: Ticket) -> dict[str, Any]:
        return _record(asdict(row)) | {"close_month": row.close_month}

    def told(self, row: Ticket) -> str:
        measure = self.selection.counted
        value = words.with_unit(row.value, measure.unit) if row.value is not None else ""
        return _lines(
            ("Title", row.title),
            ("Department", words.department(row.department)),
            ("Type", row.type),
            ("Priority", row.priority),
            ("Status", row.status),
            ("Assignee", row.assignee or "—"),
            ("", ""),
            ("Created", _moment(row.created_at)),
            ("Started", _moment(row.start_at)),
            ("Resolved", _moment(row.resolved_at)),
            ("Closed", _moment(row.closed_at)),
            ("Reopened", "yes" if row.reopened else "no"),
            ("", ""),
            ("Cycle time", words.with_unit(row.cycle_d, "d") if row.cycle_d is not None else "—"),
            *([(measure.label, value)] if value and measure.key != "cycle_time" else []),
        )


@dataclass(frozen=True)
class Open(Listing[OpenTicket]):
    """What is open at a moment, of one age where ``bucket`` says so."""

    at: dt.datetime
    filters: Filters = EVERYTHING
    bucket: int | None = None
    title: str = "Open tickets"
    about: str = ""
    file_name: str = "backlog"

    columns = (
        Column("name", "Name", 10, 14),
        Column("title", "Title", 12, 40, grow=3),
        Column("department", "Department", 10, 20, grow=1, drop=0),
        Column("owner", "Owner", 9, 18),
        Column("priority", "Pri", 5),
        Column("status", "Status", 9, 14),
        Column("days_in_status", "In status", 11, right=True),
        Column("age", "Age d", 8, right=True),
    )
    sorts: ClassVar[Mapping[str, str]] = {column.key: column.key for column in columns}
    usual = ("age", True)
    titles: ClassVar[Mapping[str, str]] = {
        "name": "Name",
        "title": "Title",
        "department": "Department",
        "type": "Type",
        "owner": "Owner",
        "assignee": "Assignee",
        "priority": "Priority",
        "status": "Status",
        "days_in_status": "Days in status",
        "age_d": "Age in days",
        "created_at": "Created",
        "id": "Id",
    }

    def order(self, board: Board, text: str, sort: str, descending: bool) -> list[str]:
        # The older a ticket, the earlier the moment that stands for its age.
        turned = sort in ("age", "days_in_status")
        return open_order(
            board,
            self.at,
            self.filters,
            bucket=self.bucket,
            text=text,
            sort=self.sorts[sort],
            descending=descending != turned,
        )

    def those(self, board: Board, ids: Sequence[str]) -> Mapping[str, OpenTicket]:
        return those_open(board, self.at, ids, self.filters)

    def at_moment(self, now: dt.datetime) -> Listing[OpenTicket]:
        return replace(self, at=now)

    def cell(self, row: OpenTicket, column: str) -> Cell:
        match column:
            case "age":
                return Cell(words.number(row.age_d), _age_tone(row.age_d))
            case "days_in_status":
                return Cell(words.number(row.days_in_status), _age_tone(row.days_in_status))
            case "department":
                return Cell(words.department(row.department), "" if row.department else "quiet")
            case "priority":
                return Cell(row.priority, _PRIORITY_TONES.get(row.priority, ""))
            case "owner":
                return Cell(row.owner or "—", "" if row.owner else "quiet")
        return Cell(str(getattr(row, column)))

    def record(self, row: OpenTicket) -> dict[str, Any]:
        return _record(asdict(row))

    def told(self, row: OpenTicket) -> str:
        return _lines(
            ("Title", row.title),
            ("Department", words.department(row.department)),
            ("Type", row.type),
            ("Priority", row.priority),
            ("Owner", row.owner or "—"),
            ("Assignee", row.assignee or "—"),
            ("", ""),
            ("Created", _moment(row.created_at)),
            ("Open for", words.with_unit(row.age_d, "d")),
            ("Status", f"{row.status} for {words.with_unit(row.days_in_status, 'd')}"),
        )


def narrowed_to(period: Period | None, filters: Filters) -> str:
    """Period and filters in words: ``Sep 2026 · Events · P1, P2``."""
    parts = []
    if period is not None:
        if period.is_month:
            parts.append(words.month_name(f"{period.start:%Y-%m}"))
        else:
            parts.append(f"{period.start} – {period.end - dt.timedelta(days=1)}")
    parts += [
        ", ".join(words.department(each) for each in group)
        for group in (filters.departments, filters.types, filters.priorities)
        if group
    ]
    return " · ".join(parts)


def of_age(bucket: int) -> str:
    """``8-30 days``."""
    return f"{age_label(bucket)} days"


def _age_tone(days: float) -> str:
    return "bold warn" if days > 90 else "" if days > 30 else "quiet"


def _moment(at: dt.datetime | None) -> str:
    return "—" if at is None else f"{at:%Y-%m-%d %H:%M} UTC"


def _lines(*facts: tuple[str, str]) -> str:
    return "\n".join(f"{label:<12}{said}".rstrip() for label, said in facts)


def _record(row: dict[str, Any]) -> dict[str, Any]:
    return {
        key: value.isoformat() + "Z" if isinstance(value, dt.datetime) else value
        for key, value in row.items()
    }
