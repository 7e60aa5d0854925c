"""The examples run, the default study is a plan, and every flag of a search is a setting of one."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

import autopeft
from autopeft.cli import app
from autopeft.launch import SearchPlan, default_study
from tests.marks import mostly_slow

TOP = Path(__file__).parents[1]


def test_every_flag_of_search_is_a_setting_of_a_plan():
    done = CliRunner().invoke(app, ["search", "--help"], env={"COLUMNS": "200"})
    flags = {flag.replace("-", "_") for flag in re.findall(r"--(?!no-)([a-z0-9-]+)", done.stdout)}
    # A flag is given once for each file, a setting has all of them.
    flags = flags - {"try"} | {"tries"}
    # These are mappings, for files only.
    assert set(SearchPlan.model_fields) - {"final", "configurations", "tasks"} == flags - {
        "dry_run",
        "report_to",
        "help",
        "fresh",
        "extend",
        "verbose",
        "quiet",
        "json",
    }


def test_every_public_name_can_be_had():
    assert all(getattr(autopeft, name) is not None for name in autopeft.__all__)


def test_the_default_study_is_a_plan():
    plan = SearchPlan.from_file(default_study())
    assert (plan.task, plan.budget, plan.space) == ("icd10-chapters", "1%", "default")


@pytest.mark.parametrize(
    ("name", "said"),
    mostly_slow([("own_space", "1% of 22,713,216 parameters is 227,132"), ("plain_optuna", "lora r=")]),
)
def test_quick_examples_run(name, said, tmp_path):
    assert said in _run_example(name, tmp_path)


@pytest.mark.slow
def test_the_search_example_runs(tmp_path):
    assert "parameters" in _run_example("search_your_data", tmp_path)


def _run_example(name, folder):
    command = [sys.executable, str(TOP / "examples" / f"{name}.py")]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, timeout=900)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_each_promise_of_security_is_attacked_and_each_attack_is_of_one():
    text = (TOP / "CONTRIBUTING.md").read_text(encoding="utf8")
    section = text.partition("## Security")[2].partition("\n## ")[0]
    named = set(re.findall(r"`(test_\w+\.py)`", section))
    assert named == {file.name for file in (TOP / "tests" / "security").glob("test_*.py")}
    rows = [line for line in section.splitlines() if line.startswith("| ")][2:]
    assert all(re.search(r"\| `test_\w+\.py`[^|]*\|$", row) for row in rows)
