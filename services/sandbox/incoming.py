"""From the JSON of a record to typed values: what Salesforce's parser refuses, and the form it
keeps values in."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from services.sandbox.errors import ApiError
from services.sandbox.ids import canonical
from services.sandbox.schema import IDS, NUMBERS, FieldSpec, SfType, SObject
from services.sandbox.standard import find_object, target_of
from store.canon import clean_text

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Reference:
    """A parent named by one of its key fields instead of its id."""

    field: FieldSpec
    target: SObject
    key: FieldSpec
    value: Any


@dataclass(slots=True)
class Incoming:
    """A record as a client sent it, in canonical form.

    ``given_id`` is the record's id where the body names one; ``values`` are by API name.
    """

    obj: SObject
    given_id: str | None = None
    values: dict[str, Any] = field(default_factory=dict)
    references: list[Reference] = field(default_factory=list)


def read_record(obj: SObject, body: Mapping[str, Any]) -> Incoming:
    """Take a record apart.

    Raises ApiError (400 INVALID_FIELD for a column that isn't there, JSON_PARSER_ERROR for a
    value of another JSON type): the request is refused before any of its records is looked at.
    """
    record = Incoming(obj)
    for name, value in body.items():
        if name.lower() == "attributes":
            _check_type(obj, value)
            continue
        spec = obj.find(name)
        if spec is not None:
            if spec.type is SfType.ID:
                record.given_id = _text(spec, value)
            else:
                record.values[spec.name] = read_value(spec, value)
            continue
        relation = obj.by_relation.get(name.lower())
        if relation is None:
            raise ApiError(
                400, "INVALID_FIELD", f"No such column '{name}' on sobject of type {obj.name}"
            )
        record.references.append(_reference(relation, value))
    return record


def read_value(spec: FieldSpec, value: Any) -> Any:
    """One value in the form it is stored in; None is null.

    Raises ApiError JSON_PARSER_ERROR for a value of another JSON type.
    """
    if value is None:
        return None
    if spec.type is SfType.BOOLEAN:
        if not isinstance(value, bool):
            raise _mismatch(spec, value)
        return int(value)
    if spec.type in NUMBERS:
        return _number(spec, value)
    text = _text(spec, value)
    if text is None:
        return None
    if spec.type in IDS:
        return canonical(text) or text
    if spec.type is SfType.DATE:
        return _date(spec, text)
    if spec.type is SfType.DATETIME:
        return read_datetime(text) or _raise(_mismatch(spec, value))
    return text


def read_datetime(text: str) -> str | None:
    """A point in time as Salesforce writes it, ``2026-01-01T00:00:00.000+0000``; None for what
    is none. A value without a zone is UTC."""
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        return None
    if "T" not in text:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=dt.UTC)
    try:
        return stamp(moment.timestamp())
    except (OverflowError, ValueError):  # its zone takes it out of the range of dates
        return None


def stamp(seconds: float) -> str:
    """Epoch seconds as Salesforce writes a time: whole seconds, with zero milliseconds."""
    moment = dt.datetime.fromtimestamp(math.floor(seconds), dt.UTC)
    return f"{moment.replace(tzinfo=None).isoformat(timespec='seconds')}.000+0000"


def seconds_of(text: str) -> float:
    """The epoch seconds of a time in Salesforce's form."""
    return dt.datetime.fromisoformat(text).timestamp()


def key_field(obj: SObject, name: str) -> FieldSpec | None:
    """The field of that name, if records can be found by it."""
    spec = obj.find(name)
    return spec if spec is not None and (spec.external or spec.id_lookup) else None


def _number(spec: FieldSpec, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise _mismatch(spec, value)
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise _mismatch(spec, value)
    step = Decimal(1).scaleb(-spec.scale)
    if abs(number) >= 1e18:
        return number
    return float(Decimal(repr(number)).quantize(step, ROUND_HALF_UP))


def _text(spec: FieldSpec, value: Any) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise _mismatch(spec, value)
    # Half a surrogate pair is no character: it can't be stored, nor was it text.
    return clean_text(_SURROGATE.sub("\ufffd", value))


def _date(spec: FieldSpec, text: str) -> str:
    try:
        if not _DATE.fullmatch(text[:10]):
            raise ValueError(text)
        return dt.date.fromisoformat(text[:10]).isoformat()
    except ValueError:
        raise _mismatch(spec, text) from None


def _check_type(obj: SObject, attributes: Any) -> None:
    named = attributes.get("type") if isinstance(attributes, dict) else None
    if named is not None and str(named).lower() != obj.name.lower():
        raise ApiError(
            400, "INVALID_FIELD", f"Type attribute {named} does not match the type {obj.name}"
        )


def _reference(spec: FieldSpec, value: Any) -> Reference:
    if not isinstance(value, dict):
        raise ApiError(
            400,
            "JSON_PARSER_ERROR",
            f"Cannot deserialize instance of {spec.refers[0]} from {_token(value)} value",
        )
    attributes = value.get("attributes")
    named = attributes.get("type") if isinstance(attributes, dict) else None
    target = (find_object(str(named)) if named else None) or target_of(spec)
    keys = {name: given for name, given in value.items() if name.lower() != "attributes"}
    if len(keys) != 1:
        raise ApiError(
            400,
            "INVALID_FIELD",
            f"Exactly one field must be given in a foreign key reference to entity {target.name}",
        )
    ((name, given),) = keys.items()
    key = key_field(target, name)
    if key is None:
        raise ApiError(
            400,
            "INVALID_FIELD",
            f"Field name provided, {name} is not an External ID or indexed field for {target.name}",
        )
    return Reference(spec, target, key, read_value(key, given))


def _mismatch(spec: FieldSpec, value: Any) -> ApiError:
    kind = "string" if spec.type not in NUMBERS | {SfType.BOOLEAN, SfType.DATE} else spec.type
    kind = "double" if spec.type in NUMBERS else kind
    return ApiError(
        400,
        "JSON_PARSER_ERROR",
        f"Cannot deserialize instance of {kind} from {_token(value)} value {value}"
        " or request may be missing a required field",
    )


def _token(value: Any) -> str:
    if isinstance(value, bool):
        return "VALUE_TRUE" if value else "VALUE_FALSE"
    names: dict[type, str] = {
        str: "VALUE_STRING",
        int: "VALUE_NUMBER_INT",
        float: "VALUE_NUMBER_FLOAT",
        dict: "START_OBJECT",
        list: "START_ARRAY",
    }
    return names.get(type(value), "VALUE_NULL")


def _raise(error: ApiError) -> Any:
    raise error
