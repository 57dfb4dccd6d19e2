"""The values that the record type needs in the organisation's own Status and Priority picklists.

A deployed field file is the whole list of its picklist: a value that is not in the file is
deactivated. So the organisation's own file is read, and what is missing is added to its end.
"""

from __future__ import annotations

import re

from services.sf_package.metadata import MetadataField, custom_field
from services.sf_package.organisation import Organisation
from store.fields import BY_PATH

SHARED = ("status", "priority")
"""The paths whose picklists are the organisation's own."""

_VALUE = re.compile(r"<(value|customValue)>\s*<fullName>([^<]*)</fullName>.*?</\1>", re.DOTALL)
_ENTITIES = (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&apos;", "'"), ("&amp;", "&"))


class CannotExtend(ValueError):
    """The file holds no list of values; the message says what it holds instead, and what to do."""


def new_field(path: str, organisation: Organisation) -> str:
    """The field's file for an organisation that has no such field yet: our values alone."""
    api = organisation.api(path)
    field = BY_PATH[path]
    return custom_field(
        MetadataField(
            api,
            field.label,
            "Picklist",
            f"The {field.label.lower()} of a ticket or an initiative.",
            values=field.choices,
            tracked=True,
        )
    )


def extend(text: str, values: tuple[str, ...]) -> str:
    """A retrieved field (or global value set) file with the missing values at the end of its list.

    Nothing else is touched, byte for byte. Raises CannotExtend where the file holds no values.
    """
    found = list(_VALUE.finditer(text))
    if not found:
        named = re.search(r"<valueSetName>([^<]*)</valueSetName>", text)
        if named:
            raise CannotExtend(
                f"the field takes its values from the global value set {named[1]}; retrieve"
                f" GlobalValueSet:{named[1]} and extend that file"
            )
        raise CannotExtend("the file holds no picklist values")
    present = {_plain(match[2]) for match in found}
    missing = [value for value in values if value not in present]
    last = found[-1]
    indent = re.findall(r"[ \t]*$", text[: last.start()])[0]
    inner = re.findall(r">(\s*)<fullName>", last[0])[0]
    closing = "\n" + indent if "\n" in inner else ""
    added = "".join(
        f"{closing}<{last[1]}>{inner}<fullName>{_escaped(value)}</fullName>"
        f"{inner}<default>false</default>{inner}<label>{_escaped(value)}</label>"
        f"{closing}</{last[1]}>"
        for value in missing
    )
    return text[: last.end()] + added + text[last.end() :]


def _plain(text: str) -> str:
    for entity, character in _ENTITIES:
        text = text.replace(entity, character)
    return text


def _escaped(text: str) -> str:
    for entity, character in reversed(_ENTITIES):
        text = text.replace(character, entity)
    return text
