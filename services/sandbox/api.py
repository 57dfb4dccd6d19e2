"""Everything under ``/services/data/vNN.N``: which resource answers which address."""

from __future__ import annotations

from services.sandbox import (
    bulk,
    bulk_query,
    collection,
    composite,
    describe,
    layouts,
    passwords,
    replication,
    rows,
    search,
    soql_run,
    storage,
)
from services.sandbox.errors import ApiError, not_found
from services.sandbox.org import Org
from services.sandbox.schema import SObject
from services.sandbox.standard import find_object
from services.sandbox.wire import Answer, Call

VERSIONS = tuple(f"{number}.0" for number in range(31, 66))
_SEASONS = ("Winter", "Spring", "Summer")


def versions() -> Answer:
    """The API versions, oldest first; needs no login."""
    return Answer(
        200,
        [{"label": _label(v), "url": f"/services/data/v{v}", "version": v} for v in VERSIONS],
    )


def handle(org: Org, call: Call) -> Answer:
    """Answer a request. Raises ApiError."""
    if not call.parts:
        return _resources(org, call)
    head, rest = call.parts[0].lower(), call.parts[1:]
    match head:
        case "sobjects":
            return _sobjects(org, call, rest)
        case "query" | "queryall":
            return _query(org, call, head, rest)
        case "composite":
            return _composite(org, call, rest)
        case "limits" if not rest:
            return limits(org)
        case "search" if not rest:
            _only(call, "GET")
            return search.search(org, call)
        case "jobs" if rest and rest[0].lower() in ("ingest", "query"):
            handler = bulk.handle if rest[0].lower() == "ingest" else bulk_query.handle
            return handler(org, call, rest[1:])
    raise not_found()


def limits(org: Org) -> Answer:
    """The org's limits that a client may run into."""
    used = storage.calls_on(org.store.connection(), org.today())

    def limit(most: int, left: int | None = None) -> dict[str, int]:
        return {"Max": most, "Remaining": most if left is None else max(0, left)}

    return Answer(
        200,
        {
            "DailyApiRequests": limit(org.daily_calls, org.daily_calls - used),
            "DailyBulkApiBatches": limit(15_000),
            "DailyBulkV2QueryJobs": limit(10_000),
            "DataStorageMB": limit(1024),
            "FileStorageMB": limit(1024),
        },
    )


def _sobjects(org: Org, call: Call, rest: tuple[str, ...]) -> Answer:
    if not rest:
        _only(call, "GET")
        return describe.global_describe(org, call)
    obj = _object(rest[0])
    match [part.lower() if n < 1 else part for n, part in enumerate(rest[1:])]:
        case []:
            if call.method == "POST":
                return rows.create(org, call, obj)
            _only(call, "GET", "POST")
            return describe.basic(org, call, obj)
        case ["describe"]:
            _only(call, "GET")
            return describe.describe(org, call, obj)
        case ["describe", "layouts", record_type]:
            _only(call, "GET")
            return layouts.layout(org, obj, record_type)
        case [user, "password"] if obj.name == "User":
            _only(call, "DELETE", "GET", "POST")
            return passwords.handle(org, call, user)
        case ["updated"]:
            _only(call, "GET")
            return replication.updated(org, call, obj)
        case ["deleted"]:
            _only(call, "GET")
            return replication.deleted(org, call, obj)
        case [_]:
            return rows.by_id(org, call, obj, rest[1])
    # A key may hold slashes, and some clients don't escape them.
    return rows.by_key(org, call, obj, rest[1], "/".join(rest[2:]))


def _query(org: Org, call: Call, head: str, rest: tuple[str, ...]) -> Answer:
    _only(call, "GET")
    if rest:
        return soql_run.more(org, call, rest[0])
    return soql_run.query(org, call, deleted=head == "queryall")


def _composite(org: Org, call: Call, rest: tuple[str, ...]) -> Answer:
    if not rest:
        _only(call, "POST")
        return composite.run(org, call, handle)
    if rest[0].lower() != "sobjects":
        raise not_found()
    match (call.method, rest[1:]):
        case ("POST", ()):
            return collection.create(org, call)
        case ("PATCH", ()):
            return collection.update(org, call)
        case ("DELETE", ()):
            return collection.delete(org, call)
        case ("PATCH", (name, field)):
            return collection.upsert(org, call, _object(name), field)
        case ("GET" | "POST", (name,)):
            return collection.retrieve(org, call, _object(name))
    raise _not_allowed(call, "DELETE, GET, PATCH, POST")


def _resources(org: Org, call: Call) -> Answer:
    (organization,) = (
        org.store.connection().execute("SELECT Id FROM Organization LIMIT 1").fetchone()
    )
    names = ("sobjects", "query", "queryAll", "search", "composite", "limits", "jobs")
    return Answer(
        200,
        {name: f"{call.base}/{name}" for name in names}
        | {"identity": f"{call.origin}/id/{organization}/{call.user}"},
    )


def _object(name: str) -> SObject:
    obj = find_object(name)
    if obj is None:
        raise not_found()
    return obj


def _only(call: Call, *methods: str) -> None:
    if call.method not in methods:
        raise _not_allowed(call, ", ".join(methods))


def _not_allowed(call: Call, allowed: str) -> ApiError:
    return ApiError(
        405,
        "METHOD_NOT_ALLOWED",
        f"HTTP Method '{call.method}' not allowed. Allowed are {allowed}",
    )


def _label(version: str) -> str:
    """The release of a version: v59.0 is Winter '24, and there are three a year."""
    year, season = divmod(int(float(version)) - 59, 3)
    return f"{_SEASONS[season]} '{24 + year:02d}"
