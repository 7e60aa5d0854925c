"""What is shown of a front, computed apart from drawing."""

import io

import pytest
from rich.console import Console

from autopeft.launch.desk import Desk
from autopeft.reporting import (
    LiveProgress,
    PlainProgress,
    QuietProgress,
    VerboseProgress,
    best_per_band,
    front_table,
    percent,
    time_left,
)
from autopeft.space import Configuration
from autopeft.study import Ask, Front, FrontRow, Scale
from autopeft.trials.causal import CausalTrials
from autopeft.trials.classification import ClassificationTrials

SCALE = Scale(backbone=1_000_000, limit=10_000, cheapest=100)


def row(trial, params, accuracy, baseline=None):
    return FrontRow(
        trial,
        {"modules": {}, "training": {}},
        f"words {trial}",
        params,
        params / 1e6,
        {"params": params},
        accuracy,
        None,
        baseline,
    )


FRONT = Front(
    rows=(row(0, 0, 0.5, "head-only"), row(2, 50, 0.6), row(3, 5_000, 0.7), row(4, 9_000, 0.8)),
    baselines=(row(0, 0, 0.5, "head-only"), row(1, 73_000, 0.75, "stock-lora")),
    others=(row(5, 6_000, 0.65), row(6, 7_000, 0.0)),
    hypervolume=0.25,
    verdict="it is so",
)


def test_the_best_of_each_cost_band():
    bands = best_per_band(FRONT, SCALE)
    assert [(band.below, band.accuracy) for band in bands] == [(0, 0.5), (100, 0.6), (10_000, 0.8)]


def test_time_left_is_none_before_anything_is_known():
    assert time_left([], 3, 2) is None
    assert time_left([10.0, 20.0], 4, 2) == 30.0


@pytest.mark.parametrize(
    ("share", "text"), [(0, "0%"), (0.0082, "0.82%"), (0.01, "1%"), (1.3e-7, "0.000013%"), (0.256, "26%")]
)
def test_percent(share, text):
    assert percent(share) == text


def test_the_table_holds_the_front_and_the_baselines_beside_it():
    console = Console(file=io.StringIO(), width=120)
    console.print(front_table(FRONT, "macro_f1", ClassificationTrials))
    text = console.file.getvalue()
    assert text.count("head only (baseline)") == 1
    assert "stock LoRA (baseline)" in text
    assert "macro_f1" in text
    assert text.index("words 2") < text.index("words 4")


@pytest.mark.parametrize("kind", [PlainProgress, LiveProgress])
def test_progress(kind):
    console = Console(file=io.StringIO(), force_terminal=kind is LiveProgress, width=100)
    trial = Ask(7, Configuration.from_dict({"modules": {}, "training": {}}), None)
    with kind(SCALE, total=5, kind=ClassificationTrials, console=console) as progress:
        progress.opened(1)
        progress.started(trial)
        progress.finished(trial, {"status": "complete", "accuracy": 0.8, "seconds": 12.0}, 9000, FRONT)
        progress.started(trial)
        progress.finished(trial, {"status": "oom", "message": "too big", "seconds": 3.0}, 9000, FRONT)
        progress.said("exhausted")
        if kind is LiveProgress:
            console.print(progress.__rich__())
    text = console.file.getvalue()
    assert "3/5" in text
    assert "0.8000" in text
    assert "exhausted" in text
    assert "0.25" in text
    if kind is PlainProgress:
        assert "oom: too big" in text


def test_time_left_is_known_from_the_first_rung_on():
    console = Console(file=io.StringIO(), width=100)
    trial = Ask(7, Configuration.from_dict({"modules": {}, "training": {}}), None)
    progress = PlainProgress(SCALE, total=5, kind=ClassificationTrials, console=console, steps=100)
    progress.opened(1)
    progress.started(trial)
    for step in (10, 20):
        progress.measured(trial, {"step": step, "accuracy": 0.5, "seconds": 5.0 + step, "step_seconds": 1.0})
    assert console.file.getvalue().splitlines() == ["by the first steps, about 7:00 left"]
    progress.finished(trial, {"status": "complete", "accuracy": 0.8, "seconds": 60.0}, 9000, FRONT)
    assert "about 3:00 left" in console.file.getvalue()


@pytest.mark.parametrize(("kind", "name"), [(ClassificationTrials, "head only"), (CausalTrials, "untouched model")])
def test_a_baseline_is_called_what_it_is_for_the_task(kind, name):
    console = Console(file=io.StringIO(), width=200)
    baseline = Ask(0, Configuration.from_dict({"modules": {}, "training": {}}), "head-only")
    with PlainProgress(SCALE, total=5, kind=kind, console=console) as progress:
        progress.finished(baseline, {"status": "complete", "accuracy": 0.8, "seconds": 12.0}, 0, FRONT)
    assert f"{name} (baseline)" in console.file.getvalue()


@pytest.mark.parametrize("kind", [QuietProgress, PlainProgress, VerboseProgress])
def test_what_a_user_should_know_is_said_as_it_is_and_the_rest_as_wished(kind):
    console = Console(file=io.StringIO(), width=20)
    trial = Ask(7, Configuration.from_dict({"modules": {}, "training": {}}), None)
    message = "[bold] is no mark of ours, and this is a long line"
    with kind(SCALE, total=5, kind=ClassificationTrials, console=console) as progress:
        progress.started(trial)
        progress.said(message)
        progress.finished(trial, {"status": "complete", "accuracy": 0.8, "seconds": 12.0}, 9000, FRONT)
    begun, ended = "trial 7 begins: no adapters", "[1/5] trial 7"
    lines = {QuietProgress: [message], PlainProgress: [message, ended], VerboseProgress: [begun, message, ended]}
    shown = console.file.getvalue().splitlines()
    assert [line[: len(expected)] for line, expected in zip(shown, lines[kind], strict=True)] == lines[kind]


def test_a_listener_is_what_the_desk_expects():
    assert {"opened", "started", "finished", "said"} <= set(dir(PlainProgress))
    assert Desk.__dataclass_fields__["listener"]
