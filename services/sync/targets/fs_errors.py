"""What a Firestore failure means: pure classification of (status code, words, where it happened).

The classes are those of the outbox. Measured traps: a refused credential arrives as UNAVAILABLE
with "Getting metadata from plugin failed" (googleapis/python-firestore#1130), and so does an
unreachable token server while the machine is offline.
"""

from __future__ import annotations

from enum import StrEnum

from services.sync.targets.base import ErrorClass, Problem


class Phase(StrEnum):
    """Where a failure was met: it decides whether something may have been applied."""

    READ = "read"
    WRITE = "write"
    """The whole write request failed."""
    ROW = "row"
    """One document's own status in an answer that arrived."""


PLUGIN_FAILED = "Getting metadata from plugin failed"
_TOKEN_SERVER_AWAY = (
    "HTTPSConnectionPool",
    "HTTPConnectionPool",
    "Max retries exceeded",
    "Connection aborted",
    "Name or service not known",
    "Temporary failure in name resolution",
    "timed out",
)
_UNKNOWN_OUTCOME = ("UNAVAILABLE", "DEADLINE_EXCEEDED", "INTERNAL", "UNKNOWN", "CANCELLED")
_STALE = {
    "ALREADY_EXISTS": "The document already exists in Firestore.",
    "FAILED_PRECONDITION": "The document changed in Firestore since it was read.",
    "NOT_FOUND": "The document is not in Firestore any more.",
}
_CREDENTIALS = (
    "Google refused the credentials; sign in again (gcloud auth application-default login) "
    "or renew the service account's key."
)
_AWAY = "Firestore is not reachable."
_PAUSES = {
    "PERMISSION_DENIED": "Firestore refuses access: this account may not use the database.",
    "UNAUTHENTICATED": _CREDENTIALS,
    "RESOURCE_EXHAUSTED": "Firestore's quota is used up.",
    "UNIMPLEMENTED": "The server does not know this Firestore call.",
    "NOT_FOUND": "There is no such Firestore project or database.",
    "FAILED_PRECONDITION": "The database can't be used as Firestore in native mode.",
}


def classify(
    code: str,
    message: str,
    phase: Phase,
    *,
    fields: tuple[str, ...] = (),
    retry_after: float | None = None,
) -> Problem:
    """One failure in normal form. ``code`` is the gRPC status name, such as ``UNAVAILABLE``."""
    cls, sentence = _judge(code, message, phase)
    return Problem(cls, code, message, sentence, fields=fields, retry_after=retry_after)


def _judge(code: str, message: str, phase: Phase) -> tuple[ErrorClass, str]:
    if PLUGIN_FAILED in message:
        # No token, so no request left this machine, whatever the status code suggests.
        return ErrorClass.PAUSE, _credentials_or_away(message)
    if phase is Phase.READ:
        return ErrorClass.PAUSE, _read_sentence(code, message)
    if phase is Phase.ROW and code in _STALE:
        return ErrorClass.STALE, _STALE[code]
    if code in _PAUSES:
        return ErrorClass.PAUSE, _PAUSES[code]
    if code == "ABORTED":
        return ErrorClass.TRANSIENT, "Firestore was busy with the same document."
    if code in ("INVALID_ARGUMENT", "OUT_OF_RANGE"):
        return ErrorClass.PERMANENT, f"Firestore refuses the document: {_one_line(message)}"
    # Everything else, and any code not known here, may have been applied.
    words = "did not answer" if code in _UNKNOWN_OUTCOME else f"answered {code}"
    return (
        ErrorClass.UNKNOWN,
        f"Firestore {words}; whether the write was applied is not known.",
    )


def _read_sentence(code: str, message: str) -> str:
    if code in _PAUSES:
        return _PAUSES[code]
    if code == "UNAVAILABLE":
        return _AWAY
    if code == "DEADLINE_EXCEEDED":
        return "Firestore did not answer in time."
    return f"Firestore could not be read: {code}: {_one_line(message)}"


def _credentials_or_away(message: str) -> str:
    if any(sign in message for sign in _TOKEN_SERVER_AWAY):
        return f"{_AWAY} Google's sign-in server does not answer either."
    return _CREDENTIALS


def _one_line(message: str) -> str:
    printable = "".join(ch if ch.isprintable() else " " for ch in message)
    return " ".join(printable.split())


def no_credentials(message: str) -> Problem:
    """Application default credentials are missing or unreadable."""
    return Problem(
        ErrorClass.PAUSE,
        "NO_CREDENTIALS",
        message,
        "No usable Google credentials were found; run gcloud auth application-default login "
        "or set GOOGLE_APPLICATION_CREDENTIALS.",
    )


def unfit(sentence: str, fields: tuple[str, ...] = ()) -> Problem:
    """A document that Firestore could never hold, refused before it is sent."""
    return Problem(ErrorClass.PERMANENT, "INVALID_ARGUMENT", sentence, sentence, fields=fields)


def not_sent(after: Problem) -> Problem:
    """A row behind a request of the same batch that failed: it never left this machine."""
    return Problem(ErrorClass.PAUSE, after.code, after.message, f"Not sent: {after.sentence}")
