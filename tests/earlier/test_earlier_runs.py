"""Runs of an earlier commit: every verb goes on working on them, and resuming them loses and repeats nothing."""

import importlib.util
import json
import sqlite3

import optuna
import pytest

from autopeft.cli import app
from autopeft.launch import SearchPlan, prepare, run_search
from autopeft.selection import read_finalists
from autopeft.study import counted, load_study

#: The number of its trial.
STOCK = "1"
needs_trl = pytest.mark.skipif(importlib.util.find_spec("trl") is None, reason="the extra `trl` is not installed")
trainable = pytest.mark.parametrize("kind", ["classifier", pytest.param("decoder", marks=needs_trl)])
of_both_kinds = pytest.mark.parametrize("kind", ["classifier", "decoder"])


def autopeft(*words):
    """Run a verb in this process."""
    assert not app([str(word) for word in words], standalone_mode=False)


def resume(run):
    return run_search(prepare(SearchPlan.from_file(run / "study.yaml")))


def trial_rows(run):
    """Return all that the study says of each trial, by its number."""
    with sqlite3.connect(run / "study.db") as database:
        numbers = dict(database.execute("SELECT trial_id, number FROM trials"))
        tables = [
            name
            for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            if name.startswith("trial")
        ]
        rows = {number: [] for number in numbers.values()}
        for table in tables:
            cursor = database.execute(f"SELECT * FROM {table}")
            place = [column[0] for column in cursor.description].index("trial_id")
            for row in cursor:
                rows[numbers[row[place]]].append((table, row))
    return {number: sorted(of, key=repr) for number, of in rows.items()}


def kept(recorded, now):
    """Say whether all that was recorded is still said; an entry may have learned to say more."""
    if isinstance(recorded, dict):
        return all(name in now and kept(value, now[name]) for name, value in recorded.items())
    if isinstance(recorded, list):
        return len(recorded) == len(now) and all(map(kept, recorded, now))
    return recorded == now


def stamps(folder):
    return {path: path.stat().st_mtime_ns for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.mark.parametrize("state", ["finished", "finalists"])
@of_both_kinds
def test_the_front_is_what_it_was(recorded, kind, state, capfd):
    run = recorded / f"{kind}-{state}"
    capfd.readouterr()
    autopeft("front", run, "--json")
    assert kept(json.loads((run / "front.json").read_text()), json.loads(capfd.readouterr().out))


@of_both_kinds
def test_the_front_of_an_interrupted_run_has_its_finished_trials(recorded, kind, capfd):
    run = recorded / f"{kind}-interrupted"
    capfd.readouterr()
    autopeft("front", run, "--json")
    front = json.loads(capfd.readouterr().out)
    assert front["trials"] == {"complete": 2, "running": 1}
    assert [row["baseline"] for row in front["baselines"]] == ["head-only", "stock-lora"]


@of_both_kinds
def test_its_trials_are_listed(recorded, kind, capfd):
    capfd.readouterr()
    autopeft("trials", recorded / f"{kind}-interrupted", "--json")
    rows = json.loads(capfd.readouterr().out)["trials"]
    assert [row["state"] for row in rows] == ["complete", "complete", "running"]
    assert [row["baseline"] for row in rows] == ["head-only", "stock-lora", None]
    # The last was cut short before its configuration was noted.
    assert [bool(row["in_words"]) for row in rows] == [True, True, False]


@pytest.mark.parametrize("state", [pytest.param("finished", marks=pytest.mark.slow), "interrupted", "finalists"])
@of_both_kinds
def test_a_report_is_written(recorded, kind, state):
    autopeft("report", recorded / f"{kind}-{state}", "-o", recorded / "page")
    page = (recorded / "page" / "report.html").read_text()
    assert "LoRA r=8 on q,v" in page
    assert list((recorded / "page" / "figures").glob("*.svg"))


@pytest.mark.parametrize("state", ["finished", "interrupted"])
@of_both_kinds
def test_stock_lora_is_exported(recorded, kind, state):
    run = recorded / f"{kind}-{state}"
    for target in ("peft", "autopeft"):
        autopeft("export", run, "--pick", STOCK, "--to", target, "-o", recorded / target)
    assert json.loads((recorded / "peft" / "adapter_config.json").read_text())["r"] == 8
    assert "rank: 8" in (recorded / "autopeft" / "configuration.yaml").read_text()


@of_both_kinds
def test_the_best_of_a_run_is_exported(recorded, kind, capfd):
    run = recorded / f"{kind}-finished"
    best = max(json.loads((run / "front.json").read_text())["front"], key=lambda row: row["accuracy"])
    autopeft("export", run, "--pick", "best", "--to", "autopeft", "-o", recorded / "autopeft")
    # Of how it was found; the learning rate suits the training that is to be.
    what, _, rate = best["in_words"].partition(", lr ")
    said = capfd.readouterr().out
    assert f"trial {best['trial']}: {what}" in said
    assert rate in said.partition(what)[2]


@of_both_kinds
def test_an_export_after_a_selection_holds_what_the_finalist_learned(recorded, kind):
    run = recorded / f"{kind}-finalists"
    autopeft("export", run, "--pick", "best", "--to", "peft", "-o", recorded / "peft")
    exported = (recorded / "peft" / "adapter_model.safetensors").read_bytes()
    assert exported in [path.read_bytes() for path in (run / "finalists").rglob("adapter_model.safetensors")]


@trainable
def test_stock_lora_is_trained(recorded, kind):
    out = recorded / "trained"
    autopeft("train", recorded / f"{kind}-finished", "--pick", STOCK, "--epochs", 1, "-o", out)
    assert {"adapter_config.json", "README.md", "metrics.json"} <= {path.name for path in out.iterdir()}


@of_both_kinds
def test_finalists_are_not_trained_twice_and_what_was_measured_stays(recorded, kind):
    run = recorded / f"{kind}-finalists"
    before, decided = stamps(run / "finalists"), read_finalists(run)
    autopeft("select", run)
    assert stamps(run / "finalists") == before
    again = read_finalists(run)
    for was, now in zip(decided.finalists, again.finalists, strict=True):
        # What was measured is the same; how sure that makes one may be told better.
        assert (was.name, was.seeds, was.test.mean, was.against.keys()) == (
            now.name,
            now.seeds,
            now.test.mean,
            now.against.keys(),
        )
        assert now.test.high - now.test.low == pytest.approx(was.test.high - was.test.low, rel=0.1)
        for name, other in was.against.items():
            assert other.difference.mean == pytest.approx(now.against[name].difference.mean, abs=1e-12)


@pytest.mark.slow
@of_both_kinds
def test_a_finished_run_is_selected_from(recorded, kind):
    decided = json.loads((recorded / f"{kind}-finalists" / "finalists.json").read_text())
    run = recorded / f"{kind}-finished"
    autopeft("select", run, "--seeds", 3)
    names = {each["name"] for each in json.loads((run / "finalists.json").read_text())["finalists"]}
    assert {"head", "stock-lora"} <= names == {each["name"] for each in decided["finalists"]}


@pytest.mark.parametrize("state", ["finished", "finalists"])
@of_both_kinds
def test_a_finished_run_stays_as_it_is(recorded, kind, state):
    run = recorded / f"{kind}-{state}"
    before = trial_rows(run)
    result = resume(run)
    assert result.complete
    assert trial_rows(run) == before


@of_both_kinds
def test_an_interrupted_run_goes_on_to_its_five_trials(recorded, kind):
    run = recorded / f"{kind}-interrupted"
    before = trial_rows(run)
    resume(run)
    after = trial_rows(run)
    assert [after[number] for number in (0, 1)] == [before[number] for number in (0, 1)]
    study = load_study(run)
    assert counted(study) == 5
    trials = study.get_trials(deepcopy=False)
    # Its process was killed before it had a configuration, on a machine that this one cannot see.
    assert trials[2].state == optuna.trial.TrialState.FAIL
    assert [trial.state.is_finished() for trial in trials] == [True] * 6
