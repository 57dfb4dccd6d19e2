"""The real Firestore behind ``DocumentStore``, through google-cloud-firestore's generated client.

The generated client is used rather than ``firestore.Client`` because it takes a channel of ours
and reads no environment: no emulator switch, no shared subchannel, no retry of the library's own
(measured: its retry applies a write twice when an acknowledgement is lost, and hangs for minutes).
BatchWrite is the call under the library's BulkWriter: each document by itself, with its own
precondition.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias

from services.sync.targets.base import ErrorClass, Problem, TargetDown
from services.sync.targets.fs_batch import RequestFailed, deliver
from services.sync.targets.fs_documents import (
    BATCH,
    DocResult,
    DocStatus,
    DocumentStore,
    DocWrite,
    Snapshot,
)
from services.sync.targets.fs_endpoint import Endpoint
from services.sync.targets.fs_errors import Phase, classify, no_credentials, unfit
from services.sync.targets.fs_limits import Unfit, check_write, id_fault
from services.sync.targets.fs_quiet import silence

OpenChannel: TypeAlias = Callable[[], Any]
"""Opens a ``grpc.Channel`` of its own; may raise google.auth's GoogleAuthError."""

SECONDS_PER_MIB = 1.0
SECONDS_PER_ROW = 0.01
LIST_SECONDS = 30.0
_STATUSES = {
    "ALREADY_EXISTS": DocStatus.EXISTS,
    "FAILED_PRECONDITION": DocStatus.STALE,
    "NOT_FOUND": DocStatus.NOT_FOUND,
}
_INTERRUPTED: list[Any] = []
"""Channels that a person's ctrl+c has left in the middle of a read; the process's end closes them.
gRPC's thread serves a streaming read by bookkeeping that may be half written there: to close such a
channel can wait for ever, or make that thread print a traceback."""
_CHANNEL_OPTIONS = (
    # A subchannel that is shared in the process backs off for up to 10 s after an outage, and a
    # new client would inherit that; with a pool of its own a new channel connects at once.
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.max_send_message_length", -1),
    ("grpc.max_receive_message_length", -1),
)


def service_channel() -> Any:
    """A TLS channel to Firestore with application default credentials.

    Raises google.auth's GoogleAuthError.
    """
    import google.auth
    from google.cloud.firestore_v1.services.firestore.transports import FirestoreGrpcTransport

    credentials, _ = google.auth.default(scopes=list(FirestoreGrpcTransport.AUTH_SCOPES))
    return FirestoreGrpcTransport.create_channel(
        "firestore.googleapis.com:443", credentials=credentials, options=list(_CHANNEL_OPTIONS)
    )


def emulator_channel(address: str) -> OpenChannel:
    """Opens plaintext channels to an emulator whose address ``fs_endpoint`` has accepted."""

    def opened() -> Any:
        import grpc

        # http_proxy would otherwise be asked for loopback too.
        options = [*_CHANNEL_OPTIONS, ("grpc.enable_http_proxy", 0)]
        return grpc.insecure_channel(address, options=options)

    return opened


class GoogleDocuments(DocumentStore):
    """One Firestore database as a ``DocumentStore``.

    Nothing is imported or opened before the first call, which is made in the thread that owns the
    store. ``timeout`` is the seconds for a small request; large ones get more in proportion.
    After a request that met no Firestore, or was not let in, the channel is thrown away: the next
    call connects anew, with credentials read anew, instead of waiting for gRPC's backoff.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        timeout: float = 3.0,
        open_channel: OpenChannel | None = None,
    ) -> None:
        self._endpoint = endpoint
        self._documents = f"{endpoint.name}/documents"
        self._timeout = timeout
        if open_channel is None:
            address = endpoint.emulator
            open_channel = emulator_channel(address) if address else service_channel
        self._open_channel = open_channel
        self._metadata = [("google-cloud-resource-prefix", endpoint.name)]
        if endpoint.emulator:
            self._metadata.append(("authorization", "Bearer owner"))
        self._channel: Any = None
        self._client: Any = None
        self._calls = 0

    @property
    def calls(self) -> int:
        """Requests made so far."""
        return self._calls

    def identity(self) -> str:
        """``project/database``, with ``emulator:`` before it for an emulator."""
        return self._endpoint.identity

    def get_many(self, collection: str, ids: Sequence[str]) -> dict[str, Snapshot | None]:
        """See DocumentStore."""
        found: dict[str, Snapshot | None] = dict.fromkeys(ids)
        names = [f"{self._documents}/{collection}/{i}" for i in found if id_fault(i) is None]
        if names:
            client, wire = self._connected()
            request = wire.batch_get(self._endpoint.name, names)
            timeout = self._timeout + SECONDS_PER_ROW * len(names)
            answers = self._read(client.batch_get_documents, request, timeout)
            for snapshot in map(wire.batch_get_found, answers):
                if snapshot is not None:
                    found[snapshot.id] = snapshot
        return found

    def changed_since(
        self, collection: str, field: str, mark: dt.datetime, limit: int, after_id: str = ""
    ) -> list[Snapshot]:
        """See DocumentStore."""
        client, wire = self._connected()
        request = wire.changed_query(self._documents, collection, field, mark, limit, after_id)
        answers = self._read(client.run_query, request, self._timeout + SECONDS_PER_ROW * limit)
        return [found for found in map(wire.query_found, answers) if found is not None]

    def ids(self, collection: str) -> list[str]:
        """See DocumentStore."""
        client, wire = self._connected()
        request = wire.ids_query(self._documents, collection)
        answers = self._read(client.run_query, request, LIST_SECONDS)
        return [found.id for found in map(wire.query_found, answers) if found is not None]

    def write_many(self, writes: Sequence[DocWrite]) -> list[DocResult]:
        """See DocumentStore. Large batches go as several requests."""
        if len(writes) > BATCH:
            raise ValueError(f"{len(writes)} writes in one batch; the limit is {BATCH}")
        prepared = [self._prepared(write) for write in writes]
        sent = iter(
            deliver(
                [item for item in prepared if not isinstance(item, DocResult)],
                lambda message: int(message.ByteSize()),
                self._write,
            )
        )
        return [item if isinstance(item, DocResult) else next(sent) for item in prepared]

    def close(self) -> None:
        """Close the channel; the next call opens another."""
        if self._channel is not None:
            self._channel.close()
        self._channel = self._client = None

    def _leave_behind(self) -> None:
        """Take no hand to the channel any more; the next call opens another."""
        _INTERRUPTED.append(self._channel)
        self._channel = self._client = None

    def _prepared(self, write: DocWrite) -> Any:
        """The message to send, or the result of a write that needs no sending."""
        try:
            check_write(write)
        except Unfit as unfitness:
            problem = unfit(str(unfitness), (".".join(unfitness.path),))
            return DocResult(DocStatus.PROBLEM, problem=problem)
        _, wire = self._connected()
        message = wire.write_message(self._documents, write)
        if message is None:
            return _row_result("FAILED_PRECONDITION", "the token is not one of Firestore's")
        return message

    def _write(self, messages: Sequence[Any]) -> list[DocResult]:
        """One BatchWrite. Raises RequestFailed."""
        from google.api_core.exceptions import GoogleAPICallError

        client, wire = self._connected()
        request = wire.batch_write(self._endpoint.name, messages)
        mib = sum(message.ByteSize() for message in messages) / 2**20
        timeout = self._timeout + SECONDS_PER_ROW * len(messages) + SECONDS_PER_MIB * mib
        try:
            answer = client.batch_write(
                request, retry=None, timeout=timeout, metadata=self._metadata
            )
        except GoogleAPICallError as error:
            raise RequestFailed(self._failed(error, Phase.WRITE)) from None
        finally:
            self._calls += 1
        return [
            DocResult(DocStatus.OK, update_time=token, server_time=server_time)
            if code == "OK"
            else _row_result(code, message)
            for code, message, token, server_time in wire.batch_write_answer(answer)
        ]

    def _read(self, call: Any, request: Any, timeout: float) -> Iterator[Any]:
        """The answers of one streaming read. Raises TargetDown."""
        from google.api_core.exceptions import GoogleAPICallError

        self._calls += 1
        try:
            yield from call(request, retry=None, timeout=timeout, metadata=self._metadata)
        except GoogleAPICallError as error:
            raise TargetDown(self._failed(error, Phase.READ)) from None
        except KeyboardInterrupt:
            self._leave_behind()
            raise

    def _connected(self) -> tuple[Any, Any]:
        """The generated client and the ``fs_wire`` module. Raises TargetDown."""
        if self._client is None:
            silence()
            from google.auth.exceptions import GoogleAuthError
            from google.cloud.firestore_v1.services import firestore
            from google.cloud.firestore_v1.services.firestore.transports import (
                FirestoreGrpcTransport,
            )

            try:
                self._channel = self._open_channel()
            except GoogleAuthError as error:
                raise TargetDown(no_credentials(str(error))) from None
            transport = FirestoreGrpcTransport(channel=self._channel)
            self._client = firestore.FirestoreClient(transport=transport)

        from services.sync.targets import fs_wire

        return self._client, fs_wire

    def _failed(self, error: Any, phase: Phase) -> Problem:
        """The failure in normal form; the channel is not used again where it may be at fault."""
        from services.sync.targets import fs_wire

        code = error.grpc_status_code.name if error.grpc_status_code else "UNKNOWN"
        wait = fs_wire.retry_after(error.details)
        problem = classify(code, error.message, phase, retry_after=wait)
        if problem.cls in (ErrorClass.PAUSE, ErrorClass.UNKNOWN):
            self.close()
        return problem


def _row_result(code: str, message: str) -> DocResult:
    """A refused row's result. ``code`` is the gRPC status name."""
    status = _STATUSES.get(code, DocStatus.PROBLEM)
    return DocResult(status, problem=classify(code, message, Phase.ROW))
