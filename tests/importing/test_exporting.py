"""Views written out: what the formats look like, and that text stays text in each of them."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from services.exporting import FORMATS, TABLE_COLUMNS, Format, escape_markdown, export, nested
from store import fields

ROW: dict[str, Any] = {
    "project_id": "a-1",
    "scores.Zoë": 5,
    "scores.Ana": 4,
    "scores.Gone": None,
    "feature_name": "[P1] Bracketed [/red] Name",
    "status": "In QA",
    "priority": "P1",
    "flags.alignment": True,
    "flags.retention_focus": False,
    "brief.punchline": 'say "hi",\nthen go',
    "intake.dev_readiness": 80,
    "department": None,
    "created_by": "ana",
    "sync": {"firestore": {"state": "synced"}},
}


def written(format: Format, rows: list[dict[str, Any]], columns: list[str] | None = None) -> str:
    out = io.StringIO(newline="")
    export(iter(rows), format, out, columns)
    return out.getvalue()


def test_csv_is_rfc_4180_with_paths_as_titles_in_the_fields_order() -> None:
    assert written("csv", [ROW]) == (
        "project_id,feature_name,status,priority,department,intake.dev_readiness,"
        "flags.alignment,flags.retention_focus,brief.punchline,"
        "scores.Ana,scores.Gone,scores.Zoë,created_by,sync\r\n"
        'a-1,[P1] Bracketed [/red] Name,In QA,P1,,80,true,false,"say ""hi"",\nthen go",'
        '4,,5,ana,"{""firestore"": {""state"": ""synced""}}"\r\n'
    )


def test_csv_of_no_rows_is_a_header_with_every_field() -> None:
    [titles] = csv.reader(io.StringIO(written("csv", [])))
    assert titles == ["project_id", *fields.BY_PATH]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "'=1", "''-1", "=HYPERLINK(1)"])
def test_no_text_of_a_csv_is_a_formula(text: str) -> None:
    [_, [cell]] = csv.reader(io.StringIO(written("csv", [{"feature_name": text}])))
    assert cell == f"'{text}"


@pytest.mark.parametrize("text", ["'quoted'", "a=b", "(1)", "🧩 = x", "\u00a0=1"])
def test_other_text_of_a_csv_is_left_alone(text: str) -> None:
    [_, [cell]] = csv.reader(io.StringIO(written("csv", [{"feature_name": text}])))
    assert cell == text


def test_json_is_a_list_of_nested_projects() -> None:
    text = written("json", [ROW])
    assert json.loads(text) == [
        {
            "project_id": "a-1",
            "feature_name": "[P1] Bracketed [/red] Name",
            "status": "In QA",
            "priority": "P1",
            "department": None,
            "intake": {"dev_readiness": 80},
            "flags": {"alignment": True, "retention_focus": False},
            "brief": {"punchline": 'say "hi",\nthen go'},
            "scores": {"Ana": 4, "Zoë": 5},
            "created_by": "ana",
            "sync": {"firestore": {"state": "synced"}},
        }
    ]
    assert next(iter(json.loads(text)[0])) == "project_id"
    assert "Zoë" in text
    assert text.endswith("]\n")


def test_a_project_without_votes_has_an_empty_object_of_scores() -> None:
    assert nested({"project_id": "a"}) == {"project_id": "a", "scores": {}}


def test_a_voter_may_have_dots_in_his_name() -> None:
    assert nested({"scores.Dr. A.": 3})["scores"] == {"Dr. A.": 3}


def test_markdown_is_the_roadmaps_table() -> None:
    lines = written("md", [ROW]).split("\n")
    assert lines == [
        "| Priority | Feature | Department | Status | Level of Effort | Product Owner | IT Lead "
        "| Launch Target |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
        r"| P1 | \[P1\] Bracketed \[/red\] Name |  | In QA |  |  |  |  |",
        "",
    ]
    assert len(TABLE_COLUMNS) == 8


def test_columns_can_be_chosen_in_every_format() -> None:
    columns = ["brief.punchline", "flags.alignment"]
    assert written("csv", [ROW], columns).startswith("brief.punchline,flags.alignment\r\n")
    assert set(json.loads(written("json", [ROW], columns))[0]) == {"brief", "flags", "scores"}
    assert written("md", [ROW], columns).endswith('| say "hi",<br>then go | yes |\n')
    assert FORMATS == ("csv", "json", "md")


def shown(text: str) -> list[str]:
    """The cells of the one body row, as a reader of Markdown shows them."""
    table = written("md", [{"feature_name": text, "status": "end"}], ["feature_name", "status"])
    tokens = MarkdownIt("commonmark", {"html": True}).enable("table").parse(table)
    assert sum(token.type == "tr_open" for token in tokens) == 2
    cells = [token.children or [] for token in tokens if token.type == "inline"][2:]
    return ["".join(_plain(child) for child in cell) for cell in cells]


def _plain(token: Any) -> str:
    if token.type == "html_inline" and token.content == "<br>":
        return "\n"
    assert token.type in ("text", "text_special"), token
    return str(token.content)


@given(
    st.lists(
        st.sampled_from([*r"\`*_[]<>|~&$#!(){}+-.:/@\"'=", "\n", "a", " b", "é", "&amp;", "<br>"]),
        min_size=1,
        max_size=25,
    ).map("".join)
)
def test_text_in_a_markdown_table_is_shown_as_it_is(text: str) -> None:
    text = text.strip()
    if text:
        assert shown(text) == [text, "end"]


def test_escaping_leaves_plain_text_alone() -> None:
    assert escape_markdown("2026-12-15 (v1) 🧩 تقويم") == "2026-12-15 (v1) 🧩 تقويم"
