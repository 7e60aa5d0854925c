"""What README and CONTRIBUTING say is true; the examples run."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

import autopeft
from autopeft.cli import app
from autopeft.launch import SearchPlan, default_study
from autopeft.methods import VOCABULARY
from autopeft.space import SearchSpace
from tests.marks import mostly_slow

TOP = Path(__file__).parents[1]
README = (TOP / "README.md").read_text(encoding="utf8")
CONTRIBUTING = (TOP / "CONTRIBUTING.md").read_text(encoding="utf8")


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def test_every_command_and_flag_it_names_exists():
    lines = [line.strip() for line in README.splitlines() if line.startswith("    autopeft ")]
    assert len(lines) >= 5
    for line in lines:
        verb, *words = line.split("#")[0].split()[1:]
        flags = [word for word in words if word.startswith("--")]
        done = CliRunner().invoke(app, [verb, "--help"], env={"COLUMNS": "200"})
        assert done.exit_code == 0, line
        for flag in flags:
            assert flag in done.stdout, line


def test_flags_named_in_the_text_exist():
    verbs = ("search", "select", "compress", "trials", "log", "export", "train", "evaluate", "predict", "fuse")
    helps = [CliRunner().invoke(app, [verb, "--help"], env={"COLUMNS": "200"}).stdout for verb in verbs]
    for flag in set(re.findall(r"`(--[a-z-]+)", README)):
        assert any(flag in text for text in helps), flag


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


@pytest.mark.parametrize("text", blocks("yaml"))
def test_its_spaces_have_no_faults(text):
    assert SearchSpace.from_yaml(text).problems(VOCABULARY) == []


@pytest.mark.parametrize("code", blocks("python"))
def test_its_python_names_what_exists(code):
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.ImportFrom) and node.module == "autopeft":
            assert all(hasattr(autopeft, alias.name) for alias in node.names)


def test_every_public_name_can_be_had():
    assert all(getattr(autopeft, name) is not None for name in autopeft.__all__)


def test_the_make_targets_it_names_exist():
    makefile = (TOP / "Makefile").read_text(encoding="utf8")
    for target in set(re.findall(r"(?:`|    )make ([a-z]+)", README + CONTRIBUTING)):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_the_rooms_it_lists_exist():
    for room in re.findall(r"^\| `(\w+)/` \|", CONTRIBUTING, re.MULTILINE):
        assert (TOP / "autopeft" / room / "__init__.py").is_file(), room


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
    section = CONTRIBUTING.partition("## Security")[2].partition("\n## ")[0]
    named = set(re.findall(r"`(test_\w+\.py)`", section))
    assert named == {file.name for file in (TOP / "tests" / "security").glob("test_*.py")}
    rows = [line for line in section.splitlines() if line.startswith("| ")][2:]
    assert all(re.search(r"\| `test_\w+\.py`[^|]*\|$", row) for row in rows)
