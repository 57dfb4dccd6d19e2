"""Refusals in Salesforce's terms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Fault:
    """One error of a record or a request; ``fields`` is None where Salesforce leaves the key out
    (errors that don't come from saving a record)."""

    code: str
    message: str
    fields: tuple[str, ...] | None = ()

    def as_request_error(self) -> dict[str, Any]:
        """The shape in a request's error body."""
        body: dict[str, Any] = {"message": self.message, "errorCode": self.code}
        if self.fields is not None:
            body["fields"] = list(self.fields)
        return body

    def as_row_error(self) -> dict[str, Any]:
        """The shape in a row of a collections answer."""
        return {
            "statusCode": self.code,
            "message": self.message,
            "fields": list(self.fields or ()),
        }


class SaveRefused(Exception):
    """A record that can't be saved, with all that speaks against it."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("; ".join(f"{f.code}: {f.message}" for f in self.faults))


class ApiError(Exception):
    """A request that is refused as a whole: the HTTP status and the error body."""

    def __init__(self, status: int, code: str, message: str) -> None:
        self.status = status
        self.fault = Fault(code, message, None)
        super().__init__(f"{status} {code}: {message}")


def refuse(code: str, message: str, *fields: str) -> SaveRefused:
    """A refusal for one reason."""
    return SaveRefused([Fault(code, message, fields)])


def not_found() -> ApiError:
    """The 404 for an address or a record that is not there."""
    return ApiError(404, "NOT_FOUND", "The requested resource does not exist")


_STATUS = {
    "NOT_FOUND": 404,
    "ENTITY_IS_DELETED": 404,
    "INVALID_CROSS_REFERENCE_KEY": 404,
    "UNKNOWN_EXCEPTION": 500,
    "SERVER_UNAVAILABLE": 503,
    "REQUEST_LIMIT_EXCEEDED": 403,
}


def status_of(fault: Fault) -> int:
    """The HTTP status under which a single-record request reports a fault.

    A bad reference is 404 where the record of the URL is meant, 400 where a field is.
    """
    return 400 if fault.fields else _STATUS.get(fault.code, 400)
