"""Searches for other costs, from end to end."""

import csv
import json
import subprocess

import pytest

from tests.cli.test_search import command, place, run, trials

__all__ = ["place"]


@pytest.mark.slow
def test_two_costs_resume_with_what_was_measured_and_memory_budgets_hold(place):
    words = ["--objectives", "accuracy,params,memory"]
    first = run(place, "three", "--trials", "4", *words)
    assert "peak memory is predicted with an error of" in first
    again = run(place, "three", "--trials", "11", *words)
    assert "peak memory is predicted" not in again
    told = [trial for trial in trials(place / "three") if trial.values]
    assert all(len(trial.values) == 3 for trial in told)
    front = json.loads((place / "three" / "front.json").read_text())
    assert front["spec"]["objectives"] == ["params", "memory", "accuracy"]
    for row in front["front"]:
        assert row["costs"]["params"] == row["params"]
        assert row["costs"]["memory"] > 10_000
    with (place / "three" / "front.csv").open() as file:
        assert list(csv.DictReader(file).fieldnames)[:4] == ["trial", "params", "share", "memory"]
    assert (place / "three" / "front.png").stat().st_size > 10_000
    peaks = sorted(trial.user_attrs["costs"][1] for trial in trials(place / "three")[2:])
    limit = int(peaks[len(peaks) // 2] / 1000)
    run(place, "less", "--trials", "6", *words, "--budget", f"20%,{limit}kB")
    assert max(trial.user_attrs["costs"][1] for trial in trials(place / "less")[2:]) <= 1000 * limit


@pytest.mark.slow
def test_memory_that_nothing_fits_is_refused(place):
    refused = subprocess.run(command(place, "none", "--budget", "20%,1kB"), capture_output=True, text=True, cwd=place)
    assert refused.returncode == 2
    assert "the least needs" in refused.stderr
    assert "Traceback" not in refused.stderr


@pytest.mark.slow
def test_time_is_measured_in_the_trials_and_relative_to_the_head(place):
    run(place, "time", "--trials", "11", "--objectives", "accuracy,time")
    told = [trial for trial in trials(place / "time") if trial.values]
    head = next(trial for trial in told if trial.user_attrs.get("baseline") == "head-only")
    assert 0.1 < head.values[0] < 10
    assert min(trial.values[0] for trial in told) > 0
    assert all(trial.user_attrs["params"] >= 0 for trial in told)


@pytest.mark.slow
@pytest.mark.parametrize("objectives", ["accuracy", "accuracy,speed"])
def test_objectives_that_are_none_are_refused(place, objectives):
    done = subprocess.run(
        command(place, "wrong", "--objectives", objectives), capture_output=True, text=True, cwd=place
    )
    assert done.returncode == 2
    assert (
        "expected accuracy and one or two of params, active, bytes, flops, forward, nonzero, memory, time"
        in done.stderr
    )
