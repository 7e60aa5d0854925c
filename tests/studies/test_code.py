"""The problems of the study are what they say: references pass their tests, and nothing else does by itself."""

import json
import re
from pathlib import Path

import pytest

from autopeft.methods import VOCABULARY
from autopeft.space import load_space
from autopeft.tasks import TaskSpec, load_task
from autopeft.tasks.causal import ANSWER_METRICS
from tests.marks import sandboxed

STUDY = Path(__file__).parents[2] / "studies" / "code"
PROBLEMS = [json.loads(line) for line in (STUDY / "problems.jsonl").read_text().splitlines()]


def passes(problem, code):
    beside = {"test_imports": [], **{name: problem[name] for name in ("test_list", "test_setup_code")}}
    return ANSWER_METRICS["passes"].score(code, problem["code"], beside)


def test_it_holds_forty_different_problems_as_mbpp_has_them():
    names = [re.search(r"def (\w+)", problem["code"])[1] for problem in PROBLEMS]
    assert len(set(names)) == len({problem["text"] for problem in PROBLEMS}) == 40
    assert all(len(problem["test_list"]) == 3 for problem in PROBLEMS)
    task = load_task(TaskSpec.of(data=str(STUDY / "problems.jsonl"), metric="passes"))
    assert [len(split) for split in task.splits.values()] == [20, 10, 10]


@sandboxed
def test_every_reference_passes_its_tests():
    assert [problem["text"] for problem in PROBLEMS if not passes(problem, problem["code"])] == []


@sandboxed
@pytest.mark.slow
def test_what_returns_nothing_passes_none():
    idle = [re.search(r"def \w+\(.*\):", problem["code"])[0] + "\n    return None" for problem in PROBLEMS]
    assert [problem["text"] for problem, code in zip(PROBLEMS, idle, strict=True) if passes(problem, code)] == []


def test_its_space_has_no_faults():
    assert load_space(str(STUDY / "space.yaml")).problems(VOCABULARY) == []
