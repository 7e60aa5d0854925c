"""Trackers are told of trials and of the front; what they do not take ends no search."""

from dataclasses import replace
from importlib.util import find_spec

import pytest

from autopeft.launch import Silent
from autopeft.reporting import read_run
from autopeft.reporting.trackers import TRACKERS, Tracking, trackers_of
from autopeft.reporting.trackers.trial_record import record_of
from autopeft.space import Configuration
from autopeft.study import Ask
from tests.reporting.runs import make_run

#: What each needs to be there.
PACKAGES = {"tensorboard": "tensorboard", "mlflow": "mlflow", "wandb": "wandb"}

TRIAL = Ask(
    7,
    Configuration.from_dict(
        {"modules": {"lora": {"rank": 8, "targets": ["q", "v"]}}, "training": {"learning_rate": 0.01}}
    ),
    None,
)
CURVE = [{"step": step, "accuracy": step / 20, "loss": 1 / step, "seconds": 1.0} for step in (4, 8)]
OUTCOME = {
    "status": "complete",
    "accuracy": 0.5,
    "metrics": {"accuracy": 0.5, "macro_f1": 0.4, "loss": 0.9},
    "curve": CURVE,
    "seconds": 3.0,
    "step_seconds": 0.1,
}


class Heard(Silent):
    def __init__(self):
        self.lines, self.trials = [], []

    def said(self, message):
        self.lines.append(message)

    def finished(self, trial, outcome, params, front):
        self.trials.append(trial.number)


class Broken:
    def __init__(self):
        self.asked = 0

    def trial(self, record):
        self.asked += 1
        raise ConnectionError("no network\nhere")

    def front(self, result):
        raise AssertionError("it was left alone")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = make_run(tmp_path_factory.mktemp("trackers") / "run", trials=10)
    result = read_run(folder).result
    for name in ("front.json", "front.csv", "front.png"):
        (folder / name).write_text("{}")
    return result


def test_a_record_has_knobs_curve_and_figures():
    record = record_of(TRIAL, OUTCOME, 640)
    assert record.name == "trial-7"
    assert record.settings == {
        "modules.lora.rank": 8,
        "modules.lora.targets": '["q", "v"]',
        "training.learning_rate": 0.01,
    }
    assert record.curve == [(4, {"accuracy": 0.2, "loss": 0.25}), (8, {"accuracy": 0.4, "loss": 0.125})]
    assert record.figures["macro_f1"] == 0.4
    assert record.figures["accuracy"] == 0.5
    assert record.figures["params"] == 640


def test_of_a_stopped_trial_and_a_lost_one_there_is_what_there_is():
    stopped = record_of(replace(TRIAL, baseline="stock-lora"), {"status": "stopped", "curve": CURVE}, 640)
    assert (stopped.name, stopped.figures["accuracy"]) == ("trial-7-stock-lora", 0.4)
    lost = record_of(TRIAL, {"status": "killed", "message": "gone"}, 640)
    assert (lost.curve, lost.figures, lost.status) == ([], {"params": 640.0}, "killed")


def test_a_tracker_that_fails_is_told_of_once_and_left_alone(run):
    heard, broken = Heard(), Broken()
    tracking = Tracking(heard, {"wandb": broken})
    for _ in range(2):
        tracking.finished(TRIAL, OUTCOME, 640, run.front)
    tracking.ended(run)
    assert broken.asked == 1
    assert heard.trials == [7, 7]
    assert heard.lines == ["nothing more is reported to wandb: no network here"]


def skip_without(name):
    if find_spec(PACKAGES[name]) is None:
        pytest.skip(f"needs {name}, the extra `{name}`")


@pytest.mark.parametrize("name", TRACKERS)
def test_each_takes_a_trial_and_the_front(name, run, tmp_path, monkeypatch):
    skip_without(name)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_SILENT", "true")
    monkeypatch.chdir(tmp_path)
    heard = Heard()
    tracking = Tracking(heard, trackers_of([name], tmp_path, "a-study"))
    tracking.finished(TRIAL, OUTCOME, 640, run.front)
    tracking.ended(run)
    assert heard.lines == []
    {"tensorboard": in_tensorboard, "mlflow": in_mlflow, "wandb": in_wandb}[name](tmp_path)


def in_tensorboard(folder):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder / "tensorboard" / "trial-7")).Reload()
    assert [(each.step, each.value) for each in events.Scalars("accuracy")] == [
        (4, pytest.approx(0.2)),
        (8, pytest.approx(0.4)),
    ]
    assert events.Scalars("final/macro_f1")[0].value == pytest.approx(0.4)
    assert EventAccumulator(str(folder / "tensorboard" / "front")).Reload().Tags()["tensors"]


def in_mlflow(folder):
    import mlflow

    runs = {each.info.run_name: each for each in mlflow.search_runs(search_all_experiments=True, output_format="list")}
    assert set(runs) == {"trial-7", "front"}
    assert runs["trial-7"].data.params["modules.lora.rank"] == "8"
    assert runs["trial-7"].data.metrics["final_macro_f1"] == 0.4
    assert runs["trial-7"].data.metrics["accuracy"] == 0.4


def in_wandb(folder):
    kept = sorted((folder / "wandb").glob("offline-run-*"))
    assert len(kept) == 2
    assert all(list(each.glob("*.wandb")) for each in kept)
