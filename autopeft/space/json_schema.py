"""The JSON Schema of spaces, made from the vocabulary: editors complete and check by it what people write."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from autopeft.space.document import OPTIONAL
from autopeft.space.vocabulary import WORDY, Knob, MethodWords, Vocabulary

__all__ = ["DRAFT", "space_schema"]

#: What editors read: the YAML language server knows this draft best.
DRAFT = "http://json-schema.org/draft-07/schema#"

_Schema = dict[str, Any]

_WORD = r"[\w.+\-/%*]+"
_RANGE = rf"{_WORD}?\s*\.\.\s*{_WORD}(\s+by\s+x?\s*\d+(\.\d+)?|\s+log)?"
#: Alternatives of numbers, sizes and ranges, as the grammar has them.
_NUMBERS = rf"^\s*({_RANGE}|{_WORD})(\s*\|\s*({_RANGE}|{_WORD}))*\s*$"
_LAYERS: _Schema = {
    "description": "layers in which it may be: all, subset (a bit for each), subset of 0-5, or a list",
    "anyOf": [
        {"enum": ["all", "subset"]},
        {"type": "string", "pattern": r"^(subset of)?[\s\d,\-]*\d$"},
        {"type": "integer", "minimum": 0},
        {"type": "array", "minItems": 1, "items": {"type": ["integer", "string"]}},
    ],
}


def space_schema(vocabulary: Vocabulary, under: str = "#/definitions/") -> _Schema:
    """Return the JSON Schema (draft 7) of a space: its keys, methods, knobs and the forms of their values.

    What it accepts may still be wrong for what a schema cannot say, such as methods that exclude each other:
    `autopeft spaces check` finds that. Null is accepted where a value may stand: with `extends` it removes.

    Args:
        vocabulary: What may be named.
        under: Where its definitions will stand.
    """
    written = _Writer(under)
    methods = {name: written.method(words) for name, words in vocabulary.methods.items()}
    sections = {
        section: _mapping({name: written.knob(knob) for name, knob in knobs.items()}, f"knobs of {section}")
        for section, knobs in vocabulary.sections.items()
    }
    written.definitions["methods"] = _mapping(methods, "methods and the values of their knobs")
    return {
        "$schema": DRAFT,
        "title": "Search space of autopeft",
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "name": {"type": "string", "pattern": r"^[\w.-]+$", "description": "its name"},
            "extends": {"type": "string", "description": "space that it starts from: a name or a YAML file"},
            "layers": written.ref("layers"),
            "modules": written.ref("methods"),
            "choose": written.ref("methods"),
            **sections,
            "constraints": {
                "description": "conditions that configurations meet, such as `params <= 1%`",
                "type": ["array", "null"],
                "items": {"type": "string"},
            },
        },
        "anyOf": [{"required": [key]} for key in ("modules", "choose", "extends")],
        "definitions": written.definitions,
    }


class _Writer:
    """Writes methods and knobs; what many of them share stands once, among the definitions."""

    def __init__(self, under: str) -> None:
        self.under = under
        self.definitions: _Schema = {
            "layers": _LAYERS,
            "per": {"type": "string", "pattern": r"^(layer|role|[1-9]\d* layer groups?)$"},
            "numbers": _listed([{"type": "number"}, {"type": "string", "pattern": _NUMBERS}, {"type": "null"}]),
            # YAML reads `off` as a truth value.
            "sizes": _listed([{"type": "number"}, {"const": False}, {"type": "string", "pattern": _NUMBERS}]),
        }

    def ref(self, name: str) -> _Schema:
        return {"$ref": f"{self.under}{name}"}

    def method(self, words: MethodWords) -> _Schema:
        own = {} if words.placement == "model" else {"layers": self.ref("layers")}
        own[OPTIONAL] = {"type": "boolean", "description": "whether configurations may be without it"}
        return _mapping({**own, **{knob.name: self.knob(knob) for knob in words.knobs}}, words.summary)

    def knob(self, knob: Knob) -> _Schema:
        values = self.values(knob)
        # Drafts before 2019 read nothing beside a reference.
        described: _Schema = {"description": knob.help} | ({} if knob.default is None else {"default": knob.default})
        if not knob.placed or knob.kind == "roles":
            return described | {"anyOf": [values, {"type": "null"}]}
        placed = {
            "type": "object",
            "additionalProperties": False,
            "required": ["per", "values"],
            "properties": {"per": self.ref("per"), "values": values},
        }
        return described | {"anyOf": [values, placed, {"type": "null"}]}

    def values(self, knob: Knob) -> _Schema:
        """Return the forms of a knob's values: one, alternatives in a text, a list of them."""
        if knob.kind == "roles":
            return self.roles(knob.choices)
        if knob.kind in ("name", "text"):
            return _listed([{"type": "string"}])
        if knob.kind == "bool":
            return _listed([{"type": "boolean"}, _alternatives(("true", "false"))])
        if knob.kind in WORDY:
            return _listed([{"enum": list(knob.choices)}, _alternatives(knob.choices)])
        return self.ref("sizes" if knob.gate else "numbers")

    def roles(self, roles: tuple[str, ...]) -> _Schema:
        name = "roles-" + "-".join(roles)
        one, listed = {"enum": list(roles)}, rf"{_any_of(roles)}(\s*,\s*{_any_of(roles)})*"
        among = {"type": "string", "pattern": rf"^(subset of)?\s*{listed}\s*$"}
        self.definitions[name] = {"anyOf": [one, among, {"type": "array", "minItems": 1, "items": one}]}
        return self.ref(name)


def _mapping(properties: Mapping[str, _Schema], description: str) -> _Schema:
    return {
        "description": description,
        "type": ["object", "null"],
        "additionalProperties": False,
        "properties": dict(properties),
    }


def _listed(one: list[_Schema]) -> _Schema:
    return {"anyOf": [*one, {"type": "array", "minItems": 1, "items": {"anyOf": one}}]}


def _alternatives(words: Iterable[str]) -> _Schema:
    return {"type": "string", "pattern": rf"^\s*{_any_of(words)}(\s*\|\s*{_any_of(words)})*\s*$"}


def _any_of(words: Iterable[str]) -> str:
    return f"({'|'.join(re.escape(word) for word in words)})"
