"""A query's parts as one SQL statement, and what its columns mean."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from services.sandbox.errors import ApiError
from services.sandbox.schema import IDS, TEXTS, FieldSpec, SfType
from services.sandbox.soql_ast import CallOf, Child, Item, Name, Operand, Query, Sorting
from services.sandbox.soql_parse import malformed
from services.sandbox.soql_scope import Column, Node, Scope, source_object
from services.sandbox.soql_where import Where
from services.sandbox.standard import children_of

MAX_OFFSET = 2000
FIELDS_LIMIT = 200


@dataclass(slots=True)
class Branch:
    """A record in the answer: which columns make up its fields, and its parents below it."""

    node: Node
    id_index: int
    entries: dict[str, tuple[int, FieldSpec] | Branch] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ChildPlan:
    """A subquery of the select list: the key it answers under, and its parent field."""

    key: str
    plan: Plan
    parent_index: int
    limit: int | None


@dataclass(slots=True)
class Plan:
    """A compiled query.

    ``shape`` says what the rows are: ``count`` (nothing but a number), ``groups`` (aggregates,
    named in ``outputs``) or ``records`` (built by ``root``). ``live`` is the condition that keeps
    the recycle bin out.
    """

    scope: Scope
    shape: str
    columns: list[str] = field(default_factory=list)
    outputs: list[tuple[str, Column]] = field(default_factory=list)
    root: Branch | None = None
    children: list[ChildPlan] = field(default_factory=list)
    live: str = "1"
    where: str = "1"
    group: str = ""
    order: str = ""
    limit: int | None = None
    offset: int = 0
    values: list[Any] = field(default_factory=list)

    def sql(self, columns: Sequence[str] | None = None) -> str:
        """The statement for all of the answer; with other columns in place of the plan's."""
        limit = offset = ""
        # COUNT() is one row: what its LIMIT cuts is the number in it.
        if self.shape != "count" and (self.limit is not None or self.offset):
            limit = f" LIMIT {-1 if self.limit is None else self.limit}"
            offset = f" OFFSET {self.offset}"
        return (
            f"SELECT {', '.join(columns or self.columns)} FROM {self.scope.from_sql()}"
            f" WHERE {self.where}{self.group}{self.order}{limit}{offset}"
        )

    def page_sql(self) -> str:
        """The statement for the records of a JSON list of ids, in the list's order."""
        return (
            f"SELECT {', '.join(self.columns)} FROM json_each(?) AS page"
            f" CROSS JOIN {self.scope.from_sql()}"
            f" WHERE {self.scope.label}.Id = page.value AND {self.live} ORDER BY page.key"
        )

    def children_sql(self) -> str:
        """As ``sql``, without the limit, which counts for each parent."""
        return (
            f"SELECT {', '.join(self.columns)} FROM {self.scope.from_sql()}"
            f" WHERE {self.where}{self.order}"
        )


def compile_query(
    text: str, query: Query, db: sqlite3.Connection, now: float, *, deleted: bool
) -> Plan:
    """The plan of a query. ``deleted`` includes the recycle bin. Raises ApiError."""
    obj = source_object(text, query.source)
    scope = Scope(text, db, now, obj, query.alias)
    return _Compiler(scope, query, deleted).plan()


class _Compiler:
    def __init__(self, scope: Scope, query: Query, deleted: bool) -> None:
        self.scope = scope
        self.query = query
        self.deleted = deleted
        self._subqueries = 0

    def plan(self, parent: FieldSpec | None = None) -> Plan:
        """The plan of the query; of a child subquery where ``parent`` is its parent field."""
        query, scope = self.query, self.scope
        items = [item for item in query.select if isinstance(item, Item)]
        calls = [i.what for i in items if isinstance(i.what, CallOf) and not _is_fields(i.what)]
        if len(query.select) == 1 and calls and calls[0].argument is None and not query.group:
            scope.column(calls[0])
            plan = Plan(scope, "count", ["COUNT(*)"])
        elif calls or query.group:
            plan = self._groups(items)
        else:
            plan = self._records(items)
        self._filter(plan, parent)
        self._sort(plan)
        plan.limit, plan.offset = query.limit, query.offset or 0
        if plan.offset > MAX_OFFSET:
            raise ApiError(
                400,
                "NUMBER_OUTSIDE_VALID_RANGE",
                f"Maximum SOQL offset allowed is {MAX_OFFSET}",
            )
        return plan

    def _records(self, items: Sequence[Item]) -> Plan:
        plan = Plan(self.scope, "records")
        plan.root = Branch(self.scope.root, _column_index(plan, f"{self.scope.label}.Id"))
        for item in items:
            if item.alias is not None:
                raise malformed("only aggregate expressions use field aliasing")
            for name in self._expanded(item.what):
                self._select(plan, plan.root, name)
        for child in self.query.select:
            if isinstance(child, Child):
                plan.children.append(self._child(child.query))
        return plan

    def _expanded(self, operand: Operand) -> list[Name]:
        """The names that ``FIELDS(ALL|STANDARD|CUSTOM)`` stands for, or the name itself."""
        if isinstance(operand, Name):
            return [operand]
        which = operand.argument.text.upper() if operand.argument else ""
        if which not in ("ALL", "STANDARD", "CUSTOM"):
            raise self.scope.bad_token(operand.name)
        if which != "STANDARD" and not 0 < (self.query.limit or 0) <= FIELDS_LIMIT:
            raise malformed(f"The SOQL FIELDS function must have a LIMIT of at most {FIELDS_LIMIT}")
        place = operand.name
        return [
            Name(f.name, place.row, place.column)
            for f in self.scope.obj.fields
            if which == "ALL" or f.custom == (which == "CUSTOM")
        ]

    def _select(self, plan: Plan, root: Branch, name: Name) -> None:
        column = self.scope.field(name)
        node = column.node or root.node
        branch = root
        for depth, relation in enumerate(node.path, 1):
            parent = self.scope.nodes[node.path[:depth]]
            known = branch.entries.get(relation)
            if not isinstance(known, Branch):
                known = Branch(parent, _column_index(plan, f"{parent.alias}.Id"))
                branch.entries[relation] = known
            branch = known
        if column.spec.name in branch.entries:
            raise malformed(f"duplicate field selected: {name.text}")
        branch.entries[column.spec.name] = (_column_index(plan, column.sql), column.spec)

    def _child(self, query: Query) -> ChildPlan:
        found = children_of(self.scope.obj.name).get(query.source.text.lower())
        if found is None:
            raise self.scope.wrong(
                query.source,
                f"Didn't understand relationship '{query.source.text}' in FROM part of query"
                " call. If you are attempting to use a custom relationship, be sure to append the"
                " '__r' after the custom relationship name. Please reference your WSDL or the"
                " describe call for the appropriate names.",
                "INVALID_TYPE",
            )
        obj, parent = found
        scope = Scope(self.scope.text, self.scope.db, self.scope.now, obj, query.alias, "c")
        if query.offset or query.group or any(isinstance(i, Child) for i in query.select):
            raise malformed("OFFSET, GROUP BY and further subqueries are not for a subquery")
        plan = _Compiler(scope, query, self.deleted).plan(parent)
        if plan.shape != "records":
            raise malformed("only root queries support aggregate expressions")
        index = _column_index(plan, f"c.{parent.name}")
        return ChildPlan(parent.children or "", plan, index, query.limit)

    def _groups(self, items: Sequence[Item]) -> Plan:
        query, scope = self.query, self.scope
        if len(items) < len(query.select):
            raise malformed("subqueries are not for queries with aggregates")
        plan = Plan(scope, "groups")
        grouped = [self._groupable(operand) for operand in query.group]
        numbered = 0
        for item in items:
            column = scope.column(item.what)
            if not column.aggregate and column.sql not in {g.sql for g in grouped}:
                raise malformed(f"Field must be grouped or aggregated: {_operand_text(item.what)}")
            name = item.alias
            if name is None and isinstance(item.what, CallOf):
                name, numbered = f"expr{numbered}", numbered + 1
            plan.outputs.append((name or column.spec.name, column))
            _column_index(plan, column.sql, always=True)
        if len({name.lower() for name, _ in plan.outputs}) < len(plan.outputs):
            raise malformed("duplicate alias")
        plan.group = f" GROUP BY {', '.join(g.sql for g in grouped)}" if grouped else ""
        return plan

    def _groupable(self, operand: Operand) -> Column:
        column = self.scope.column(operand)
        if column.aggregate or not column.spec.filterable:
            raise malformed(f"field '{_operand_text(operand)}' can not be grouped in a query call")
        return column

    def _filter(self, plan: Plan, parent: FieldSpec | None) -> None:
        scope, query = self.scope, self.query
        terms = []
        if scope.obj.has("IsDeleted") and not self.deleted:
            plan.live = f"{scope.label}.IsDeleted = 0"
            terms.append(plan.live)
        if parent is not None:
            terms.append(f"{scope.label}.{parent.name} IN (SELECT value FROM json_each(?))")
        where = Where(scope, self._subquery)
        if query.where is not None:
            terms.append(where.sql(query.where))
        plan.where = " AND ".join(terms) or "1"
        plan.values += where.values
        if query.having is not None:
            having = Where(scope, self._subquery, grouped=True)
            plan.group += f" HAVING {having.sql(query.having)}"
            plan.values += having.values

    def _subquery(self, where: Where, query: Query) -> str:
        """The SQL of the ids that a subquery in WHERE gives; its values go to the outer query."""
        self._subqueries += 1
        label = f"{self.scope.label}s{self._subqueries}"
        obj = source_object(self.scope.text, query.source)
        scope = Scope(self.scope.text, self.scope.db, self.scope.now, obj, query.alias, label)
        plan = _Compiler(scope, query, self.deleted).plan()
        entries = list(plan.root.entries.values()) if plan.root else []
        only = entries[0] if len(entries) == 1 else None
        if not isinstance(only, tuple) or only[1].type not in IDS:
            raise malformed("A subquery in a condition must select exactly one id or reference")
        where.values += plan.values
        return plan.sql([plan.columns[only[0]]])

    def _sort(self, plan: Plan) -> None:
        if not self.query.order:
            return
        terms = [self._sorted(sorting, plan) for sorting in self.query.order]
        plan.order = f" ORDER BY {', '.join(terms)}"

    def _sorted(self, sorting: Sorting, plan: Plan) -> str:
        column = self.scope.column(sorting.operand)
        if not column.spec.filterable:
            text = _operand_text(sorting.operand)
            raise malformed(f"field '{text}' can not be sorted in a query call")
        if plan.shape == "groups" and not (
            column.aggregate or column.sql in {c.sql for _, c in plan.outputs}
        ):
            raise malformed(
                f"Field must be grouped or aggregated: {_operand_text(sorting.operand)}"
            )
        way = "DESC" if sorting.descending else "ASC"
        nulls = "LAST" if sorting.nulls_last else "FIRST"
        return f"{_sort_key(column)} {way} NULLS {nulls}"


def _sort_key(column: Column) -> str:
    """Picklists sort in the order of their values, other text without regard to case."""
    if column.aggregate:
        return column.sql
    if column.spec.type is SfType.PICKLIST and column.spec.values:
        cases = " ".join(
            f"WHEN {_quoted(value)} THEN {place}" for place, value in enumerate(column.spec.values)
        )
        return f"CASE {column.sql} {cases} ELSE {column.sql} END"
    if column.spec.type in TEXTS and not column.spec.case_sensitive:
        return f"fold({column.sql})"
    return column.sql


def _quoted(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _column_index(plan: Plan, sql: str, always: bool = False) -> int:
    if sql in plan.columns and not always:
        return plan.columns.index(sql)
    plan.columns.append(sql)
    return len(plan.columns) - 1


def _is_fields(call: CallOf) -> bool:
    return call.name.text.upper() == "FIELDS"


def _operand_text(operand: Operand) -> str:
    if isinstance(operand, Name):
        return operand.text
    return f"{operand.name.text}({operand.argument.text if operand.argument else ''})"
