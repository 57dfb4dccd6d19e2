"""SalesforceTarget against the real sandbox process, through the real simple-salesforce."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.sandbox.auth import CLIENT_ID, INTEGRATION_USERNAME
from services.sandbox.process import SandboxProcess
from services.sync.targets.base import Action, ErrorClass, Outcome, Ref, Remote, TargetDown, Write
from services.sync.targets.salesforce import SalesforceConnection, SalesforceTarget
from store.canon import Values, check
from store.fields import BY_PATH, DEFAULTS
from tests.salesforce.projects import projects
from tests.sandbox.conftest import Org

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Org]:
    home = tmp_path_factory.mktemp("contract")
    public = home / "public.pem"
    public.write_bytes(
        KEY.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    )
    process = SandboxProcess()
    process.start(home / "org.sqlite", jwt_public_key=public)
    yield Org(process, *process.wait_ready())
    process.stop()


@pytest.fixture
def org(server: Org) -> Iterator[Org]:
    yield server
    server.calm()


def connected(org: Org) -> SalesforceTarget:
    made = SalesforceTarget(SalesforceConnection(org.url, org.token, timeout=20))
    made.connect()
    return made


@pytest.fixture(scope="module")
def shared(server: Org) -> Iterator[SalesforceTarget]:
    made = connected(server)
    yield made
    made.close()


@pytest.fixture
def target(shared: SalesforceTarget, org: Org) -> SalesforceTarget:
    return shared


def fresh() -> str:
    return f"c-{next(_numbers)}"


def full(project_id: str, **values: Any) -> Values:
    return {**DEFAULTS, "feature_name": project_id, **values}


def create(project_id: str, **values: Any) -> Write:
    return Write(project_id, Action.CREATE, full(project_id, **values))


def made(target: SalesforceTarget, project_id: str, **values: Any) -> Remote:
    """A new row, as it is read."""
    (outcome,) = target.write([create(project_id, **values)])
    assert outcome.done, outcome.problem
    return target.read([Ref(project_id, outcome.remote_id, values)])[project_id]


def update(remote: Remote, contested: bool = False, **values: Any) -> Write:
    return Write(
        remote.project_id,
        Action.UPDATE,
        values,
        token=remote.token,
        remote_id=remote.remote_id,
        contested=contested,
    )


def problem_of(outcome: Outcome) -> tuple[ErrorClass, tuple[str, ...]]:
    assert outcome.problem is not None
    return outcome.problem.cls, outcome.problem.fields


def count_of(org: Org, project_id: str) -> int:
    return len(org.soql(f"SELECT Id FROM Ticket__c WHERE DataOS_Project_Id__c = '{project_id}'"))


def test_it_knows_the_organisation_itself_and_the_people(
    org: Org, target: SalesforceTarget
) -> None:
    assert target.connect() == org.organization
    assert target.integration_user is not None
    assert target.directory.name_of(target.integration_user) == "Steerco Integration"
    assert target.directory.resolve("ANA@example.com") == org.id_of("ana")
    assert target.directory.resolve("Kim Lee") is None
    assert target.directory.resolve("Olga Pauli") is None


def test_a_whole_project_arrives_and_is_read_back_the_same(
    org: Org, target: SalesforceTarget
) -> None:
    project_id = fresh()
    values = full(
        project_id,
        **{
            "feature_name": "🧩 Feedback Platform (v1) — 'quoted' \\ \"x\"",
            "status": "In QA",
            "priority": "TBD",
            "sort_order": 7,
            "it_lead": "Dev Patel",
            "product_owner": "chloe@example.com",
            "launch_target": "2026-11-30",
            "department": "Product / Events / Sales Ops",
            "strategic_group": "AI & Engagement",
            "strategic_value": "Lead quality ↑",
            "level_of_effort": "High",
            "total_score": 21,
            "flags.alignment": True,
            "brief.what_it_does": "Line 1\n\n\tline 3 عربي",
            "brief.punchline": "x" * 500,
            "intake.dev_readiness": 80,
            "intake.dev_t_shirt": "XL",
            "intake.primary_system": "GTZenda",
            "intake.submitted_by": "Kim Lee",
            "intake.intake_document_url": "https://example.com/a?b=c&d=ü",
            "imported_created_by": "someone@example.com",
        },
    )
    (outcome,) = target.write([Write(project_id, Action.CREATE, values)])
    assert outcome.done
    assert outcome.skipped == ("intake.submitted_by",)
    remote = target.read([Ref(project_id, local=values)])[project_id]
    assert remote.remote_id == outcome.remote_id
    assert remote.modified_by_us
    del values["intake.submitted_by"]
    assert remote.values == values
    row = org.read(str(remote.remote_id))
    assert row["RecordTypeId"] == org.id_of("Strategic_Initiative")
    assert row["Launch_Target__c"] == "2026-11-30"


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    projects(
        ["Ana Ruiz", "BEN@example.com", "Kim Lee", "Nobody Known", "Olga Pauli"],
        parent_id=st.none(),
    )
)
def test_any_valid_project_is_read_back_as_it_was_sent(
    target: SalesforceTarget, raw: dict[str, Any]
) -> None:
    project_id = fresh()
    values = full(project_id, **{path: check(path, value) for path, value in raw.items()})
    (outcome,) = target.write([Write(project_id, Action.CREATE, values)])
    assert outcome.done, outcome.problem
    back = target.read([Ref(project_id, local=values)])[project_id].values
    expected = {path: value for path, value in values.items() if path not in outcome.skipped}
    assert back == expected


def test_sent_twice_there_is_still_one_row(org: Org, target: SalesforceTarget) -> None:
    project_id = fresh()
    (first,) = target.write([create(project_id)])
    (second,) = target.write([create(project_id, status="Paused")])
    assert first.remote_id == second.remote_id
    assert count_of(org, project_id) == 1


def test_an_update_changes_its_fields_and_no_others(org: Org, target: SalesforceTarget) -> None:
    project_id = fresh()
    before = made(target, project_id, department="Finance")
    (outcome,) = target.write([update(before, status="Completed")])
    assert outcome.done
    after = target.read([Ref(project_id)])[project_id]
    assert after.values == {**before.values, "status": "Completed"}


def test_a_row_that_may_have_been_made_is_looked_for_in_the_recycle_bin(
    target: SalesforceTarget,
) -> None:
    remote = made(target, fresh())
    target.write([Write(remote.project_id, Action.DELETE, remote_id=remote.remote_id)])
    assert not target.read([Ref(remote.project_id)])[remote.project_id].exists
    found = target.read([Ref(remote.project_id, sought=True)])[remote.project_id]
    assert (found.exists, found.deleted, found.remote_id) == (True, True, remote.remote_id)
    assert found.created_at is not None
    assert abs((found.created_at - found.deleted_at).total_seconds()) < 60  # type: ignore[operator]


def test_of_two_rows_in_the_recycle_bin_the_last_deleted_one_is_found(
    target: SalesforceTarget,
) -> None:
    project_id, ids = fresh(), []
    for _ in range(2):
        remote = made(target, project_id)
        ids.append(remote.remote_id)
        target.write([Write(project_id, Action.DELETE, remote_id=remote.remote_id)])
    assert len(set(ids)) == 2
    for known in (None, *ids):
        found = target.read([Ref(project_id, known, sought=True)])[project_id]
        assert (found.deleted, found.remote_id) == (True, ids[1])


def test_a_deleted_row_is_not_revived_by_an_edit(org: Org, target: SalesforceTarget) -> None:
    remote = made(target, fresh())
    (gone,) = target.write([Write(remote.project_id, Action.DELETE, remote_id=remote.remote_id)])
    assert gone.done
    (again,) = target.write([Write(remote.project_id, Action.DELETE, remote_id=remote.remote_id)])
    assert again.done
    (outcome,) = target.write([update(remote, status="Paused")])
    assert problem_of(outcome)[0] is ErrorClass.STALE
    (guarded,) = target.write([update(remote, contested=True, status="Paused")])
    assert problem_of(guarded)[0] is ErrorClass.STALE
    link = Write(remote.project_id, Action.LINK, {"parent_id": None})
    assert problem_of(target.write([link])[0])[0] is ErrorClass.STALE
    assert count_of(org, remote.project_id) == 0
    known = target.read([Ref(remote.project_id, remote.remote_id), Ref("never-there")])
    assert (known[remote.project_id].exists, known[remote.project_id].deleted) == (True, True)
    assert not known["never-there"].exists


def test_a_restore_makes_the_row_again_under_the_same_id(
    org: Org, target: SalesforceTarget
) -> None:
    remote = made(target, fresh())
    target.write([Write(remote.project_id, Action.DELETE, remote_id=remote.remote_id)])
    restore = Write(
        remote.project_id,
        Action.RESTORE,
        full(remote.project_id),
        remote_id=remote.remote_id,
    )
    (outcome,) = target.write([restore])
    assert outcome.done
    assert outcome.remote_id not in (None, remote.remote_id)
    back = target.read([Ref(remote.project_id, remote.remote_id)])[remote.project_id]
    assert (back.exists, back.deleted, back.remote_id) == (True, False, outcome.remote_id)


def test_a_parent_is_linked_and_unlinked_by_our_ids(org: Org, target: SalesforceTarget) -> None:
    parent, child = fresh(), fresh()
    outcomes = target.write(
        [
            create(child, parent_id=parent),
            create(parent),
            Write(child, Action.LINK, {"parent_id": parent}),
        ]
    )
    assert [o.done for o in outcomes] == [True, True, True]
    remote = target.read([Ref(child)])[child]
    assert remote.values["parent_id"] == parent
    (unlinked,) = target.write(
        [Write(child, Action.LINK, {"parent_id": None}, remote_id=remote.remote_id)]
    )
    assert unlinked.done
    assert target.read([Ref(child)])[child].values["parent_id"] is None


def test_a_parent_that_is_not_there_fails_the_link_alone(
    org: Org, target: SalesforceTarget
) -> None:
    one, two = made(target, fresh()), made(target, fresh())
    outcomes = target.write(
        [
            Write(one.project_id, Action.LINK, {"parent_id": "nobody"}, remote_id=one.remote_id),
            update(two, status="Paused"),
        ]
    )
    assert outcomes[1].done
    assert problem_of(outcomes[0]) == (ErrorClass.PERMANENT, ("parent_id",))


def test_a_parent_that_a_person_made_there_is_not_judged(
    org: Org, target: SalesforceTarget
) -> None:
    theirs = org.initiative(DataOS_Project_Id__c=None)
    remote = made(target, fresh())
    changed = {"Parent_Initiative__c": theirs}
    org.call("PATCH", f"sobjects/Ticket__c/{remote.remote_id}", changed, user="ana")
    assert "parent_id" not in target.read([Ref(remote.project_id)])[remote.project_id].values


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("status", "In Proof"),
        ("feature_name", "x" * 256),
        ("feature_name", "🧩" * 128),
        ("intake.dev_readiness", 101),
        ("launch_target", "2026-13-01"),
        ("sort_order", 100_000),
        ("total_score", -1),
        ("brief.punchline", "x" * 501),
    ],
)
def test_a_refused_value_names_its_field_and_hurts_nobody_else(
    org: Org, target: SalesforceTarget, path: str, value: Any
) -> None:
    good, bad = made(target, fresh()), made(target, fresh())
    write = update(bad, **{path: value})
    outcomes = target.write([update(good, status="Paused"), write])
    assert outcomes[0].done
    assert problem_of(outcomes[1]) == (ErrorClass.PERMANENT, (path,))
    assert outcomes[1].problem is not None
    assert BY_PATH[path].label in outcomes[1].problem.sentence


def test_somebodys_change_is_told_with_its_author(org: Org, target: SalesforceTarget) -> None:
    remote = made(target, fresh())
    org.call(
        "PATCH",
        f"sobjects/Ticket__c/{remote.remote_id}",
        {"Status__c": "Paused", "OwnerId": org.id_of("ben")},
        user="ana",
    )
    after = target.read([Ref(remote.project_id)])[remote.project_id]
    assert (after.modified_by, after.modified_by_us) == ("Ana Ruiz", False)
    assert after.values["status"] == "Paused"
    assert after.values["product_owner"] == "Ben Osei"
    assert after.modified_at is not None


def test_an_owner_that_is_a_queue_or_this_program_is_nobodys_edit(
    org: Org, target: SalesforceTarget
) -> None:
    remote = made(target, fresh())
    assert "product_owner" not in target.read([Ref(remote.project_id)])[remote.project_id].values
    (queue,) = org.soql("SELECT Id FROM Group WHERE Type = 'Queue'")
    changed = {"OwnerId": queue["Id"]}
    answer = org.call("PATCH", f"sobjects/Ticket__c/{remote.remote_id}", changed, user="ana")
    assert answer.status_code == 204, answer.text
    after = target.read([Ref(remote.project_id, local={"product_owner": "Ana Ruiz"})])
    assert "product_owner" not in after[remote.project_id].values


def test_a_guarded_write_stops_at_a_later_change(org: Org, target: SalesforceTarget) -> None:
    remote = made(target, fresh())
    (fine,) = target.write([update(remote, contested=True, department="IT")])
    assert fine.done
    org.fault("clock:30")
    org.call("PATCH", f"sobjects/Ticket__c/{remote.remote_id}", {"Status__c": "Paused"}, user="ana")
    (stale,) = target.write([update(remote, contested=True, status="Completed")])
    assert problem_of(stale)[0] is ErrorClass.STALE
    again = target.read([Ref(remote.project_id)])[remote.project_id]
    assert again.values["status"] == "Paused"
    (through,) = target.write([update(again, contested=True, status="Completed")])
    assert through.done


@pytest.mark.parametrize(
    ("fault", "contested"),
    [
        *itertools.product(("cut-after", "cut-before", "500", "bare:502"), (False, True)),
        # A guarded write is answered without a body, which has no middle to cut.
        ("cut-body", False),
    ],
)
def test_a_lost_answer_is_unknown_and_reading_tells(
    org: Org, target: SalesforceTarget, fault: str, contested: bool
) -> None:
    remote = made(target, fresh())
    org.fault(f"{fault},count=1,method=PATCH")
    (outcome,) = target.write([update(remote, contested=contested, status="Paused")])
    assert problem_of(outcome)[0] is ErrorClass.UNKNOWN
    after = target.read([Ref(remote.project_id)])[remote.project_id]
    arrived = fault in ("cut-after", "cut-body")
    assert after.values["status"] == ("Paused" if arrived else "Yet to Start")


@pytest.mark.parametrize("action", ["create", "delete"])
def test_a_create_or_delete_whose_answer_was_lost_happened(
    org: Org, target: SalesforceTarget, action: str
) -> None:
    project_id = fresh()
    write = create(project_id)
    if action == "delete":
        remote = made(target, project_id)
        write = Write(project_id, Action.DELETE, remote_id=remote.remote_id)
    org.fault("cut-after,count=1,path=composite")
    (outcome,) = target.write([write])
    assert problem_of(outcome)[0] is ErrorClass.UNKNOWN
    assert count_of(org, project_id) == (1 if action == "create" else 0)


@pytest.mark.parametrize(
    ("fault", "code", "wait"),
    [
        ("403", "REQUEST_LIMIT_EXCEEDED", None),
        ("429:7", None, 7.0),
        ("429", None, None),
        ("503", "SERVER_UNAVAILABLE", None),
        ("401", "INVALID_SESSION_ID", None),
    ],
)
def test_a_closed_door_pauses_the_target_and_charges_no_row(
    org: Org, target: SalesforceTarget, fault: str, code: str | None, wait: float | None
) -> None:
    remote = made(target, fresh())
    org.fault(f"{fault},count=2")
    for attempt in (
        lambda: target.write([update(remote, status="Paused")]),
        lambda: target.read([Ref(remote.project_id)]),
    ):
        with pytest.raises(TargetDown) as down:
            attempt()
        assert down.value.problem.cls is ErrorClass.PAUSE
        assert down.value.problem.retry_after == wait
        assert code in (None, down.value.problem.code)
    assert target.write([update(remote, status="Paused")])[0].done


def test_a_locked_row_is_for_later_and_the_others_arrive(
    org: Org, target: SalesforceTarget
) -> None:
    ids = [fresh() for _ in range(4)]
    org.fault("lock,every=2")
    outcomes = target.write([create(one) for one in ids])
    classes = [o.problem.cls if o.problem else None for o in outcomes]
    assert classes == [None, ErrorClass.TRANSIENT, None, ErrorClass.TRANSIENT]
    org.calm()
    assert [target.read([Ref(one)])[one].exists for one in ids] == [True, False, True, False]


def test_a_duplicate_during_upsert_is_for_later(org: Org, target: SalesforceTarget) -> None:
    org.fault("row:DUPLICATE_VALUE,count=1")
    (outcome,) = target.write([create(fresh())])
    assert problem_of(outcome)[0] is ErrorClass.TRANSIENT


def test_two_rows_with_one_project_id_are_nothing_a_retry_mends(
    org: Org, target: SalesforceTarget
) -> None:
    project_id = fresh()
    org.fault("duplicates")
    for _ in range(2):
        org.initiative(DataOS_Project_Id__c=project_id)
    (outcome,) = target.write([create(project_id)])
    assert problem_of(outcome)[0] is ErrorClass.PERMANENT


def test_history_tells_who_changed_what_and_whether_a_send_arrived(
    org: Org, target: SalesforceTarget
) -> None:
    began = dt.datetime.now(dt.UTC)
    remote = made(target, fresh(), it_lead="Ana Ruiz")
    assert remote.remote_id is not None
    target.write([update(remote, status="In QA", it_lead="ben@example.com")])
    org.call("PATCH", f"sobjects/Ticket__c/{remote.remote_id}", {"Status__c": "Paused"}, user="ana")
    rows = target.history([remote.remote_id], began - dt.timedelta(seconds=5))
    assert rows is not None
    told = [(row.path, row.old, row.new, row.by_us) for row in rows]
    assert ("status", "Yet to Start", "In QA", True) in told
    assert ("status", "In QA", "Paused", False) in told
    assert ("it_lead", "Ana Ruiz", "Ben Osei", True) in told
    assert ("created", None, None, True) in told

    def applied(record: str, values: dict[str, Any], sent: dt.datetime) -> bool | None:
        at = target.applied_at(record, values, sent)
        return at if at is None else bool(at)

    assert applied(remote.remote_id, {"it_lead": "BEN@example.com"}, began) is True
    assert applied(remote.remote_id, {"status": "Completed"}, began) is False
    assert applied(remote.remote_id, {"brief.punchline": "x"}, began) is None
    assert applied(remote.remote_id, full(remote.project_id), began) is True


def test_history_of_a_write_that_never_came_says_so(org: Org, target: SalesforceTarget) -> None:
    remote = made(target, fresh())
    assert remote.remote_id is not None
    later = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=60)
    org.fault("clock:60")
    org.call("PATCH", f"sobjects/Ticket__c/{remote.remote_id}", {"Status__c": "Paused"}, user="ana")
    rows = target.history([remote.remote_id], later - dt.timedelta(seconds=3))
    assert rows is not None
    assert [(row.path, row.new, row.by_us) for row in rows] == [("status", "Paused", False)]


def test_a_first_sync_of_fifty_projects_costs_few_calls(org: Org) -> None:
    target = connected(org)
    ids = [fresh() for _ in range(50)]
    assert not any(r.exists for r in target.read([Ref(one) for one in ids]).values())
    outcomes = target.write([create(one) for one in ids])
    assert all(outcome.done for outcome in outcomes)
    known = {one: outcome.remote_id for one, outcome in zip(ids, outcomes, strict=True)}
    links = [
        Write(one, Action.LINK, {"parent_id": ids[0]}, remote_id=known[one]) for one in ids[1:]
    ]
    assert all(outcome.done for outcome in target.write(links))
    found = target.read([Ref(one, known[one]) for one in ids])
    assert [found[one].values["parent_id"] for one in ids[1:]] == [ids[0]] * 49
    usage = target.usage()
    assert usage.calls <= 8
    assert usage.used is not None
    assert usage.limit is not None
    target.close()


def test_two_hundred_rows_are_one_request_a_kind(org: Org, target: SalesforceTarget) -> None:
    ids = [fresh() for _ in range(200)]
    before = target.usage().calls
    outcomes = target.write([create(one) for one in ids])
    assert target.usage().calls == before + 1
    remotes = target.read([Ref(one) for one in ids])
    assert target.usage().calls == before + 2
    updates = target.write([update(remotes[one], priority="P2") for one in ids])
    deletes = target.write(
        [Write(one, Action.DELETE, remote_id=remotes[one].remote_id) for one in ids]
    )
    assert target.usage().calls == before + 4
    assert all(o.done for o in [*outcomes, *updates, *deletes])


def test_the_servers_clock_is_known(org: Org) -> None:
    target = connected(org)
    assert target.clock_offset() == 0.0
    org.fault("clock:-3600")
    target.read([Ref("nobody")])
    assert abs((target.clock_offset() or 0.0) + 3600) <= 1.0
    target.close()


@pytest.fixture
def jwt_target(org: Org, tmp_path: Path) -> Iterator[Callable[..., SalesforceTarget]]:
    targets: list[SalesforceTarget] = []

    def make(**more: Any) -> SalesforceTarget:
        key = tmp_path / "key.pem"
        key.write_bytes(
            KEY.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        given = {"client_id": CLIENT_ID, "username": INTEGRATION_USERNAME, "timeout": 20.0} | more
        connection = SalesforceConnection(private_key=str(key), login_url=org.url, **given)
        targets.append(SalesforceTarget(connection))
        return targets[-1]

    yield make
    for target in targets:
        target.close()


def test_a_jwt_login_is_taken(org: Org, jwt_target: Callable[..., SalesforceTarget]) -> None:
    target = jwt_target()
    assert target.connect() == org.organization
    assert made(target, fresh()).exists


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"username": "stranger@example.com"}, "hasn't approved"),
        ({"client_id": "other"}, "invalid_client_id"),
    ],
)
def test_a_refused_jwt_login_says_why(
    org: Org, jwt_target: Callable[..., SalesforceTarget], more: dict[str, str], words: str
) -> None:
    with pytest.raises(TargetDown, match=words):
        jwt_target(**more).connect()


def test_a_session_that_ran_out_is_renewed_and_the_guard_stays_on(
    org: Org, jwt_target: Callable[..., SalesforceTarget]
) -> None:
    target = jwt_target()
    remote = made(target, fresh())
    org.fault("clock:30")
    org.call("PATCH", f"sobjects/Ticket__c/{remote.remote_id}", {"Status__c": "Paused"}, user="ana")
    org.fault("401,count=1")
    (outcome,) = target.write([update(remote, contested=True, status="Completed")])
    assert problem_of(outcome)[0] is ErrorClass.STALE
    org.fault("401,count=1")
    (plain,) = target.write([update(remote, department="IT")])
    assert plain.done


def test_a_second_refusal_pauses(org: Org, jwt_target: Callable[..., SalesforceTarget]) -> None:
    target = jwt_target()
    target.connect()
    org.fault("401")
    with pytest.raises(TargetDown, match="the access token was refused"):
        target.read([Ref("nobody")])
