"""What the organisation lacks of the package, asked over the wire."""

from __future__ import annotations

import json
from typing import Any

import pytest

from services.sandbox import describe
from services.sandbox.ticket import RECORD_TYPES, ticket_object
from services.sync.targets.base import TargetDown
from services.sync.targets.salesforce import SalesforceTarget
from tests.salesforce.sf_scripted import ScriptedOrg, error, records, reply


def described() -> dict[str, Any]:
    """The describe of an organisation that has everything."""
    types = [{"developerName": spec.developer_name, "available": True} for spec in RECORD_TYPES]
    shown = [describe.describe_field(spec) for spec in ticket_object().fields]
    return {"fields": json.loads(json.dumps(shown)), "recordTypeInfos": types}


def test_an_organisation_with_the_package_lacks_nothing(
    org: ScriptedOrg, target: SalesforceTarget
) -> None:
    org.play(reply(200, described()))
    assert target.lacking() == ()
    assert org.all_requests[-1].path.endswith("/sobjects/Ticket__c/describe")


def test_what_is_lacking_is_known_also_where_connecting_fails_for_it(
    org: ScriptedOrg, target: SalesforceTarget
) -> None:
    org.connecting["FROM RecordType"] = records()
    with pytest.raises(TargetDown, match="no record type"):
        target.connect()
    org.play(reply(200, described() | {"recordTypeInfos": []}))
    assert target.lacking() == ("the record type Strategic_Initiative is missing or not granted",)


@pytest.mark.parametrize("answer", [error(404, "NOT_FOUND"), reply(200, []), reply(200, {"a": 1})])
def test_no_describe_is_a_target_that_is_down(
    org: ScriptedOrg, target: SalesforceTarget, answer: Any
) -> None:
    org.play(answer)
    with pytest.raises(TargetDown):
        target.lacking()
