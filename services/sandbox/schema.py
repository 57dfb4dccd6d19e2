"""What an object and a field of the org are. The objects themselves: ticket.py and standard.py."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class SfType(StrEnum):
    """Field types by the names that describe uses."""

    ID = "id"
    REFERENCE = "reference"
    STRING = "string"
    TEXTAREA = "textarea"
    PICKLIST = "picklist"
    BOOLEAN = "boolean"
    DOUBLE = "double"
    PERCENT = "percent"
    URL = "url"
    EMAIL = "email"
    DATE = "date"
    DATETIME = "datetime"
    ANY = "anyType"


TEXTS = frozenset(
    {
        SfType.STRING,
        SfType.TEXTAREA,
        SfType.PICKLIST,
        SfType.URL,
        SfType.EMAIL,
    }
)
NUMBERS = frozenset({SfType.DOUBLE, SfType.PERCENT})
IDS = frozenset({SfType.ID, SfType.REFERENCE})


_ALWAYS_GIVEN = frozenset(
    {
        "Id",
        "OwnerId",
        "CreatedDate",
        "CreatedById",
        "LastModifiedDate",
        "LastModifiedById",
        "SystemModstamp",
        "IsDeleted",
    }
)


@dataclass(frozen=True, slots=True)
class FieldSpec:
    """One field.

    ``length`` is in UTF-16 units. ``relation`` is the name that leads to the parent
    (``IT_Lead__r``), ``children`` the one that leads back (``Child_Initiatives__r``).
    ``formula`` is a formula as Salesforce has it, ``expression`` the same in SQL, with ``{t}`` for
    the table; a formula has no column.
    ``only_active`` and ``only_record_type`` are lookup filters.
    """

    name: str
    label: str
    type: SfType
    length: int = 0
    precision: int = 0
    scale: int = 0
    values: tuple[str, ...] = ()
    required: bool = False
    writable: bool = True
    unique: bool = False
    external: bool = False
    case_sensitive: bool = False
    id_lookup: bool = False
    name_field: bool = False
    auto_number: bool = False
    refers: tuple[str, ...] = ()
    relation: str | None = None
    children: str | None = None
    formula: str | None = None
    expression: str | None = None
    default: object = None
    tracked: bool = False
    only_active: bool = False
    only_record_type: str | None = None
    help: str | None = None

    @property
    def custom(self) -> bool:
        return self.name.endswith("__c")

    @property
    def filterable(self) -> bool:
        """Whether SOQL takes the field in WHERE, ORDER BY and GROUP BY. Long text areas and the
        values of a history row can only be selected."""
        return self.type not in (SfType.TEXTAREA, SfType.ANY)

    @property
    def nillable(self) -> bool:
        """Whether a record can be without a value: not where the org itself always gives one."""
        return not (self.required or self.given or self.type in (SfType.BOOLEAN, SfType.ID))

    @property
    def given(self) -> bool:
        """Whether the org gives a value where a new record brings none."""
        return self.default is not None or self.auto_number or self.name in _ALWAYS_GIVEN


@dataclass(frozen=True, slots=True)
class SObject:
    """One object. ``writable`` objects take create and update; ``deletable`` ones delete too."""

    name: str
    label: str
    plural: str
    prefix: str
    fields: tuple[FieldSpec, ...]
    writable: bool = False
    deletable: bool = False
    view: str | None = None
    """The SQL of an object that is a view on others; it is no object of its own to a client."""
    by_name: Mapping[str, FieldSpec] = field(init=False, repr=False)
    by_relation: Mapping[str, FieldSpec] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_name", {f.name.lower(): f for f in self.fields})
        relations = {f.relation.lower(): f for f in self.fields if f.relation}
        object.__setattr__(self, "by_relation", relations)

    @property
    def custom(self) -> bool:
        return self.name.endswith("__c")

    def find(self, name: str) -> FieldSpec | None:
        """The field of that name in any letter case."""
        return self.by_name.get(name.lower())

    def has(self, name: str) -> bool:
        return name.lower() in self.by_name

    @property
    def stored(self) -> tuple[FieldSpec, ...]:
        """The fields that have a column."""
        return tuple(f for f in self.fields if f.expression is None)


def identity() -> FieldSpec:
    """The Id field."""
    return FieldSpec("Id", "Record ID", SfType.ID, 18, writable=False, id_lookup=True)


def stamps() -> tuple[FieldSpec, ...]:
    """The audit fields that every saved record has."""

    def date(name: str, label: str) -> FieldSpec:
        return FieldSpec(name, label, SfType.DATETIME, writable=False)

    def person(name: str, label: str, relation: str) -> FieldSpec:
        return FieldSpec(
            name,
            label,
            SfType.REFERENCE,
            18,
            writable=False,
            refers=("User",),
            relation=relation,
        )

    return (
        date("CreatedDate", "Created Date"),
        person("CreatedById", "Created By ID", "CreatedBy"),
        date("LastModifiedDate", "Last Modified Date"),
        person("LastModifiedById", "Last Modified By ID", "LastModifiedBy"),
        date("SystemModstamp", "System Modstamp"),
    )


def deleted_flag() -> FieldSpec:
    """The IsDeleted field."""
    return FieldSpec("IsDeleted", "Deleted", SfType.BOOLEAN, writable=False)
