"""What a failure of Salesforce means: one class, one plain sentence, for each thing that can fail.

By error code first, then by HTTP status, then by the kind of exception, as 2-dual-write orders
them. Pure; the libraries' exception types are looked up when a failure is at hand.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any

from services.itsc_sf_sync import PARENT_RELATION
from services.sync.targets.base import ErrorClass, Problem
from services.sync.targets.sf_network import unsent_reason
from store.fields import label_of

_UNSURE = "whether it took the change is not known yet"

GONE = ("ENTITY_IS_DELETED", "NOT_FOUND", "INVALID_CROSS_REFERENCE_KEY")
"""Codes of a record named by its Id that is not there."""
MISSING = ("NOT_FOUND", "INVALID_TYPE")
"""Codes of a whole object or resource that this organisation does not have."""

_ROW_CLASSES = {
    "UNABLE_TO_LOCK_ROW": ErrorClass.TRANSIENT,
    "SERVER_UNAVAILABLE": ErrorClass.TRANSIENT,
    # A row's own failure was rolled back, so its outcome is known.
    "UNKNOWN_EXCEPTION": ErrorClass.TRANSIENT,
    "ALL_OR_NONE_OPERATION_ROLLED_BACK": ErrorClass.TRANSIENT,
    "PROCESSING_HALTED": ErrorClass.TRANSIENT,
    "REQUEST_LIMIT_EXCEEDED": ErrorClass.PAUSE,
    "INVALID_SESSION_ID": ErrorClass.PAUSE,
}
_REQUEST_CLASSES = _ROW_CLASSES | {
    "SERVER_UNAVAILABLE": ErrorClass.PAUSE,
    "UNKNOWN_EXCEPTION": ErrorClass.UNKNOWN,
    "API_DISABLED_FOR_ORG": ErrorClass.PAUSE,
    "API_CURRENTLY_DISABLED": ErrorClass.PAUSE,
    "UNSUPPORTED_API_VERSION": ErrorClass.PAUSE,
}
_RANK = (
    ErrorClass.PERMANENT,
    ErrorClass.STALE,
    ErrorClass.PAUSE,
    ErrorClass.UNKNOWN,
    ErrorClass.TRANSIENT,
)
_NO_COLUMN = re.compile(r"No such column '([^']+)'")
_NO_PARENT = re.compile(r"Foreign key external ID: .* not found for field (\w+) in entity")
_NO_RIGHT = re.compile(r"Unable to create/update fields: ([\w, ]+)")


class CallFailed(Exception):
    """A call without the answer it asked for; ``status`` is None where no answer came."""

    def __init__(self, problem: Problem, status: int | None = None) -> None:
        self.problem = problem
        self.status = status
        super().__init__(problem.sentence)


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked, as far as it decides what an answer means.

    ``one`` is True where the request holds one record named by its Id in the address; ``by_id``
    where records are named by Id at all, so that one that is gone makes the write stale;
    ``references`` where the body names other records, so that a bad reference may be theirs.
    ``paths`` leads from a Salesforce field to the model's.
    """

    writing: bool = True
    upsert: bool = False
    one: bool = False
    by_id: bool = False
    references: bool = False
    paths: Mapping[str, str] = field(default_factory=dict)


def classify(failure: Exception, asked: Asked, retry_after: float | None = None) -> Problem | None:
    """What an exception of simple-salesforce or requests means; None for any other exception.

    For reads nothing is uncertain: what would be UNKNOWN is TRANSIENT, and a refusal of the query
    itself closes the target (PAUSE).
    """
    from requests.exceptions import RequestException
    from simple_salesforce.exceptions import SalesforceError

    if isinstance(failure, SalesforceError):
        return classify_answer(failure.status, failure.content, asked, retry_after)
    if isinstance(failure, RequestException):
        return classify_exception(failure, asked)
    return None


def classify_answer(
    status: int, content: Any, asked: Asked, retry_after: float | None = None
) -> Problem:
    """A whole request that was answered with an error: HTTP status and parsed (or raw) body."""
    errors = _errors_of(content)
    if asked.one and errors and status in (400, 404):
        return classify_row(errors, asked, content)
    code = _code_of(errors[0]) if errors else f"HTTP_{status}"
    message = "; ".join(_message_of(error) for error in errors) or _text_of(content)
    cls = _class_of_request(status, errors, asked)
    named = tuple(dict.fromkeys(path for error in errors for path in _fields_of(error, asked)))
    sentence = _request_sentence(status, code, message, bool(errors))
    if cls is ErrorClass.UNKNOWN:
        sentence = _unsure(f"Salesforce failed with HTTP {status}", asked)
    elif cls is ErrorClass.PERMANENT and errors:
        sentence = _refusal(named, code, message)
    return _for_reading(
        Problem(cls, code, message, sentence, named, retry_after, content), asked.writing
    )


def classify_row(errors: Sequence[Mapping[str, Any]], asked: Asked, response: Any) -> Problem:
    """One row of a collections answer that failed: its ``errors`` list, which may hold several.

    The gravest class decides; fields and words are everybody's.
    """
    if not errors:
        return unreadable(asked, response)
    classes = [_class_of_row(error, asked) for error in errors]
    cls = min(classes, key=_RANK.index)
    code = _code_of(errors[classes.index(cls)])
    message = "; ".join(_message_of(error) for error in errors)
    named = tuple(dict.fromkeys(path for error in errors for path in _fields_of(error, asked)))
    match cls:
        case ErrorClass.PERMANENT:
            sentence = _refusal(named, code, message)
        case ErrorClass.STALE:
            sentence = "The record is not in Salesforce any more"
        case ErrorClass.TRANSIENT if code == "UNABLE_TO_LOCK_ROW":
            sentence = "Somebody else is saving this record in Salesforce just now"
        case ErrorClass.TRANSIENT if code == "DUPLICATE_VALUE":
            sentence = "Salesforce is still busy with another write of this project"
        case ErrorClass.TRANSIENT:
            sentence = f"Salesforce could not take the record for now: {_shown(message)}"
        case _:
            sentence = _request_sentence(0, code, message, True)
    return Problem(cls, code, message, sentence, named, None, response)


def classify_exception(failure: Exception, asked: Asked) -> Problem:
    """A request without a complete answer (an exception of requests)."""
    from requests import exceptions as rq

    # The texts of the ValueErrors may hold a header's value, and so the access token.
    words = type(failure).__name__
    if isinstance(failure, rq.JSONDecodeError):
        return unreadable(asked, None)
    if isinstance(failure, (rq.InvalidSchema, rq.InvalidURL, rq.MissingSchema, rq.InvalidHeader)):
        return Problem(
            ErrorClass.PAUSE,
            "BAD_ADDRESS",
            words,
            "The Salesforce connection's address or token can't be used",
        )
    message = f"{words}: {failure}"
    reason = unsent_reason(failure)
    if reason is not None:
        code, why = reason
        return Problem(ErrorClass.PAUSE, code, message, f"Salesforce is not reachable ({why})")
    if isinstance(failure, rq.Timeout) or "timed out" in str(failure).lower():
        code, why = "READ_TIMEOUT", "Salesforce did not answer in time"
    else:
        code, why = "CONNECTION_LOST", "The connection to Salesforce broke before its answer ended"
    return _for_reading(
        Problem(ErrorClass.UNKNOWN, code, message, _unsure(why, asked)), asked.writing
    )


def unreadable(asked: Asked, response: Any) -> Problem:
    """An answer that is not what the call promises: no JSON, no list, another number of rows.

    ``response`` may be the raw bytes; they are kept as text.
    """
    if isinstance(response, bytes):
        response = _text_of(response)
    return _for_reading(
        Problem(
            ErrorClass.UNKNOWN,
            "UNREADABLE_ANSWER",
            _text_of(response),
            _unsure("Salesforce's answer can't be read", asked),
            response=response,
        ),
        asked.writing,
    )


def not_sent(cause: Problem) -> Problem:
    """For a row that stayed here because a request before its own failed: nothing is charged."""
    if cause.cls is ErrorClass.PAUSE:
        return cause
    why = cause.sentence.removesuffix(f"; {_UNSURE}")
    sentence = f"Not sent, because a request before this one failed ({why})"
    return Problem(ErrorClass.PAUSE, cause.code, cause.message, sentence)


def retry_after_seconds(header: str | None, now: float) -> float | None:
    """Seconds to wait from a Retry-After header (seconds or an HTTP date); ``now`` is epoch
    seconds by the clock that the date belongs to (the server's)."""
    if not header:
        return None
    text = header.strip()
    if re.fullmatch(r"\d{1,9}(\.\d+)?", text, re.ASCII):
        return float(text)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - now)
    except ValueError:
        return None


def _class_of_request(status: int, errors: Sequence[Mapping[str, Any]], asked: Asked) -> ErrorClass:
    codes = [_code_of(error) for error in errors]
    for code in codes:
        if code == "DUPLICATE_VALUE" and asked.upsert:
            return ErrorClass.TRANSIENT
        if code in _REQUEST_CLASSES:
            return _REQUEST_CLASSES[code]
    if status == 412:
        return ErrorClass.STALE
    if status == 503 and errors:
        return ErrorClass.PAUSE
    if status >= 500 or status == 408:
        return ErrorClass.UNKNOWN
    if status in (300, 400, 413) or (status == 403 and errors):
        return ErrorClass.PERMANENT
    # 401, 420, 429, a redirect, a page that a proxy made up, an address that this Salesforce has
    # not got: nothing that a row caused, and nothing was applied.
    return ErrorClass.PAUSE


def _class_of_row(error: Mapping[str, Any], asked: Asked) -> ErrorClass:
    code = _code_of(error)
    if code == "DUPLICATE_VALUE" and asked.upsert:
        return ErrorClass.TRANSIENT
    # Nothing but the code tells a record that is gone from a reference in the body that is bad;
    # where the body has references only a code that can't mean them counts.
    if (
        code in GONE
        and asked.by_id
        and not error.get("fields")
        and (not asked.references or code != "INVALID_CROSS_REFERENCE_KEY")
    ):
        return ErrorClass.STALE
    return _ROW_CLASSES.get(code, ErrorClass.PERMANENT)


def _for_reading(problem: Problem, writing: bool) -> Problem:
    if writing:
        return problem
    cls = problem.cls
    if cls is ErrorClass.UNKNOWN:
        cls = ErrorClass.TRANSIENT
    elif cls in (ErrorClass.PERMANENT, ErrorClass.STALE):
        cls = ErrorClass.PAUSE
    return Problem(
        cls,
        problem.code,
        problem.message,
        problem.sentence,
        problem.fields,
        problem.retry_after,
        problem.response,
    )


def _request_sentence(status: int, code: str, message: str, salesforce: bool) -> str:
    if code == "REQUEST_LIMIT_EXCEEDED":
        if "concurrent" in message.lower():
            return "Salesforce has too many requests running at once"
        return "Salesforce's daily API limit is used up"
    if code == "INVALID_SESSION_ID" or status == 401:
        return "Salesforce can't be used: the access token was refused"
    if code.startswith("API_"):
        return (
            f"The Salesforce API is switched off for this user or organisation: {_shown(message)}"
        )
    if status in (420, 429):
        return "Salesforce asks for fewer requests"
    if code == "SERVER_UNAVAILABLE" or (status == 503 and salesforce):
        return "Salesforce is not available now"
    if status == 412:
        return "The record changed in Salesforce in the meantime"
    if status == 300:
        return "Salesforce has more than one record with this DataOS project id"
    if not salesforce:
        return f"Something other than Salesforce answered (HTTP {status})"
    return f"Salesforce refused the request: {_shown(message)}"


def _refusal(named: Sequence[str], code: str, message: str) -> str:
    words = _shown(message) or code
    if not named:
        return f"Salesforce refused the project: {words}"
    labels = ", ".join("DataOS Project Id" if p == "project_id" else label_of(p) for p in named)
    if _NO_COLUMN.search(message) or _NO_RIGHT.search(message):
        return (
            f"Salesforce gives this user no access to {labels} "
            f"(is the package deployed, and its permission set assigned?): {words}"
        )
    return f"Salesforce refused the value of {labels}: {words}"


def _unsure(why: str, asked: Asked) -> str:
    return f"{why}; {_UNSURE}" if asked.writing else why


def _errors_of(content: Any) -> list[Mapping[str, Any]]:
    """The error records of a Salesforce body; empty for what Salesforce did not write."""
    rows = content if isinstance(content, list) else [content]
    return [
        row
        for row in rows
        if isinstance(row, Mapping) and isinstance(row.get("errorCode") or row.get("error"), str)
    ]


def _code_of(error: Mapping[str, Any]) -> str:
    code = error.get("statusCode") or error.get("errorCode") or error.get("error")
    return str(code) if code else "UNKNOWN_CODE"


def _message_of(error: Mapping[str, Any]) -> str:
    return str(error.get("message") or error.get("error_description") or "")


def _fields_of(error: Mapping[str, Any], asked: Asked) -> list[str]:
    """The model paths that an error names, in its list or in its words."""
    listed = error.get("fields")
    names = [str(name) for name in listed] if isinstance(listed, (list, tuple)) else []
    if not names:
        message = _message_of(error)
        names = _NO_COLUMN.findall(message)
        if _NO_PARENT.search(message):
            # The parent is the one thing that is named by an external id.
            names.append(PARENT_RELATION)
        for group in _NO_RIGHT.findall(message):
            names += [name.strip() for name in group.split(",")]
    return [asked.paths[name] for name in names if name in asked.paths]


def _text_of(content: Any) -> str:
    if isinstance(content, bytes):
        content = content.decode("utf-8", "replace")
    return "" if content is None else str(content)[:2000]


def _shown(message: str, limit: int = 300) -> str:
    text = " ".join("".join(ch if ch.isprintable() else " " for ch in message).split(" "))
    text = re.sub(r" {2,}", " ", text).strip()
    return text if len(text) <= limit else text[: limit - 1] + "…"
