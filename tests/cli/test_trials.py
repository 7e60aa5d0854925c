"""`autopeft trials` shows every trial of a run, and why some failed."""

import json

import pytest

from tests.cli.in_process import run_here
from tests.reporting.runs import TRACEBACK, make_run


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return make_run(tmp_path_factory.mktemp("trials") / "run")


def trials(run, *words, code=0):
    done = run_here("trials", run, *words, cwd=run.parent)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stderr if code else done.stdout


def test_the_table_has_every_trial_with_its_state(run):
    lines = trials(run).splitlines()
    states = [line.split()[1] for line in lines[1:-1] if line[:5].strip()]
    assert states == [*["complete"] * 4, "stopped", "oom", "error", "killed", "complete", "stopped", *["complete"] * 4]
    text = "\n".join(lines)
    assert "head only (baseline)" in text
    assert "stock LoRA (baseline): lora r=8 a=16 q,v @0-2" in text
    assert "; trial 7 again" in text
    assert "too big <b>" in text
    assert lines[-1] == "14 trials: 9 complete, 2 stopped, 1 oom, 1 killed, 1 error"


def test_failures_alone_in_a_table_and_as_one_document(run):
    text = trials(run, "--failed")
    assert all(reason in text for reason in ("too big <b>", "broken", "its worker died"))
    assert "head only" not in text
    document = json.loads(trials(run, "--failed", "--json"))
    assert document["metric"] == "accuracy"
    assert [(row["trial"], row["state"]) for row in document["trials"]] == [(5, "oom"), (6, "error"), (7, "killed")]
    assert document["trials"][1]["traceback"] == TRACEBACK
    assert len(json.loads(trials(run, "--json"))["trials"]) == 14


def test_a_traceback_or_that_there_is_none(run):
    assert trials(run, "--traceback", 6) == TRACEBACK
    assert trials(run, "--traceback", 7) == "trial 7 has no traceback, it is killed: its worker died\n"
    assert trials(run, "--traceback", 0) == "trial 0 has no traceback, it is complete\n"
    assert "has trials 0 to 13; `autopeft trials" in trials(run, "--traceback", 99, code=2)
    assert "leave --traceback out" in trials(run, "--traceback", 6, "--json", code=2)


def test_a_folder_without_a_study_is_told(run):
    assert "no study in" in trials(run.parent, code=2)
