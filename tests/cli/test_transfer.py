"""`autopeft transfer` from end to end: finalists of one task trained on another, beside a search there."""

import json

import pytest

from autopeft.launch import GIVEN, open_run
from autopeft.methods import REFERENCES
from autopeft.selection import read_finalists
from tests.cli.in_process import run_here
from tests.cli.test_search import place, run
from tests.reporting.runs import make_run

__all__ = ["place"]

OTHER = {"north": "polar ice cold stone", "south": "palm sand warm sea"}


def autopeft(place, *words, code=0):
    done = run_here(*words, cwd=place)
    assert done.returncode == code, done.stdout + done.stderr
    return done


def test_what_has_no_finalists_is_refused(tmp_path):
    folder = make_run(tmp_path / "run")
    done = autopeft(tmp_path, "transfer", folder, "--data", "rows.csv", code=2)
    assert f"has no finalists yet; run `autopeft select {folder}` first" in " ".join(done.stderr.split())


@pytest.mark.slow
def test_finalists_are_trained_on_another_task_beside_a_search_there(place):
    run(place, "first", "--trials", "10", "--epochs", "6")
    autopeft(place, "select", "first", "--seeds", 3)
    rows = [
        f"{OTHER[side].split()[n % 4]} number{n} {OTHER[side].split()[n // 4 % 4]},{side}"
        for n in range(120)
        for side in OTHER
    ]
    (place / "other.csv").write_text("text,label\n" + "\n".join(rows) + "\n")
    flags = ["--model", "tiny-bert", "--data", "other.csv", "--budget", "20%", "--workers", 0, "--trials", 10]
    autopeft(place, "search", *flags, "--epochs", 6, "--no-select", "-o", "fresh")
    assert "fresh has no finalists yet" in autopeft(place, "transfer", "first", "--beside", "fresh", code=2).stderr
    autopeft(place, "select", "fresh", "--seeds", 3)
    beside = ["transfer", "first", "--beside", "fresh", "--workers", 0, "--seeds", 3]
    done = autopeft(place, *beside, "-o", "moved", "--json")
    told = json.loads(done.stdout)
    file, moved = read_finalists(place / "moved"), open_run(place / "moved")
    there = {each.name: each.configuration for each in read_finalists(place / "first").finalists if not each.baseline}
    asked = {t.user_attrs[GIVEN]: t.user_attrs["configuration"] for t in moved.study.trials if GIVEN in t.user_attrs}
    assert asked == there
    assert len(moved.study.trials) == len(there) + 1 + len(REFERENCES)
    assert {each.name for each in file.finalists if each.baseline} >= {"head", "stock-lora"}
    assert told["names"].items() <= {(f"trial-{t.number}", t.user_attrs.get(GIVEN)) for t in moved.study.trials}
    trained = sum(len(each.seeds) for each in file.finalists)
    # 240 rows, of which 144 are trained on, in batches of 32; nothing is stopped on the way.
    assert told["steps"] >= 30 * (len(moved.study.trials) + trained)
    assert told["fresh_steps"] > 0
    assert told["difference"]["low"] <= told["difference"]["mean"] <= told["difference"]["high"]
    assert told == json.loads((place / "moved" / "transfer.json").read_text())
    said = " ".join(done.stderr.split())
    assert f"best on validation of what was transferred: {told['best']}, which is" in said
    assert "points from trial-" in said
    assert "of its training steps" in said
    # Nothing is done twice, and other verbs take the run.
    again = autopeft(place, *beside, "-o", "moved", "--json")
    assert json.loads(again.stdout) == told
    assert file == read_finalists(place / "moved")
    autopeft(place, "export", "moved", "--pick", "best", "--to", "peft", "-o", "out")
    elsewhere = autopeft(place, "transfer", "first", "--data", "train.csv", "--beside", "fresh", "-o", "wrong", code=2)
    assert not (place / "wrong").exists()
    assert "differs in data from this transfer" in " ".join(elsewhere.stderr.split())
