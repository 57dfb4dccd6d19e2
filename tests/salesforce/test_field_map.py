from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings

from services.itsc_sf_sync import (
    FIELD_MAP,
    field_map,
    from_salesforce,
    push_to_sf,
    to_salesforce,
)
from services.people import Directory, User
from store.canon import Refusal, Values, check, settle
from store.fields import BY_PATH, FIELDS, Kind
from tests.salesforce.projects import projects

US, ANA, BEN, LEFT = "005US", "005ANA", "005BEN", "005LEFT"
QUEUE = "00GQUEUE"
DIRECTORY = Directory(
    [
        User(US, "Integration User", "sync@example.com"),
        User(ANA, "Ana López", "ana@example.com"),
        User(BEN, "بن إيتو", "ben@example.com"),
        User(LEFT, "Old Hand", "old@example.com", active=False),
    ]
)


def held_by_salesforce(body: dict[str, Any]) -> dict[str, Any]:
    """A new row after this body, as Salesforce's rules (not ours) would keep it."""
    row: dict[str, Any] = dict.fromkeys(FIELD_MAP.values())
    row |= {api: False for path, api in FIELD_MAP.items() if BY_PATH[path].kind is Kind.BOOLEAN}
    row |= {"OwnerId": US, "Parent_Initiative__r": None}
    for api, value in body.items():
        if isinstance(value, dict):
            row["Parent_Initiative__c"] = "a00PARENT"
            row[api] = {"attributes": {}, "DataOS_Project_Id__c": value["DataOS_Project_Id__c"]}
        elif isinstance(value, str):
            row[api] = value.strip(" \t\r\n").replace("\r\n", "\n") or None
        elif isinstance(value, int) and not isinstance(value, bool):
            row[api] = float(value)
        else:
            row[api] = value
    return row


PROJECTS = projects(
    ["Ana López", "ANA@example.com", "بن إيتو", "Old Hand", "Nobody Known", "Integration User"]
)


@settings(max_examples=300)
@given(PROJECTS)
def test_what_salesforce_holds_after_a_push_is_read_back_as_what_was_pushed(
    raw: dict[str, Any],
) -> None:
    values: Values = {path: check(path, value) for path, value in raw.items()}
    body, skipped = to_salesforce(values, None, DIRECTORY.resolve)
    back = from_salesforce(held_by_salesforce(body), values, DIRECTORY, US)
    for path, value in values.items():
        if path in skipped:
            assert path not in back
        else:
            assert back[path] == value, path
            assert type(back[path]) is type(value), path


@given(PROJECTS)
def test_a_second_round_trip_changes_nothing(raw: dict[str, Any]) -> None:
    values: Values = {path: check(path, value) for path, value in raw.items()}
    body, _ = to_salesforce(values, None, DIRECTORY.resolve)
    row = held_by_salesforce(body)
    back = from_salesforce(row, values, DIRECTORY, US)
    again, _ = to_salesforce(back, None, DIRECTORY.resolve)
    for path, api in FIELD_MAP.items():
        if api in again:
            assert settle(path, again[api]) == settle(path, row[api])


def test_the_map_holds_every_pushed_field_once_and_no_formula() -> None:
    assert len(set(FIELD_MAP.values())) == len(FIELD_MAP) == len(FIELDS) == 31
    assert "Launch_Target__c" not in FIELD_MAP.values()
    assert FIELD_MAP["feature_name"] == "Title__c"
    assert FIELD_MAP["product_owner"] == "OwnerId"
    assert FIELD_MAP["brief.what_it_does"] == "Description__c"
    assert not [path for path in FIELD_MAP if path.startswith("scores") or "created_at" in path]


def test_an_organisation_names_its_existing_fields() -> None:
    mapped = field_map({"feature_name": "Subject__c", "status": "Stage__c"})
    assert mapped["feature_name"] == "Subject__c"
    body, _ = to_salesforce(
        {"feature_name": "A", "status": "Paused"}, None, DIRECTORY.resolve, mapped
    )
    assert body == {"Subject__c": "A", "Stage__c": "Paused"}
    assert from_salesforce({"Subject__c": "B"}, {}, DIRECTORY, US, mapped) == {"feature_name": "B"}


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ({"it_lead": "Lead__c"}, "fixed Salesforce field"),
        ({"nothing": "X__c"}, "fixed Salesforce field"),
        ({"status": "Status__c FROM User"}, "no Salesforce field name"),
        ({"status": ""}, "no Salesforce field name"),
        ({"status": "priority__C"}, "both name"),
    ],
)
def test_a_wrong_field_name_is_refused_with_one_sentence(names: dict[str, str], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        field_map(names)


def test_numbers_and_flags_go_in_their_own_types() -> None:
    body, skipped = to_salesforce(
        {"sort_order": 5, "intake.dev_readiness": 80, "flags.alignment": None},
        None,
        DIRECTORY.resolve,
    )
    assert body == {"Sort_Order__c": 5, "Dev_Readiness__c": 80, "Alignment__c": False}
    assert body["Alignment__c"] is False
    assert skipped == ()


def test_a_number_field_that_holds_text_is_refused_here() -> None:
    with pytest.raises(Refusal, match="Salesforce takes a number here"):
        to_salesforce({"sort_order": "soon"}, None, DIRECTORY.resolve)


def test_a_score_travels_as_the_total_alone() -> None:
    body, _ = to_salesforce({"scores.Ana": 4, "scores.B.C": None}, 9, DIRECTORY.resolve)
    assert body == {"Total_Score__c": 9}
    body, _ = to_salesforce({"total_score": 7}, None, DIRECTORY.resolve)
    assert body == {"Total_Score__c": 7}
    body, _ = to_salesforce({"status": "Paused"}, 9, DIRECTORY.resolve)
    assert "Total_Score__c" not in body


def test_people_without_a_user_are_skipped_and_an_owner_is_never_emptied() -> None:
    body, skipped = to_salesforce(
        {
            "it_lead": "Nobody Known",
            "product_owner": None,
            "intake.submitted_by": None,
            "intake.executive_sponsor": "ANA@EXAMPLE.COM",
        },
        None,
        DIRECTORY.resolve,
    )
    assert body == {"Submitted_By__c": None, "Executive_Sponsor__c": ANA}
    assert skipped == ("it_lead", "product_owner")


def test_a_parent_is_named_by_our_id_and_emptied_by_the_lookup() -> None:
    linked, _ = to_salesforce({"parent_id": "p-1"}, None, DIRECTORY.resolve)
    assert linked == {
        "Parent_Initiative__r": {
            "attributes": {"type": "Ticket__c"},
            "DataOS_Project_Id__c": "p-1",
        }
    }
    assert to_salesforce({"parent_id": None}, None, DIRECTORY.resolve)[0] == {
        "Parent_Initiative__c": None
    }


@pytest.mark.parametrize(
    ("lookup", "mine", "judged"),
    [
        (ANA, "ana@example.com", {"it_lead": "ana@example.com"}),
        (ANA, "Somebody Else", {"it_lead": "Ana López"}),
        (ANA, None, {"it_lead": "Ana López"}),
        (LEFT, "OLD HAND", {"it_lead": "OLD HAND"}),
        (LEFT, None, {"it_lead": "Old Hand"}),
        ("005UNKNOWN", "Ana López", {}),
        (None, None, {"it_lead": None}),
        (None, "Ana López", {"it_lead": None}),
        (None, "Nobody Known", {}),
        (None, "Old Hand", {}),
    ],
)
def test_a_person_comes_back_as_written_here_or_by_the_full_name(
    lookup: str | None, mine: str | None, judged: Values
) -> None:
    assert from_salesforce({"IT_Lead__c": lookup}, {"it_lead": mine}, DIRECTORY, US) == judged


@pytest.mark.parametrize(
    ("owner", "mine", "us", "judged"),
    [
        (ANA, None, US, {"product_owner": "Ana López"}),
        (ANA, "ana lópez", US, {"product_owner": "ana lópez"}),
        (US, "Ana López", US, {}),
        (US, None, US, {}),
        (QUEUE, "Ana López", US, {}),
        (None, "Ana López", US, {}),
        (BEN, "Ana López", None, {}),
        (ANA, "Ana López", None, {"product_owner": "Ana López"}),
    ],
)
def test_an_owner_is_an_edit_only_when_it_is_a_person_other_than_us(
    owner: str | None, mine: str | None, us: str | None, judged: Values
) -> None:
    assert from_salesforce({"OwnerId": owner}, {"product_owner": mine}, DIRECTORY, us) == judged


@pytest.mark.parametrize(
    ("row", "judged"),
    [
        ({"Parent_Initiative__c": None, "Parent_Initiative__r": None}, {"parent_id": None}),
        (
            {"Parent_Initiative__c": "a0", "Parent_Initiative__r": {"DataOS_Project_Id__c": "p"}},
            {"parent_id": "p"},
        ),
        (
            {"Parent_Initiative__c": "a0", "Parent_Initiative__r": {"DataOS_Project_Id__c": None}},
            {},
        ),
        ({"Parent_Initiative__c": "a0", "Parent_Initiative__r": None}, {}),
        ({}, {}),
    ],
)
def test_a_parent_that_has_no_id_of_ours_is_not_judged(row: dict[str, Any], judged: Values) -> None:
    assert from_salesforce(row, {}, DIRECTORY, US) == judged


def test_salesforces_forms_become_canonical_ones() -> None:
    row = {
        "Dev_Readiness__c": 80.0,
        "Total_Score__c": 12.0,
        "Alignment__c": True,
        "Title__c": "  🧩 A\r\n",
        "Strategic_Value__c": "",
        "Status__c": "In Proof",
    }
    assert from_salesforce(row, {}, DIRECTORY, US) == {
        "intake.dev_readiness": 80,
        "total_score": 12,
        "flags.alignment": True,
        "feature_name": "🧩 A",
        "strategic_value": None,
        "status": "In Proof",
    }


def test_pushing_one_project_drains_that_project_alone() -> None:
    drained: list[list[str]] = []

    def drain(ids: Any) -> int:
        drained.append(list(ids))
        return 1

    assert push_to_sf("p-1", drain) == 1
    assert drained == [["p-1"]]
    with pytest.raises(Refusal):
        push_to_sf("no id", drain)
