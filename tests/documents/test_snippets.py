"""Every snippet of YAML, JSON and Python in the documents is what it says it is."""

from __future__ import annotations

import ast
import csv
import inspect
import json
import subprocess
import sys
from importlib import import_module

import pytest
import yaml
from jsonschema import Draft7Validator

import autopeft
from autopeft.launch import SearchPlan, plan_schema
from autopeft.methods import VOCABULARY
from autopeft.space import SearchSpace
from autopeft.space.document import KEYS
from tests.documents.pages import TOP, blocks

PYTHON = blocks("python")


@pytest.fixture(scope="module")
def plans():
    return Draft7Validator(plan_schema(VOCABULARY))


@pytest.mark.parametrize(("page", "text"), blocks("yaml"))
def test_yaml_has_no_faults(plans, page, text):
    data = yaml.safe_load(text)
    if data.keys() <= {*KEYS, "extends"} and isinstance(data.get("data", {}), dict):
        assert SearchSpace.from_yaml(text).problems(VOCABULARY) == []
        return
    assert [error.message for error in plans.iter_errors(data)] == []
    if isinstance(data.get("space"), dict):
        assert SearchSpace.from_dict({"name": "it", **data["space"]}).problems(VOCABULARY) == []


@pytest.mark.parametrize(("page", "text"), blocks("json"))
def test_json_can_be_read(page, text):
    assert all(json.loads(line) for line in text.splitlines())


@pytest.mark.parametrize(("page", "code"), PYTHON)
def test_python_names_what_exists(page, code):
    tree = ast.parse(code)
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module.split(".")[0] == "autopeft":
            assert all(hasattr(import_module(node.module), alias.name) for alias in node.names)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in autopeft.__all__:
            called = inspect.signature(getattr(autopeft, node.func.id))
            settings = SearchPlan.model_fields if "settings" in called.parameters else {}
            for keyword in node.keywords:
                assert keyword.arg in {*called.parameters, *settings}, f"{page}: {node.func.id}({keyword.arg}=...)"


@pytest.mark.slow
def test_python_has_the_types_it_is_used_with(tmp_path):
    """Attributes and methods that do not exist are errors of mypy's."""
    for number, (_, code) in enumerate(PYTHON):
        (tmp_path / f"snippet_{number}.py").write_text(code, encoding="utf8")
    command = [sys.executable, "-m", "mypy", "--no-error-summary", "--config-file", str(TOP / "pyproject.toml")]
    # What people write for themselves needs no annotations.
    command += ["--allow-untyped-defs", "--allow-incomplete-defs"]
    files = sorted(map(str, tmp_path.glob("*.py")))
    done = subprocess.run([*command, *files], capture_output=True, text=True, cwd=TOP)
    assert not done.returncode, done.stdout + done.stderr


#: Makes searches and trainings short; what the snippet says otherwise holds.
_SHORT = """
import autopeft
_search = autopeft.search
autopeft.search = lambda **said: _search(**{**said, "trials": 3, "examples": 48, "epochs": 1, "workers": 0,
    "final": {"examples": 48, "epochs": 1}})
"""


@pytest.mark.slow
def test_what_the_readme_shows_of_python_runs(tmp_path):
    [code] = [code for page, code in PYTHON if page == "README.md"]
    with (tmp_path / "train.csv").open("w", encoding="utf8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(("text", "label"))
        rows.writerows((f"{word} thing number {number}", word) for number in range(80) for word in ("good", "bad"))
    (tmp_path / "readme.py").write_text(f"{_SHORT}\n{code}", encoding="utf8")
    done = subprocess.run([sys.executable, "readme.py"], capture_output=True, text=True, cwd=tmp_path, timeout=900)
    assert done.returncode == 0, done.stderr
    assert "Prediction(" in done.stdout
