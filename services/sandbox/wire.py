"""A request and an answer as the resources see them, with no web framework in it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from services.sandbox.errors import ApiError, Fault, status_of


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back. ``body`` is JSON unless it is bytes; None is an empty body."""

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    media: str = "application/json;charset=UTF-8"

    def encoded(self) -> bytes:
        """The body's bytes."""
        if self.body is None:
            return b""
        if isinstance(self.body, bytes):
            return self.body
        return json.dumps(self.body, ensure_ascii=False, separators=(",", ":")).encode()


@dataclass(frozen=True, slots=True)
class Effects:
    """What the faults do to one request. Times in seconds; ``cut`` is ``before``, ``after`` or
    ``body``."""

    latency: float = 0.0
    lag: float = 0.0
    answer: Answer | None = None
    cut: str = ""
    late: float = 0.0
    unique: bool = True
    expire: bool = False
    row_fault: Callable[[], Fault | None] = lambda: None


CALM = Effects()


@dataclass(frozen=True, slots=True)
class Call:
    """One authenticated request under ``/services/data/vNN.N``.

    ``parts`` are the decoded path segments after the version; ``headers`` have lower-case names;
    ``user`` is the caller's user id.
    """

    method: str
    parts: tuple[str, ...]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    version: str
    user: str
    origin: str = ""
    """The address the client used, ``http://127.0.0.1:1234``."""
    effects: Effects = CALM

    @property
    def base(self) -> str:
        """``/services/data/v59.0``, for links."""
        return f"/services/data/v{self.version}"

    def json(self) -> Any:
        """The body as JSON. Raises ApiError for another content type and for bad JSON."""
        media = self.headers.get("content-type", "application/json").split(";")[0].strip().lower()
        if media != "application/json":
            raise ApiError(415, "UNSUPPORTED_MEDIA_TYPE", f"Content type {media} is not supported")
        try:
            return json.loads(self.body.decode("utf-8"), parse_constant=_no_constant)
        except ValueError as bad:
            raise ApiError(400, "JSON_PARSER_ERROR", str(bad)) from None
        except RecursionError:
            raise ApiError(400, "JSON_PARSER_ERROR", "The body is nested too deeply") from None

    def json_object(self) -> dict[str, Any]:
        """The body as a JSON object. Raises ApiError."""
        value = self.json()
        if not isinstance(value, dict):
            raise ApiError(400, "JSON_PARSER_ERROR", "The HTTP entity body must be a JSON object")
        return value


def refused(faults: Sequence[Fault]) -> Answer:
    """The answer to a single-record request that was refused."""
    return Answer(status_of(faults[0]), [fault.as_request_error() for fault in faults])


def failed(error: ApiError) -> Answer:
    """The answer to a request that was refused as a whole."""
    return Answer(error.status, [error.fault.as_request_error()])


def _no_constant(name: str) -> Any:
    raise ValueError(f"Unexpected token {name}")
