"""Long histories: what a sampler remembers of them changes no proposal, and its kernel is fitted seldom."""

import numpy as np
import pytest
import torch
from optuna.trial import TrialState

from autopeft.samplers import ParetoSampler, finished_runs, kernels, make_sampler, thinning
from autopeft.samplers.features import Features
from autopeft.samplers.forecast import Forecasts, forecast, standing_of
from autopeft.samplers.history import HistoryReader, read_history
from autopeft.samplers.kernels import Kernels
from autopeft.samplers.points import AffordablePoints
from autopeft.samplers.surrogate import fit_accuracy, winsorised
from autopeft.study import ask, tell
from autopeft.testing.samplers import LIMIT, new_study, toy_accuracy, toy_cost, toy_space

SPACE = toy_space()
STEPS = (1, 2, 4)


def searched(count, sampler=None):
    """Return a study in which every third trial was stopped."""
    study = new_study(sampler or make_sampler("random", SPACE, toy_cost, LIMIT))
    for _ in range(count):
        yield study
        told(study, ask(study, SPACE))
    yield study


def told(study, trial):
    rng = np.random.default_rng(trial.number)
    accuracy = toy_accuracy(trial.configuration, 0.01)
    curve = [{"step": s, "accuracy": accuracy - rng.uniform(0, 0.2 / s), "loss": 1 - accuracy} for s in STEPS]
    outcome = {"status": "complete", "accuracy": accuracy, "curve": curve}
    if trial.number % 3 == 2:
        outcome = {"status": "stopped", "curve": curve[: 1 + trial.number % 2]}
    tell(study, trial.number, outcome, params=toy_cost(trial.configuration), limit=LIMIT, worst=0.0)


def last(studies):
    *_, study = studies
    return study


def observations(study, points):
    return read_history(study, study._storage.get_trial(study.ask()._trial_id), points).observations


@pytest.fixture
def points():
    return AffordablePoints(SPACE, toy_cost, LIMIT)


def test_what_was_remembered_is_what_is_read_anew(points) -> None:
    reader = HistoryReader(points)
    for study in searched(12):
        trial = study._storage.get_trial(study.ask()._trial_id)
        assert reader.read(study, trial) == read_history(study, trial, points)


def test_a_trial_that_has_ended_is_read_once(points, monkeypatch) -> None:
    study, reader, read = last(searched(9)), HistoryReader(points), []
    monkeypatch.setattr("autopeft.samplers.history.point_of", lambda trial, _: read.append(trial.number))
    for _ in range(3):
        reader.read(study, study._storage.get_trial(study.ask()._trial_id))
    assert [read.count(number) for number in range(9)] == [1] * 9


def test_many_forecasts_at_once_are_those_one_by_one() -> None:
    study = last(searched(30))
    curves = [trial.user_attrs["outcome"]["curve"] for trial in study.trials]
    finished = finished_runs(study.trials)
    means = Forecasts(finished).means([standing_of(curve) for curve in curves])
    expected = [forecast(finished, curve) for curve in curves]
    assert means == [None if each is None else each.mean for each in expected]
    assert sum(mean is not None for mean in means) > 20


def test_a_short_history_has_the_kernel_of_all_that_is_told(points) -> None:
    seen, features = observations(last(searched(20)), points), Features(points)

    def rows(some):
        return torch.from_numpy(features.encode(some))

    y = torch.from_numpy(winsorised([o.accuracy for o in seen], [o.failed for o in seen]))
    expected = fit_accuracy(rows([o.point for o in seen]), y, rates=features.rates)
    found = Kernels().model(seen, rows, features.rates, guided=False)
    at = rows([points.draw(np.random.default_rng(0)) for _ in range(5)])
    assert all(torch.equal(one, other) for one, other in zip(found.predict(at), expected.predict(at), strict=True))


def test_a_long_history_has_a_kernel_for_as_long_as_its_sample_stays(points, monkeypatch) -> None:
    monkeypatch.setattr(kernels, "LONG", 8)
    monkeypatch.setattr(thinning, "MOST_TOLD", 8)
    monkeypatch.setattr(kernels, "MOST_FITTED", 6)
    fits, features, remembering, grown = [], Features(points), Kernels(), 0
    fit = kernels.fit_accuracy
    monkeypatch.setattr(kernels, "fit_accuracy", lambda x, *args, **kw: fits.append(len(x)) or fit(x, *args, **kw))

    def rows(some):
        return torch.from_numpy(features.encode(some))

    at = rows([points.draw(np.random.default_rng(0)) for _ in range(5)])
    for study in searched(24):
        seen = observations(study, points)
        if len(seen) > 12:
            grown += 1
            before = len(fits)
            model = remembering.model(seen, rows, features.rates, guided=False)
            assert len(model.x) == 8
            assert len(fits) - before in (0, 1)
            fits_of_one = len(fits)
            # Whoever comes later to the same history has the same model.
            fresh = Kernels().model(seen, rows, features.rates, guided=False)
            assert len(fits) == fits_of_one + 1
            del fits[fits_of_one:]
            assert torch.equal(model.predict(at)[0], fresh.predict(at)[0])
    assert set(fits) == {6}
    assert len(fits) < grown


def test_a_sampler_that_remembers_proposes_what_a_new_one_does() -> None:
    remembering = make_sampler("pareto", SPACE, toy_cost, LIMIT, seed=3)
    for count, study in enumerate(searched(9)):
        if count in (6, 9):
            proposals = []
            for sampler in (remembering, ParetoSampler(SPACE, toy_cost, LIMIT, seed=3)):
                study.sampler = sampler
                trial = study._storage.get_trial(study.ask()._trial_id)
                proposals.append(sampler.sample_relative(study, trial, {}))
                study.tell(trial.number, state=TrialState.FAIL)
            assert proposals[0] == proposals[1]
            study.sampler = make_sampler("random", SPACE, toy_cost, LIMIT)
