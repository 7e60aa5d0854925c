"""The JSON Schema of a search's YAML, its space written inside it included."""

from __future__ import annotations

from typing import Any

from autopeft.launch.groundwork import TASK_FIELDS
from autopeft.launch.plan import SearchPlan
from autopeft.space import Vocabulary, space_schema

__all__ = ["plan_schema"]


def plan_schema(vocabulary: Vocabulary) -> dict[str, Any]:
    """Return the JSON Schema (draft 7) of what `autopeft search` reads: every setting, its type and what it is for."""
    schema = SearchPlan.model_json_schema(ref_template="#/definitions/{model}")
    space = space_schema(vocabulary, "#/definitions/space/definitions/")
    draft = space.pop("$schema")
    known: dict[str, Any] = schema["properties"]
    for name, written in known.items():
        known[name] = _without_titles(written)
    named = {name: known[name] for name in TASK_FIELDS if name in known}
    called = {"type": "string", "description": "what it is called; default: what its data is"}
    task = {"type": "object", "additionalProperties": False, "properties": {"called": called, **named}}
    sections = {name: space["properties"][name] for name in ("modules", *vocabulary.sections)}
    configuration = {"type": "object", "additionalProperties": False, "properties": sections}
    known["space"] |= {"anyOf": [{"type": "string"}, {"$ref": "#/definitions/space"}, {"type": "null"}]}
    known["tasks"] |= {"anyOf": [{"type": "array", "minItems": 2, "items": task}, {"type": "null"}]}
    known["configurations"] |= {
        "anyOf": [{"type": "object", "additionalProperties": configuration}, {"type": "null"}],
    }
    known["budget"] |= {"type": ["string", "number"]}
    return {
        "$schema": draft,
        "title": "Search of autopeft",
        "type": "object",
        "additionalProperties": False,
        "properties": known,
        "definitions": {**schema.get("$defs", {}), "space": space},
    }


def _without_titles(schema: dict[str, Any]) -> dict[str, Any]:
    """Leave out what pydantic makes of names: editors show it beside the description."""
    return {key: value for key, value in schema.items() if key != "title"}
