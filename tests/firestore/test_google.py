"""The real client on bad days: lost answers, refusals, an emulator that goes and comes back."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf import any_pb2, duration_pb2
from google.rpc import error_details_pb2, status_pb2

from services.sync.targets.base import Action, Applied, ErrorClass, Ref, TargetDown, Write
from services.sync.targets.firestore import FirestoreTarget
from services.sync.targets.fs_documents import (
    SERVER_TIMESTAMP,
    DocStatus,
    DocWrite,
    Kind,
)
from services.sync.targets.fs_endpoint import Endpoint, endpoint
from services.sync.targets.fs_google import GoogleDocuments, emulator_channel
from store.fields import DEFAULTS
from tests.emulator import Emulator, free_port, installed
from tests.firestore.wire import Mode, Proxy, Refuser, self_signed, serving, token_server

Code = grpc.StatusCode


def create(doc_id: str = "a", **fields: Any) -> DocWrite:
    return DocWrite("c", doc_id, Kind.CREATE, {(key,): value for key, value in fields.items()})


def at_port(port: int, timeout: float = 5.0) -> GoogleDocuments:
    return GoogleDocuments(endpoint("p", emulator_host=f"127.0.0.1:{port}"), timeout=timeout)


# --- an answer that is lost --------------------------------------------------------------------


@pytest.fixture
def proxy(firestore_emulator: Emulator) -> Iterator[Proxy]:
    between = Proxy(firestore_emulator.port)
    yield between
    between.close()


@pytest.fixture
def direct(firestore_endpoint: Endpoint) -> Iterator[FirestoreTarget]:
    """A client of the same database that the proxy does not disturb."""
    target = FirestoreTarget(GoogleDocuments(firestore_endpoint, timeout=20))
    yield target
    target.close()


@pytest.fixture
def through(proxy: Proxy, firestore_endpoint: Endpoint) -> Iterator[FirestoreTarget]:
    """A client that speaks through the proxy."""
    other = endpoint(firestore_endpoint.project, emulator_host=proxy.address)
    target = FirestoreTarget(GoogleDocuments(other, timeout=2))
    target.connect()
    yield target
    target.close()


def write_of(action: Action, token: str | None) -> Write:
    values = {
        Action.CREATE: {**DEFAULTS, "feature_name": "F"},
        Action.UPDATE: {"status": "Paused"},
        Action.RESTORE: {**DEFAULTS, "feature_name": "G"},
    }.get(action, {})
    return Write(
        "P1",
        action,
        values=values,  # type: ignore[arg-type]
        token=token,
        seq=7,
        op_id="op-7",
        client_id="mac",
        operator="ana",
    )


@pytest.mark.emulator
@pytest.mark.parametrize(
    ("action", "mode"),
    [
        (Action.CREATE, Mode.CUT_REPLY),
        (Action.UPDATE, Mode.CUT_REPLY),
        (Action.DELETE, Mode.CUT_REPLY),
        (Action.RESTORE, Mode.CUT_REPLY),
        (Action.UPDATE, Mode.SWALLOW_REPLY),
    ],
)
def test_a_lost_acknowledgement_is_unknown_applied_once_and_recognised(
    direct: FirestoreTarget,
    through: FirestoreTarget,
    proxy: Proxy,
    action: Action,
    mode: Mode,
) -> None:
    token = None
    if action is not Action.CREATE:
        first = write_of(Action.CREATE, None)
        token = direct.write([first])[0].token
    proxy.mode = mode
    (outcome,) = through.write([write_of(action, token)])
    assert not outcome.done
    assert outcome.problem is not None
    assert outcome.problem.cls is ErrorClass.UNKNOWN
    proxy.mode = Mode.PASS
    after = through.read([Ref("P1")])["P1"]
    assert after.applied == {"mac": Applied(7, "op-7")}
    assert after.deleted is (action is Action.DELETE)
    (again,) = through.write([write_of(action, token)])
    assert again.problem is not None
    assert again.problem.cls is ErrorClass.STALE
    assert direct.read([Ref("P1")])["P1"].token == after.token, "it was applied once"


@pytest.mark.emulator
def test_a_request_that_never_arrived_is_unknown_too_and_applied_nothing(
    direct: FirestoreTarget, through: FirestoreTarget, proxy: Proxy
) -> None:
    proxy.mode = Mode.CUT_REQUEST
    (outcome,) = through.write([write_of(Action.CREATE, None)])
    assert outcome.problem is not None
    assert outcome.problem.cls is ErrorClass.UNKNOWN
    proxy.mode = Mode.PASS
    assert not through.read([Ref("P1")])["P1"].exists
    assert through.write([write_of(Action.CREATE, None)])[0].done
    assert direct.read([Ref("P1")])["P1"].exists


@pytest.mark.emulator
@pytest.mark.parametrize("mode", [Mode.CUT_REPLY, Mode.CUT_REQUEST, Mode.SWALLOW_REPLY])
def test_a_read_that_is_cut_off_says_that_the_target_is_away(
    through: FirestoreTarget, proxy: Proxy, mode: Mode
) -> None:
    proxy.mode = mode
    with pytest.raises(TargetDown) as down:
        through.read([Ref("P1")])
    assert down.value.problem.cls is ErrorClass.PAUSE
    proxy.mode = Mode.PASS
    assert not through.read([Ref("P1")])["P1"].exists


@pytest.mark.emulator
def test_of_a_large_batch_only_what_may_have_been_applied_is_unknown(
    through: FirestoreTarget, direct: FirestoreTarget, proxy: Proxy
) -> None:
    text = "x" * 900_000
    writes = [
        Write(f"P{i}", Action.CREATE, values={"feature_name": "F", "brief.what_it_does": text})
        for i in range(9)
    ]
    proxy.mode = Mode.CUT_REPLY
    classes = [outcome.problem.cls for outcome in through.write(writes) if outcome.problem]
    unknown = classes.count(ErrorClass.UNKNOWN)
    assert classes == [ErrorClass.UNKNOWN] * unknown + [ErrorClass.PAUSE] * (9 - unknown)
    assert 0 < unknown < 9
    remotes = direct.read([Ref(write.project_id) for write in writes])
    assert [remotes[f"P{i}"].exists for i in range(9)] == [i < unknown for i in range(9)]


# --- a server that goes and comes back -----------------------------------------------------------


def test_a_refused_connection_fails_at_once_on_read_and_write() -> None:
    documents = at_port(free_port())
    with pytest.raises(TargetDown):
        documents.get_many("c", ["a"])
    begun = time.perf_counter()
    with pytest.raises(TargetDown) as down:
        documents.get_many("c", ["a"])
    (written,) = documents.write_many([create(x=1)])
    assert time.perf_counter() - begun < 1
    problem = down.value.problem
    assert (problem.cls, problem.code) == (ErrorClass.PAUSE, "UNAVAILABLE")
    assert problem.sentence == "Firestore is not reachable."
    assert written.problem is not None
    assert written.problem.cls is ErrorClass.UNKNOWN
    documents.close()


@pytest.mark.emulator
def test_the_first_call_after_a_restart_succeeds(tmp_path: Path) -> None:
    emulator = Emulator(*installed(os.environ), tmp_path / "log")
    emulator.start()
    documents = at_port(emulator.port, timeout=20)
    target = FirestoreTarget(documents)
    try:
        assert documents.write_many([create(x=1)])[0].status is DocStatus.OK
        assert target.connect() == "emulator:p/(default)"
        emulator.stop()
        for _ in range(3):
            with pytest.raises(TargetDown):
                target.read([Ref("P1")])
        with pytest.raises(TargetDown):
            target.connect()
        emulator.start()
        assert target.connect() == "emulator:p/(default)"
        assert documents.get_many("c", ["a"]) == {"a": None}, "its data were in memory"
    finally:
        documents.close()
        emulator.stop()


def test_a_connection_that_backs_off_holds_up_no_new_one() -> None:
    port = free_port()
    waiting = emulator_channel(f"127.0.0.1:{port}")()
    with pytest.raises(grpc.RpcError):
        waiting.unary_unary("/nobody/Home")(b"", timeout=5)
    with serving(Refuser(Code.PERMISSION_DENIED), port=port):
        documents = at_port(port)
        with pytest.raises(TargetDown) as down:
            documents.get_many("c", ["a"])
        documents.close()
    waiting.close()
    assert down.value.problem.code == "PERMISSION_DENIED", "the server was reached"


@pytest.mark.emulator
def test_a_proxy_in_the_environment_is_not_asked_for_loopback(
    monkeypatch: pytest.MonkeyPatch, firestore_endpoint: Endpoint
) -> None:
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    documents = GoogleDocuments(firestore_endpoint, timeout=20)
    assert documents.write_many([create(x=1)])[0].status is DocStatus.OK
    documents.close()


# --- statuses, through the real client -----------------------------------------------------------


READS = [
    (Code.UNAVAILABLE, "not reachable"),
    (Code.DEADLINE_EXCEEDED, "in time"),
    (Code.INTERNAL, "INTERNAL"),
    (Code.PERMISSION_DENIED, "refuses access"),
    (Code.UNAUTHENTICATED, "credentials"),
    (Code.RESOURCE_EXHAUSTED, "quota"),
    (Code.NOT_FOUND, "no such Firestore project or database"),
    (Code.INVALID_ARGUMENT, "INVALID_ARGUMENT"),
]


@pytest.mark.parametrize(("code", "words"), READS, ids=[code.name for code, _ in READS])
def test_a_failed_read_pauses_the_target_after_one_call(code: grpc.StatusCode, words: str) -> None:
    refuser = Refuser(code, "the server's words")
    with serving(refuser) as port:
        documents = at_port(port)
        for read in (
            lambda: documents.get_many("c", ["a"]),
            lambda: documents.ids("c"),
        ):
            with pytest.raises(TargetDown) as down:
                read()
            assert down.value.problem.cls is ErrorClass.PAUSE
            assert down.value.problem.code == code.name
            assert words in down.value.problem.sentence
            assert down.value.problem.message == "the server's words"
        documents.close()
    assert refuser.calls == ["BatchGetDocuments", "RunQuery"]


@pytest.mark.parametrize(
    ("code", "cls"),
    [
        (Code.UNAVAILABLE, ErrorClass.UNKNOWN),
        (Code.DEADLINE_EXCEEDED, ErrorClass.UNKNOWN),
        (Code.INTERNAL, ErrorClass.UNKNOWN),
        (Code.UNKNOWN, ErrorClass.UNKNOWN),
        (Code.CANCELLED, ErrorClass.UNKNOWN),
        (Code.DATA_LOSS, ErrorClass.UNKNOWN),
        (Code.ABORTED, ErrorClass.TRANSIENT),
    ],
)
def test_a_failed_write_is_sent_once_and_judged_for_every_row(
    code: grpc.StatusCode, cls: ErrorClass
) -> None:
    refuser = Refuser(code)
    with serving(refuser) as port:
        documents = at_port(port)
        results = documents.write_many([create("a"), create("b")])
        documents.close()
    assert refuser.calls == ["BatchWrite"]
    assert [result.problem.cls for result in results if result.problem] == [cls, cls]


@pytest.mark.parametrize(
    "code",
    [
        Code.PERMISSION_DENIED,
        Code.UNAUTHENTICATED,
        Code.RESOURCE_EXHAUSTED,
        Code.NOT_FOUND,
        Code.FAILED_PRECONDITION,
        Code.UNIMPLEMENTED,
    ],
)
def test_a_write_that_the_target_refused_as_a_whole_pauses_it(code: grpc.StatusCode) -> None:
    refuser = Refuser(code)
    with serving(refuser) as port:
        documents = at_port(port)
        with pytest.raises(TargetDown) as down:
            documents.write_many([create("a"), create("b")])
        documents.close()
    assert down.value.problem.cls is ErrorClass.PAUSE
    assert refuser.calls == ["BatchWrite"]


def test_a_batch_refused_as_invalid_is_sent_row_by_row_in_the_end() -> None:
    refuser = Refuser(Code.INVALID_ARGUMENT, "one of them is bad")
    with serving(refuser) as port:
        documents = at_port(port)
        results = documents.write_many([create(name) for name in "abcd"])
        assert documents.calls == 7
        documents.close()
    assert len(refuser.calls) == 7  # 4, 2, 1, 1, 2, 1, 1
    assert [result.problem.cls for result in results if result.problem] == [
        ErrorClass.PERMANENT
    ] * 4


def test_the_wait_that_the_server_asks_for_is_told() -> None:
    info = error_details_pb2.RetryInfo(
        retry_delay=duration_pb2.Duration(seconds=7, nanos=5 * 10**8)
    )
    packed = any_pb2.Any()
    packed.Pack(info)
    status = status_pb2.Status(code=8, message="slow down", details=[packed])
    trailers = (("grpc-status-details-bin", status.SerializeToString()),)
    with serving(Refuser(Code.RESOURCE_EXHAUSTED, "slow down", trailers)) as port:
        documents = at_port(port)
        with pytest.raises(TargetDown) as down:
            documents.write_many([create("a")])
        documents.close()
    assert down.value.problem.retry_after == 7.5


# --- credentials ---------------------------------------------------------------------------------


def read_with_credentials(token_uri: str) -> TargetDown:
    """What a read over TLS says with user credentials that ``token_uri`` will not renew."""
    from google.auth.transport.grpc import AuthMetadataPlugin
    from google.auth.transport.requests import Request
    from google.oauth2.credentials import Credentials

    private, certificate = self_signed()
    with serving(Refuser(), grpc.ssl_server_credentials([(private, certificate)])) as port:

        def open_channel() -> grpc.Channel:
            credentials = Credentials(
                None,
                refresh_token="gone",
                token_uri=token_uri,
                client_id="steerco",
                client_secret="secret",
            )
            plugin = AuthMetadataPlugin(credentials, Request())
            both = grpc.composite_channel_credentials(
                grpc.ssl_channel_credentials(certificate), grpc.metadata_call_credentials(plugin)
            )
            return grpc.secure_channel(f"localhost:{port}", both)

        documents = GoogleDocuments(endpoint("p"), timeout=20, open_channel=open_channel)
        with pytest.raises(TargetDown) as written:
            documents.write_many([create("a")])
        with pytest.raises(TargetDown) as down:
            documents.get_many("c", ["a"])
        documents.close()
    assert down.value.problem.sentence == written.value.problem.sentence
    return down.value


def test_revoked_credentials_are_reported_as_what_they_are() -> None:
    answer = {"error": "invalid_grant", "error_description": "Token has been expired or revoked."}
    with token_server(answer) as url:
        problem = read_with_credentials(url).problem
    assert problem.cls is ErrorClass.PAUSE
    assert problem.code == "UNAVAILABLE", "the trap: it looks like being offline"
    assert "credentials" in problem.sentence
    assert "not reachable" not in problem.sentence
    assert "invalid_grant" in problem.message


def test_a_sign_in_server_that_is_away_is_being_offline() -> None:
    problem = read_with_credentials(f"http://127.0.0.1:{free_port()}/token").problem
    assert problem.cls is ErrorClass.PAUSE
    assert "not reachable" in problem.sentence
    assert "refused" not in problem.sentence


# --- silence, imports, environment ---------------------------------------------------------------


def run(script: str, tmp_path: Path, **env: str) -> subprocess.CompletedProcess[str]:
    """A script in a process without credentials or settings of the person who runs the tests."""
    clean = {key: os.environ[key] for key in ("PATH", "SYSTEMROOT") if key in os.environ}
    clean |= {"HOME": str(tmp_path), "CLOUDSDK_CONFIG": str(tmp_path), "GOOGLE_CLOUD_PROJECT": "p"}
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        cwd=Path(__file__).parents[2],
        env=clean | env,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_nothing_of_google_is_imported_before_the_first_call(tmp_path: Path) -> None:
    ran = run(
        """
        import sys
        from services.sync.targets.firestore import FirestoreTarget
        from services.sync.targets.fs_google import GoogleDocuments
        from services.sync.targets.fs_endpoint import endpoint
        from services.sandbox.firestore import EmbeddedDocuments
        target = FirestoreTarget(GoogleDocuments(endpoint("p")))
        target.usage(), target.close()
        print(sorted(m for m in sys.modules if m.split(".")[0] in ("google", "grpc")))
        """,
        tmp_path,
    )
    assert (ran.stdout, ran.stderr) == ("[]\n", "")


def test_missing_credentials_are_a_sentence_without_asking_a_metadata_server(
    tmp_path: Path,
) -> None:
    script = """
        from services.sync.targets.base import TargetDown
        from services.sync.targets.fs_google import GoogleDocuments
        from services.sync.targets.fs_endpoint import endpoint
        try:
            GoogleDocuments(endpoint("p")).get_many("c", ["a"])
        except TargetDown as down:
            print(down.problem.cls.value, down)
        """
    asked: list[str] = []
    with token_server({}, asked=asked) as url:
        metadata = {"GCE_METADATA_IP": url.split("/")[2]}
        plain = run(script, tmp_path, **metadata)
        assert asked == []
        run(script, tmp_path, **metadata, NO_GCE_CHECK="false")
        assert asked != [], "who works on a Google machine can have it asked"
    assert plain.stdout.startswith("pause No usable Google credentials were found; run gcloud")
    assert plain.stderr == ""


def test_trouble_prints_nothing_over_the_screen(tmp_path: Path) -> None:
    from google.auth._cloud_sdk import CLOUD_SDK_CLIENT_ID

    user = tmp_path / "application_default_credentials.json"
    user.write_text(
        json.dumps(
            {
                "type": "authorized_user",
                "client_id": CLOUD_SDK_CLIENT_ID,
                "client_secret": "x",
                "refresh_token": "y",
            }
        )
    )
    with serving(Refuser()) as plain:
        ran = run(
            f"""
            import logging
            from services.sync.targets.base import TargetDown
            from services.sync.targets.fs_google import GoogleDocuments, service_channel
            from services.sync.targets.fs_endpoint import endpoint

            def tls_to_a_plain_port():
                import grpc
                service_channel().close()  # warns about user credentials without a quota project
                return grpc.secure_channel("localhost:{plain}", grpc.ssl_channel_credentials())

            def nobody():
                import grpc
                return grpc.insecure_channel("127.0.0.1:{free_port()}")

            logging.basicConfig()
            for channel in (tls_to_a_plain_port, nobody):
                documents = GoogleDocuments(endpoint("p"), open_channel=channel)
                try:
                    documents.get_many("c", ["a"])
                except TargetDown as down:
                    print(down.problem.code)
                documents.close()
                logging.getLogger("google.auth").error("this must not reach the screen")
            """,
            tmp_path,
            GOOGLE_APPLICATION_CREDENTIALS=str(user),
        )
    assert (ran.stdout, ran.stderr) == ("UNAVAILABLE\nUNAVAILABLE\n", "")


@pytest.mark.emulator
def test_an_emulator_in_the_environment_is_not_followed_behind_our_back(
    monkeypatch: pytest.MonkeyPatch, firestore_endpoint: Endpoint
) -> None:
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", f"127.0.0.1:{free_port()}")
    documents = GoogleDocuments(firestore_endpoint, timeout=20)
    assert documents.write_many([create(at=SERVER_TIMESTAMP)])[0].status is DocStatus.OK
    documents.close()
