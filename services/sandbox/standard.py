"""The org's standard objects, and the table of all objects."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from services.sandbox.schema import (
    FieldSpec,
    SfType,
    SObject,
    identity,
    stamps,
)
from services.sandbox.ticket import history_object, ticket_object


def _text(
    name: str,
    label: str,
    length: int,
    *,
    required: bool = False,
    unique: bool = False,
    id_lookup: bool = False,
) -> FieldSpec:
    return FieldSpec(
        name,
        label,
        SfType.STRING,
        length,
        required=required,
        unique=unique,
        id_lookup=id_lookup,
    )


def _fixed(name: str, label: str, length: int = 255) -> FieldSpec:
    return FieldSpec(name, label, SfType.STRING, length, writable=False)


def _setting(name: str, label: str, default: str) -> FieldSpec:
    return FieldSpec(name, label, SfType.STRING, 40, default=default)


def _user() -> SObject:
    return SObject(
        "User",
        "User",
        "Users",
        "005",
        (
            identity(),
            _text("Username", "Username", 80, required=True, unique=True, id_lookup=True),
            _text("LastName", "Last Name", 80, required=True),
            _text("FirstName", "First Name", 40),
            FieldSpec("Name", "Full Name", SfType.STRING, 121, writable=False, name_field=True),
            _text("Department", "Department", 80),
            _text("Title", "Title", 80),
            FieldSpec("Email", "Email", SfType.EMAIL, 128, required=True, id_lookup=True),
            _text("Alias", "Alias", 8, required=True),
            FieldSpec("IsActive", "Active", SfType.BOOLEAN, default=True),
            FieldSpec(
                "UserType", "User Type", SfType.STRING, 40, writable=False, default="Standard"
            ),
            _setting("TimeZoneSidKey", "Time Zone", "GMT"),
            _setting("LocaleSidKey", "Locale", "en_US"),
            _setting("EmailEncodingKey", "Email Encoding", "UTF-8"),
            _setting("LanguageLocaleKey", "Language", "en_US"),
            *stamps(),
        ),
        writable=True,
    )


def _group() -> SObject:
    return SObject(
        "Group",
        "Group",
        "Groups",
        "00G",
        (
            identity(),
            FieldSpec("Name", "Name", SfType.STRING, 40, writable=False, name_field=True),
            _fixed("DeveloperName", "Developer Name", 80),
            FieldSpec("Type", "Type", SfType.PICKLIST, 40, values=("Queue",), writable=False),
            FieldSpec("Email", "Email", SfType.EMAIL, 255, writable=False),
            *stamps(),
        ),
    )


def _record_type() -> SObject:
    return SObject(
        "RecordType",
        "Record Type",
        "Record Types",
        "012",
        (
            identity(),
            FieldSpec(
                "Name",
                "Name",
                SfType.STRING,
                80,
                writable=False,
                name_field=True,
                id_lookup=True,
            ),
            _fixed("DeveloperName", "Record Type Name", 80),
            _fixed("NamespacePrefix", "Namespace Prefix", 15),
            _fixed("Description", "Description"),
            _fixed("SobjectType", "SObject Type Name", 40),
            FieldSpec("IsActive", "Active", SfType.BOOLEAN, writable=False),
            *stamps(),
        ),
    )


def _organization() -> SObject:
    return SObject(
        "Organization",
        "Organization",
        "Organizations",
        "00D",
        (
            identity(),
            FieldSpec("Name", "Name", SfType.STRING, 80, writable=False, name_field=True),
            _fixed("OrganizationType", "Edition", 40),
            FieldSpec("IsSandbox", "Is Sandbox", SfType.BOOLEAN, writable=False),
            _fixed("InstanceName", "Instance Name", 5),
            _fixed("NamespacePrefix", "Namespace Prefix", 15),
            _fixed("TimeZoneSidKey", "Time Zone", 40),
            _fixed("DefaultLocaleSidKey", "Locale", 40),
            _fixed("LanguageLocaleKey", "Language", 40),
            *stamps(),
        ),
    )


def _owner_name() -> SObject:
    """What ``Owner`` leads to: a user or a queue. Salesforce calls the object Name."""
    return SObject(
        "Name",
        "Name",
        "Names",
        "",
        (
            identity(),
            _fixed("Name", "Name"),
            _fixed("FirstName", "First Name"),
            _fixed("LastName", "Last Name"),
            FieldSpec("Email", "Email", SfType.EMAIL, 255, writable=False),
            _fixed("Username", "Username"),
            _fixed("Alias", "Alias"),
            _fixed("Title", "Title"),
            FieldSpec("IsActive", "Active", SfType.BOOLEAN, writable=False),
            _fixed("Type", "Type"),
        ),
        view="""
            SELECT Id, Name, FirstName, LastName, Email, Username, Alias, Title, IsActive,
                   'User' AS Type FROM "User"
            UNION ALL
            SELECT Id, Name, NULL, NULL, Email, NULL, NULL, NULL, NULL, 'Queue' FROM "Group"
        """,
    )


@cache
def schema() -> Mapping[str, SObject]:
    """Every object by its name in lower case."""
    objects = (
        ticket_object(),
        history_object(),
        _user(),
        _group(),
        _record_type(),
        _organization(),
        _owner_name(),
    )
    return {obj.name.lower(): obj for obj in objects}


def find_object(name: str) -> SObject | None:
    """The object that clients call by this name, in any letter case."""
    obj = schema().get(name.lower())
    return None if obj is None or obj.view else obj


def target_of(field: FieldSpec) -> SObject:
    """The object a reference leads to; the Name view where it may lead to several."""
    return schema()["name" if len(field.refers) > 1 else field.refers[0].lower()]


@cache
def children_of(name: str) -> Mapping[str, tuple[SObject, FieldSpec]]:
    """The child relationships of an object by their names in lower case."""
    return {
        field.children.lower(): (obj, field)
        for obj in schema().values()
        for field in obj.fields
        if field.children and name in field.refers
    }
