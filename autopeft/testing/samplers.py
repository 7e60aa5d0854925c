"""The contract every sampler keeps, as a pytest class: subclass it and say how the sampler is made.

class TestMine(SamplerContract):
    def sampler(self, space, cost, limit, seed):
        return MySampler(space, cost, limit, seed=seed)
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.samplers import BaseSampler
from optuna.trial import FrozenTrial, TrialState

from autopeft.errors import BudgetError, ExhaustedSpaceError
from autopeft.methods import VOCABULARY
from autopeft.samplers.points import Cost
from autopeft.space import BackboneShape, BoundSpace, Configuration, SearchSpace, cells

__all__ = ["SamplerContract", "new_study", "run_trials", "small_space", "toy_accuracy", "toy_cost", "toy_space"]

_SHAPE = BackboneShape(layers=4, hidden=64, ffn=256, roles=("q", "k", "v", "o", "up", "down"))

#: The budget of the contract's searches: about one uniform draw in three of `toy_space` fits.
LIMIT = 6_000

_HEAD_ONLY: dict[str, Any] = {"modules": {}, "training": {}}
_OUTSIDE: dict[str, Any] = {
    "modules": {"lora": {"layers": [0, 1], "rank": 3, "alpha": 6, "targets": ["q"]}},
    "training": {},
}


def toy_space() -> BoundSpace:
    """Return a mixed space: layer bits, two methods, a choice of roles, a continuous learning rate."""
    space = SearchSpace(
        name="toy",
        layers="subset",
        modules={
            "lora": {"rank": "off | 1..16 by x2", "targets": "subset of q, v, up"},
            "prefix": {"length": "off | 1..16 by x2"},
        },
        training={"learning_rate": "1e-4..1e-2 log"},
    )
    return space.bind(VOCABULARY, _SHAPE)


def small_space() -> BoundSpace:
    """Return a finite space of 12 configurations, one of them head only."""
    space = SearchSpace(
        name="small",
        modules={"lora": {"rank": "off | 1 | 2 | 4"}, "prefix": {"length": "off | 1 | 2"}},
        training={"learning_rate": 1e-3},
    )
    return space.bind(VOCABULARY, _SHAPE)


def toy_cost(configuration: Configuration) -> int:
    """Count the parameters of a configuration of the toy spaces."""
    placed = cells(configuration, VOCABULARY)
    lora = sum(2 * _SHAPE.hidden * knobs["rank"] for knobs in placed.get("lora", {}).values())
    prefix = sum(2 * _SHAPE.hidden * knobs["length"] for knobs in placed.get("prefix", {}).values())
    return int(lora + prefix)


def toy_accuracy(configuration: Configuration, noise: float = 0.0, seed: int = 0) -> float:
    """Return a made-up accuracy: it rises with log-cost, upper layers, `v` and a learning rate near 1e-3.

    Args:
        configuration: A configuration of a toy space.
        noise: Standard deviation of noise, the same whenever configuration and seed are.
        seed: Seed of the noise.
    """
    placed = cells(configuration, VOCABULARY)
    if not placed:
        return 0.70
    layers = {cell.layer for places in placed.values() for cell in places}
    roles = {cell.role for cell in placed.get("lora", {})}
    rate = math.log10(configuration.training.get("learning_rate", 1e-3)) + 3
    accuracy = 0.70 + 0.03 * math.log10(toy_cost(configuration) / 64) + 0.03 * (max(layers) == 3)
    accuracy += 0.03 * ("v" in roles) - 0.02 * ("prefix" in placed) - 0.05 * rate**2
    uniform = zlib.crc32(f"{seed}{configuration.text}".encode()) / 2**32
    return accuracy + noise * math.sqrt(12) * (uniform - 0.5)


def new_study(sampler: BaseSampler, storage: str | None = None) -> optuna.Study:
    """Create or open a study of (params, accuracy)."""
    return optuna.create_study(
        storage=storage,
        study_name="contract",
        sampler=sampler,
        directions=["minimize", "maximize"],
        load_if_exists=True,
    )


def run_trials(
    study: optuna.Study, space: BoundSpace, number: int, *, noise: float = 0.0, seed: int = 0, limit: int = LIMIT
) -> None:
    """Ask and tell trials on the toy accuracy, the way a search does."""
    for _ in range(number):
        trial = study.ask()
        given = trial.user_attrs.get("configuration")
        configuration = Configuration.from_dict(given) if given else space.suggest(trial)
        _tell(study, trial, configuration, toy_accuracy(configuration, noise, seed), limit)


def _tell(
    study: optuna.Study,
    trial: optuna.Trial,
    configuration: Configuration,
    accuracy: float,
    limit: int,
    failed: bool = False,
) -> None:
    cost = toy_cost(configuration)
    trial.set_user_attr("configuration", configuration.to_dict())
    trial.set_user_attr("outcome", {"status": "oom" if failed else "complete"})
    trial.set_constraint("infeasible", float(failed or cost > limit))
    study.tell(trial, (float(cost), accuracy))


def _enqueue_baselines(study: optuna.Study) -> None:
    for name, configuration in {"head-only": _HEAD_ONLY, "stock-lora": _OUTSIDE}.items():
        study.enqueue_trial({}, user_attrs={"configuration": configuration, "baseline": name})


def _texts(study: optuna.Study) -> list[str]:
    told = [trial for trial in study.trials if "configuration" in trial.user_attrs]
    return [Configuration.from_dict(trial.user_attrs["configuration"]).text for trial in told]


def _params(trials: list[FrozenTrial]) -> list[Mapping[str, Any]]:
    return [trial.params for trial in trials]


class SamplerContract:
    """Tests that a sampler keeps to the budget, never repeats itself, and can be resumed."""

    #: Trials of each search; enough to leave the start of a sampler that has one.
    trials = 14

    def sampler(self, space: BoundSpace, cost: Cost, limit: int, seed: int) -> BaseSampler:
        """Make the sampler under test."""
        raise NotImplementedError

    @pytest.fixture
    def space(self) -> BoundSpace:
        """The space of the searches."""
        return toy_space()

    def searched(self, space: BoundSpace, seed: int = 0, storage: str | None = None) -> optuna.Study:
        """Open a study with both baselines in line, one of them outside the space."""
        study = new_study(self.sampler(space, toy_cost, LIMIT, seed), storage)
        if not study.trials:
            _enqueue_baselines(study)
        return study

    def test_never_over_the_budget_and_never_twice(self, space: BoundSpace) -> None:
        """Every proposal is affordable, new, and stored in its canonical encoding."""
        study = self.searched(space)
        run_trials(study, space, self.trials)
        proposals = [trial for trial in study.trials if "baseline" not in trial.user_attrs]
        assert all(trial.values[0] <= LIMIT for trial in proposals)
        assert len(set(_texts(study))) == self.trials
        for trial in proposals:
            assert space.encode(space.decode(trial.params)) == trial.params

    def test_same_seed_same_proposals(self, space: BoundSpace) -> None:
        """Seed and history decide a proposal; another seed decides otherwise."""
        first, second, other = (self.searched(space, seed) for seed in (3, 3, 4))
        for study in (first, second, other):
            run_trials(study, space, self.trials, noise=0.01)
        assert _params(first.trials) == _params(second.trials)
        assert _params(first.trials) != _params(other.trials)

    def test_resumes_as_it_would_have_gone_on(self, space: BoundSpace, tmp_path: Path) -> None:
        """A fresh sampler on a stored study proposes what the old one would have."""
        whole = self.searched(space)
        run_trials(whole, space, self.trials, noise=0.01)
        storage = f"sqlite:///{tmp_path / 'study.db'}"
        for part in (self.trials - 3, 3):
            run_trials(self.searched(space, storage=storage), space, part, noise=0.01)
        resumed = self.searched(space, storage=storage)
        assert _params(resumed.trials) == _params(whole.trials)

    def test_knows_running_trials(self, space: BoundSpace) -> None:
        """Trials at work are neither repeated nor in the way, told in whatever order."""
        study = self.searched(space)
        run_trials(study, space, self.trials - 2)
        running = [study.ask() for _ in range(4)]
        configurations = [space.suggest(trial) for trial in running]
        assert len({*_texts(study), *(each.text for each in configurations)}) == self.trials + 2
        for trial, configuration in reversed(list(zip(running, configurations, strict=True))):
            _tell(study, trial, configuration, toy_accuracy(configuration), LIMIT)
        run_trials(study, space, 1)

    def test_does_not_repeat_failures(self, space: BoundSpace) -> None:
        """Failed configurations, told with the worst accuracy or as lost, are not proposed again."""
        study = self.searched(space)
        run_trials(study, space, 2)
        for number in range(self.trials):
            trial = study.ask()
            configuration = space.suggest(trial)
            if number % 5 == 4:
                trial.set_user_attr("configuration", configuration.to_dict())
                study.tell(trial, state=TrialState.FAIL)
            else:
                failed = number % 3 == 0
                accuracy = 0.0 if failed else toy_accuracy(configuration)
                _tell(study, trial, configuration, accuracy, LIMIT, failed)
        assert len(set(_texts(study))) == self.trials + 2

    def test_goes_on_when_all_trials_failed(self, space: BoundSpace) -> None:
        """Nothing but failures still leads to new proposals."""
        study = new_study(self.sampler(space, toy_cost, LIMIT, 0))
        for _ in range(self.trials):
            trial = study.ask()
            _tell(study, trial, space.suggest(trial), 0.0, LIMIT, failed=True)
        assert len(set(_texts(study))) == self.trials

    def test_exhausts_a_small_space_and_says_so(self) -> None:
        """Every affordable configuration comes once, then the end is named."""
        space = small_space()
        limit = 8 * 1024
        study = new_study(self.sampler(space, toy_cost, limit, 0))
        with pytest.raises(ExhaustedSpaceError, match="small"):
            run_trials(study, space, 100, limit=limit)
        complete = [trial for trial in study.trials if trial.state == TrialState.COMPLETE]
        every = {space.decode({"lora.rank": rank, "prefix.length": length}) for rank in range(4) for length in range(3)}
        affordable = {configuration.text for configuration in every if toy_cost(configuration) <= limit}
        assert {space.decode(trial.params).text for trial in complete} == affordable
        assert len(complete) == len(affordable)

    def test_refuses_a_budget_nothing_meets(self, space: BoundSpace) -> None:
        """A budget below the cheapest configuration is refused before a trial runs."""
        with pytest.raises(BudgetError, match="cheapest"):
            self.sampler(space, toy_cost, 1, 0)
