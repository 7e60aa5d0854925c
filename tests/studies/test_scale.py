"""The simulation of a search at scale: time adds up, it resumes, and what is shown follows from what it keeps."""

import json
import time

import pytest
from optuna import create_study
from optuna.samplers import RandomSampler
from optuna.trial import TrialState

from autopeft.study import front_of
from studies.scale import simulate, spans
from studies.scale.show import busy, busy_from, main, milliseconds
from studies.scale.simulate import Simulation, work_of
from tests.launch.conftest import make_desk

__all__ = ["make_desk"]

WORKERS = 4


def answer(number, configuration):
    return 0.6 + 0.3 * number % 7 / 7


@pytest.fixture
def simulated(make_desk, monkeypatch):
    monkeypatch.setattr(simulate, "WINDOW", 5)
    return lambda **begun: Simulation(make_desk(total=20), answer, WORKERS, **begun)


def test_a_search_comes_to_its_end_and_the_time_of_workers_adds_up(simulated) -> None:
    search = simulated()
    assert search.run()
    trials = search.desk.study.get_trials()
    assert {trial.state for trial in trials} <= {TrialState.COMPLETE, TrialState.PRUNED}
    assert [window["told"] for window in search.windows] == [5, 10, 15, 20]
    lived = sum(window["trained"] + window["waited"] for window in search.windows)
    assert 0.7 * WORKERS * search.clock < lived <= WORKERS * search.clock
    whole = [work_of(trial.number, 0.5, 60.0).curve[-1]["seconds"] for trial in trials]
    spent = sum(window["trained"] for window in search.windows)
    assert spent == pytest.approx(sum(whole)) or any(trial.state == TrialState.PRUNED for trial in trials)


def test_a_worker_waits_while_the_driver_is_at_work(simulated) -> None:
    search = simulated()
    ask = search.desk.next

    def slowly():
        time.sleep(0.02)
        return ask()

    search.desk.next = slowly
    search.run()
    asked, waited = (sum(window[name] for window in search.windows) for name in ("ask", "waited"))
    # The first four workers wait for one trial after the other.
    assert asked > 20 * 0.02
    assert waited > 0.02 * (1 + 2 + 3 + 4)


def test_an_interrupted_one_goes_on_with_the_same_trials(simulated) -> None:
    first = simulated()
    while first.told < 7:
        first._next()
    kept = json.loads(json.dumps(first.state()))
    again = simulated(**kept)
    assert again.run()
    assert again.windows[0] == first.windows[0]
    trials = again.desk.study.get_trials()
    assert len(trials) == again.told == 20
    assert not [trial for trial in trials if trial.state == TrialState.FAIL]
    assert front_of(again.desk.study, again.desk.scale) == again.desk._front()


def test_what_is_shown_follows_from_what_is_kept(tmp_path, capsys) -> None:
    window = {
        "told": 200,
        "ended": 100,
        "ask": 44.0,
        "asks": 110,
        "rung": 5.0,
        "tell": 5.0,
        "processor": 45.9,
        "trained": 950.0,
        "waited": 50.0,
    }
    window |= {"stopped": 60, "memory": 2**30, "database": 2**20}
    assert milliseconds([window], "ask") == pytest.approx(400)
    assert busy([window]) == pytest.approx(0.95)
    # One worker waits for nobody; in the limit of many the driver is never without work.
    assert busy_from([window], 1) == pytest.approx(19 * 0.5)
    assert busy_from([window], 64) == pytest.approx(38.3, abs=0.05)
    assert busy_from([window], 10**5) == pytest.approx(10**5 * 0.5 * 0.95, rel=0.01)
    found = {"workers": 64, "seconds": 60.0, "trials": 10_000, "processor": "p", "cores": 2, "postgresql": "16"}
    found |= {"clock": 3600.0, "windows": [window | {"told": 100}, window]}
    (tmp_path / "64-60s.json").write_text(json.dumps(found))
    main(tmp_path)
    said = capsys.readouterr().out
    assert "| 1 to 200 | 400 | 0 | 50 | 50 | 0 | 500 | 85% | 9.5 | 95.0% | 38 | 1024 | 1 |" in said
    assert "200 of 10,000 trials, 60% of them stopped early, in 1.0 simulated hours" in said


def test_the_sampler_proposes_in_spans_and_the_other_between(monkeypatch) -> None:
    class Named(RandomSampler):
        def __init__(self, name):
            super().__init__()
            self.name = name

        def sample_independent(self, study, trial, param_name, param_distribution):
            asked.append(self.name)
            return super().sample_independent(study, trial, param_name, param_distribution)

    asked = []
    monkeypatch.setattr(spans, "SPANS", ((0, 2), (4, 5)))
    study = create_study(sampler=spans.InSpans(Named("inside"), Named("between")))
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=6)
    assert asked == ["inside", "inside", "between", "between", "inside", "between"]
