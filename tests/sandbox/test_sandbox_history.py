"""Field history: what is tracked, how lookups and long texts look, and who wrote it when."""

from __future__ import annotations

from typing import Any

FIELDS = "Field, OldValue, NewValue, DataType, CreatedBy.Username"


def history(org: Any, ticket: str) -> list[dict[str, Any]]:
    return org.soql(  # type: ignore[no-any-return]
        f"SELECT {FIELDS} FROM Ticket__History WHERE ParentId = '{ticket}' ORDER BY CreatedDate, Id"
    )


def entry(field: str, old: Any, new: Any, kind: str, by: str = "ana") -> dict[str, Any]:
    return {
        "Field": field,
        "OldValue": old,
        "NewValue": new,
        "DataType": kind,
        "CreatedBy": {"Username": f"{by}@example.com"},
    }


def test_creation_writes_one_row_and_no_values(org: Any) -> None:
    made = org.initiative(Status__c="Paused", IT_Lead__c=org.id_of("eva"))
    (row,) = history(org, made)
    assert (row["Field"], row["OldValue"], row["NewValue"]) == ("created", None, None)


def test_changed_fields_are_written_with_old_and_new(org: Any) -> None:
    made = org.initiative(Status__c="Paused", Dev_Readiness__c=50)
    org.client("ana").Ticket__c.update(
        made,
        {"Status__c": "In QA", "Dev_Readiness__c": 80, "Launch_Target_Raw__c": "2026-12-01"},
    )
    changes = sorted(history(org, made)[1:], key=lambda row: row["Field"])
    assert changes == [
        entry("Dev_Readiness__c", 50.0, 80.0, "Percent"),
        entry("Launch_Target_Raw__c", None, "2026-12-01", "Text"),
        entry("Status__c", "Paused", "In QA", "DynamicEnum"),
    ]


def test_a_lookup_writes_names_and_ids(org: Any) -> None:
    eva, dev = org.id_of("eva"), org.id_of("dev")
    made = org.initiative(OwnerId=eva, IT_Lead__c=eva)
    org.client("ana").Ticket__c.update(made, {"OwnerId": dev, "IT_Lead__c": None})
    assert history(org, made)[1:] == [
        entry("Owner", "Eva Lund", "Dev Patel", "Text"),
        entry("Owner", eva, dev, "EntityId"),
        entry("IT_Lead__c", "Eva Lund", None, "Text"),
        entry("IT_Lead__c", eva, None, "EntityId"),
    ]


def test_queue_as_owner_has_its_name(org: Any) -> None:
    queue = org.soql("SELECT Id FROM Group")[0]["Id"]
    made = org.initiative(OwnerId=org.id_of("eva"))
    org.client("ana").Ticket__c.update(made, {"OwnerId": queue})
    assert history(org, made)[1] == entry("Owner", "Eva Lund", "IT Intake", "Text")


def test_long_text_is_tracked_without_values_and_other_fields_not_at_all(org: Any) -> None:
    made = org.initiative()
    body = {"Description__c": "text", "Why_It_Matters__c": "text", "Alignment__c": True}
    org.client("ana").Ticket__c.update(made, body)
    assert history(org, made)[1:] == [entry("Description__c", None, None, "TextArea")]


def test_an_update_without_a_change_writes_nothing(org: Any) -> None:
    made = org.initiative(Status__c="Paused")
    org.client("ana").Ticket__c.update(made, {"Status__c": "Paused", "Title__c": "An initiative "})
    assert len(history(org, made)) == 1


def test_histories_come_as_a_child_relationship_too(org: Any) -> None:
    made = org.initiative(Status__c="Paused")
    org.client("ana").Ticket__c.update(made, {"Status__c": "In QA"})
    (row,) = org.soql(
        "SELECT Id, (SELECT Field, NewValue FROM Histories WHERE Field = 'Status__c')"
        f" FROM Ticket__c WHERE Id = '{made}'"
    )
    assert row["Histories"] == {
        "totalSize": 1,
        "done": True,
        "records": [{"Field": "Status__c", "NewValue": "In QA"}],
    }


def test_the_limit_of_a_child_relationship_counts_for_each_parent(org: Any) -> None:
    made = [org.initiative(Status__c="Paused") for _ in range(2)]
    for ticket in made:
        org.client("ana").Ticket__c.update(ticket, {"Status__c": "In QA"})
    ids = "', '".join(made)
    found = org.soql(
        "SELECT (SELECT Field FROM Histories ORDER BY CreatedDate DESC, Id DESC LIMIT 1)"
        f" FROM Ticket__c WHERE Id IN ('{ids}')"
    )
    fields = [[h["Field"] for h in row["Histories"]["records"]] for row in found]
    assert fields == [["Status__c"], ["Status__c"]]


def test_values_of_history_can_only_be_selected(org: Any) -> None:
    answer = org.call(
        "GET", "query", params={"q": "SELECT Id FROM Ticket__History WHERE NewValue = 'x'"}
    )
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "INVALID_FIELD")


def test_a_deleted_ticket_takes_its_history_along(org: Any) -> None:
    made = org.initiative()
    org.call("DELETE", f"sobjects/Ticket__c/{made}")
    assert history(org, made) == []
    query = f"SELECT Id FROM Ticket__History WHERE ParentId = '{made}'"
    assert len(org.soql(query, everything=True)) == 1


def test_history_can_not_be_written(org: Any) -> None:
    answer = org.call("POST", "sobjects/Ticket__History", {"Field": "Status__c"})
    assert answer.status_code == 400
