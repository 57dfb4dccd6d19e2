"""A project in JSON form: the fields of ``store.fields``, nested as their paths say.

This is the shape that commands print and documents hold. Reading input (``model_validate``) judges
each value by the rules of ``store.canon`` and brings it to canonical form; a stored project
(``from_stored``) is shown as it is, also where another system holds what our rules would refuse.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    computed_field,
    model_validator,
)
from pydantic_core import core_schema

from store import canon, fields, projects
from store.canon import Values

if TYPE_CHECKING:
    from pydantic.json_schema import JsonSchemaValue
    from pydantic_core import CoreSchema


@dataclass(frozen=True, slots=True)
class Rule:
    """The field's row in the table of fields: validates by ``canon.check``, and says its label,
    length, range and choices in the JSON schema. Raises Refusal, which pydantic reports."""

    path: str

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_before_validator_function(
            partial(canon.check, self.path), handler(source)
        )

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        field = fields.BY_PATH[self.path]
        found: JsonSchemaValue = {
            **handler(schema),
            "title": field.label,
            "maxLength": field.length,
            "minimum": field.low,
            "maximum": field.high,
            "enum": [*field.choices, *(() if field.required else (None,))] or None,
        }
        if not field.choices:
            found["enum"] = None
        return {key: value for key, value in found.items() if value is not None}


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Flags(_Part):
    """The five goals."""

    alignment: Annotated[bool, Rule("flags.alignment")] = False
    high_impact_work: Annotated[bool, Rule("flags.high_impact_work")] = False
    retention_focus: Annotated[bool, Rule("flags.retention_focus")] = False
    thought_leadership: Annotated[bool, Rule("flags.thought_leadership")] = False
    ai_ways_of_working: Annotated[bool, Rule("flags.ai_ways_of_working")] = False


class Brief(_Part):
    """The one-page brief."""

    what_it_does: Annotated[str | None, Rule("brief.what_it_does")] = None
    why_it_matters: Annotated[str | None, Rule("brief.why_it_matters")] = None
    business_impact: Annotated[str | None, Rule("brief.business_impact")] = None
    punchline: Annotated[str | None, Rule("brief.punchline")] = None


class Intake(_Part):
    """What the nomination said."""

    submitted_by: Annotated[str | None, Rule("intake.submitted_by")] = None
    executive_sponsor: Annotated[str | None, Rule("intake.executive_sponsor")] = None
    primary_system: Annotated[str | None, Rule("intake.primary_system")] = None
    dev_t_shirt: Annotated[str | None, Rule("intake.dev_t_shirt")] = None
    dev_readiness: Annotated[int | None, Rule("intake.dev_readiness")] = None
    intake_document_url: Annotated[str | None, Rule("intake.intake_document_url")] = None
    reviewer_comments: Annotated[str | None, Rule("intake.reviewer_comments")] = None


def _checked_scores(scores: dict[str, int]) -> dict[str, int]:
    votes = canon.check_all({fields.SCORES_PREFIX + name: n for name, n in scores.items()})
    canon.check_voters(votes)
    return {fields.voter_of(path): n for path, n in votes.items() if isinstance(n, int)}


class Project(_Part):
    """One project. ``scores`` is voter to 1..5; times are UTC ISO 8601 with ``Z``."""

    project_id: Annotated[
        str,
        AfterValidator(canon.check_project_id),
        Field(max_length=fields.PROJECT_ID_MAX, pattern="^[A-Za-z0-9_-]+$"),
    ]
    feature_name: Annotated[str, Rule("feature_name")]
    status: Annotated[str, Rule("status")] = str(fields.DEFAULTS["status"])
    priority: Annotated[str, Rule("priority")] = str(fields.DEFAULTS["priority"])
    sort_order: Annotated[int | None, Rule("sort_order")] = None
    product_owner: Annotated[str | None, Rule("product_owner")] = None
    it_lead: Annotated[str | None, Rule("it_lead")] = None
    launch_target: Annotated[str | None, Rule("launch_target")] = None
    department: Annotated[str | None, Rule("department")] = None
    strategic_group: Annotated[str | None, Rule("strategic_group")] = None
    strategic_value: Annotated[str | None, Rule("strategic_value")] = None
    level_of_effort: Annotated[str | None, Rule("level_of_effort")] = None
    flags: Flags = Flags()
    brief: Brief = Brief()
    intake: Intake = Intake()
    scores: Annotated[dict[str, int], AfterValidator(_checked_scores)] = {}
    total_score: Annotated[int | None, Rule("total_score")] = None
    parent_id: Annotated[str | None, Rule("parent_id")] = None
    imported_created_by: Annotated[str | None, Rule("imported_created_by")] = None
    imported_updated_by: Annotated[str | None, Rule("imported_updated_by")] = None
    created_by: str | None = None
    created_at: str | None = None
    updated_by: str | None = None
    updated_at: str | None = None
    sf_id: str | None = None

    @computed_field  # type: ignore[prop-decorator]
    @property
    def launch_date(self) -> dt.date | None:
        """The date behind the launch target; null for blanks, ``?``, ``TBD`` and ``N/A``."""
        return canon.launch_date(self.launch_target)

    @model_validator(mode="before")
    @classmethod
    def _without_derived(cls, data: Any) -> Any:
        """What is printed can be read again: a derived value in it is left out and recomputed."""
        if isinstance(data, Mapping):
            return {key: value for key, value in data.items() if key != "launch_date"}
        return data

    @classmethod
    def from_stored(cls, stored: projects.Project) -> Project:
        """A stored project, unjudged."""
        nested: dict[str, dict[str, Any]] = {group: {} for group in fields.GROUPS}
        plain: dict[str, Any] = {}
        for path in fields.BY_PATH:
            group, dot, name = path.partition(".")
            (nested[group] if dot else plain)[name or path] = stored.values.get(path)
        return cls.model_construct(
            project_id=stored.project_id,
            **plain,
            flags=Flags.model_construct(**nested["flags"]),
            brief=Brief.model_construct(**nested["brief"]),
            intake=Intake.model_construct(**nested["intake"]),
            scores=stored.scores,
            created_by=stored.created_by,
            created_at=stored.created_at,
            updated_by=stored.updated_by,
            updated_at=stored.updated_at,
            sf_id=stored.sf_id,
        )

    def to_values(self) -> Values:
        """The flat mapping that commands take: path to value, a path for each vote."""
        found: Values = {}
        for path in fields.BY_PATH:
            holder: Any = self
            for name in path.split("."):
                holder = getattr(holder, name)
            found[path] = holder
        return found | {fields.SCORES_PREFIX + voter: n for voter, n in self.scores.items()}
