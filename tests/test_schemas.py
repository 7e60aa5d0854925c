"""What editors complete and check by: every YAML that is shipped is accepted, what is of wrong structure is not."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator

from autopeft.launch import plan_schema
from autopeft.methods import VOCABULARY
from autopeft.space import SearchSpace, space_schema
from autopeft.space.document import OPTIONAL

ROOT = Path(__file__).resolve().parents[1]


def _is_space(data: Mapping[str, Any]) -> bool:
    return bool({"modules", "choose", "extends"} & data.keys())


def _is_ours(data: Any) -> bool:
    """Tell whether a file is a space or the file of a search, not a list of ours or a manifest of Kubernetes."""
    return isinstance(data, dict) and "apiVersion" not in data


SHIPPED = [
    path
    for folder in ("search_spaces", "studies", "examples")
    for path in sorted((ROOT / folder).rglob("*.yaml"))
    if _is_ours(yaml.safe_load(path.read_text(encoding="utf8")))
]


@pytest.fixture(scope="module")
def validators() -> Mapping[str, Draft7Validator]:
    schemas = {"space": space_schema(VOCABULARY), "plan": plan_schema(VOCABULARY)}
    for schema in schemas.values():
        Draft7Validator.check_schema(schema)
    return {name: Draft7Validator(schema) for name, schema in schemas.items()}


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: str(path.relative_to(ROOT)))
def test_what_is_shipped_is_accepted(validators: Mapping[str, Draft7Validator], path: Path) -> None:
    data = yaml.safe_load(path.read_text(encoding="utf8"))
    errors = [error.message for error in validators["space" if _is_space(data) else "plan"].iter_errors(data)]
    assert not errors


LORA = {"lora": {"rank": 8}}

ACCEPTED_SPACES = [
    {"modules": {"lora": {"rank": "off | 1..64 by x2", "alpha": "1r | 2r", "targets": "subset of q, v"}}},
    {"modules": {"lora": {"rank": {"per": "4 layer groups", "values": ["off", 2, 4]}, "targets": ["q", "v"]}}},
    {"modules": {"lora": None}, "layers": [0, 1, 2], "training": {"learning_rate": "1e-4 .. 1e-2 log"}},
    {"extends": "default", "modules": {"prefix": None}, "constraints": ["params <= 1%"]},
    {"choose": {"lora": {"variant": ["lora", "dora"]}, "full": {}}, "layers": "subset of 0-5"},
    {
        "modules": {"prefix": {"length": "off | 1..64 by x2"}},
        "data": {"select": "all | random", "share": "20%..100% log"},
    },
]

WRONG_SPACES = [
    [],
    "lora",
    {},
    {"name": "empty"},
    {"modules": ["lora"]},
    {"modules": "lora"},
    {"module": LORA},
    {"modules": {"lorra": {"rank": 8}}},
    {"modules": {"lora": {"rnk": 8}}},
    {"modules": {"lora": {"rank": {"per": "layer"}}}},
    {"modules": {"lora": {"rank": {"per": "head", "values": 8}}}},
    {"modules": {"lora": {"rank": {"per": "layer", "values": 8, "of": 2}}}},
    {"modules": {"lora": {"rank": "1 to 8"}}},
    {"modules": {"lora": {"rank": []}}},
    {"modules": {"lora": {"targets": ["query"]}}},
    {"modules": {"lora": {"targets": "subset of query, v"}}},
    {"modules": {"lora": {"variant": "dorra"}}},
    {"modules": {"lora": {"variant": "lora | dorra"}}},
    {"modules": {"lora": {"variant": 3}}},
    {"modules": {"lora": {"gate": "perhaps"}}},
    {"modules": LORA, "layers": "some"},
    {"modules": LORA, "layers": []},
    {"modules": LORA, "name": "two words"},
    {"modules": LORA, "training": {"learning_rates": 1e-3}},
    {"modules": LORA, "training": ["learning_rate"]},
    {"modules": LORA, "training": {"learning_rate": "quick, then slow"}},
    {"modules": LORA, "data": {"augment": "everything"}},
    {"modules": LORA, "data": {"shares": "10%..100%"}},
    {"modules": LORA, "constraints": "params <= 1%"},
    {"modules": LORA, "constraints": [1]},
    {"extends": ["default"]},
]

WRONG_PLANS = [
    {"budgets": "1%"},
    {"budget": ["1%"]},
    {"trials": "many"},
    {"trials": 0},
    {"trials": 2.5},
    {"early_stopping": "sometimes"},
    {"sampler": "grid"},
    {"precision": "fp16"},
    {"final": 5000},
    {"final": {"trials": 5}},
    {"tasks": [{"data": "a.csv"}]},
    {"tasks": [{"data": "a.csv"}, {"dat": "b.csv"}]},
    {"space": ["default"]},
    {"space": {"modules": {"lorra": {}}}},
    {"configurations": {"mine": {"module": {}}}},
]


def test_spaces_that_the_language_allows_are_accepted(validators: Mapping[str, Draft7Validator]) -> None:
    for data in ACCEPTED_SPACES:
        assert not [error.message for error in validators["space"].iter_errors(data)], data
        if "extends" not in data:
            assert not SearchSpace.from_dict({"name": "it", **data}).problems(VOCABULARY), data


@pytest.mark.parametrize("data", WRONG_SPACES, ids=repr)
def test_spaces_of_wrong_structure_are_refused(validators: Mapping[str, Draft7Validator], data: Any) -> None:
    assert not validators["space"].is_valid(data)


@pytest.mark.parametrize("data", WRONG_PLANS, ids=repr)
def test_plans_of_wrong_structure_are_refused(validators: Mapping[str, Draft7Validator], data: Any) -> None:
    assert not validators["plan"].is_valid(data)


def test_every_method_and_knob_completes_own_ones_too() -> None:
    """In a process of its own, in which the plugin's method stays."""
    command = ["-m", "autopeft.cli", "schema", "space", "--plugin", str(ROOT / "examples" / "own_method.py")]
    done = subprocess.run([sys.executable, *command], capture_output=True, text=True, check=True)
    methods = json.loads(done.stdout)["definitions"]["methods"]["properties"]
    assert methods.keys() == {*VOCABULARY.methods, "gain"}
    for name, words in VOCABULARY.methods.items():
        assert methods[name]["properties"].keys() - {"layers", OPTIONAL} == words.by_name.keys()
        assert all(methods[name]["properties"][knob.name]["description"] for knob in words.knobs)
