"""Searches by the product's sampler, without references and early stopping: what is compared is what they find."""

from __future__ import annotations

from optuna import create_study

from autopeft.launch import Preparation
from autopeft.launch.job import WorkerJob
from autopeft.samplers import make_sampler
from autopeft.space import BoundSpace, Configuration

__all__ = ["best_of_search"]


def best_of_search(
    prepared: Preparation, space: BoundSpace, trials: int, *, seed: int = 0, job: WorkerJob | None = None
) -> Configuration:
    """Return what is best on validation of trials in a space, all trained to their end.

    Args:
        prepared: The task and the backbone.
        space: The space.
        trials: How many.
        seed: Of the sampler and of every trial.
        job: How trials are run; as prepared when left out.

    Raises:
        RuntimeError: When a trial fails by a fault in code or data.
    """
    prices = prepared.costs.price
    sampler = make_sampler("pareto", space, prices, prepared.scale.limit, seed=seed)
    study = create_study(directions=["minimize", "maximize"], sampler=sampler)
    runner, found = (job or prepared.job).runner(), {}
    for _ in range(trials):
        trial = study.ask()
        configuration = space.suggest(trial)
        outcome = runner.run(configuration, seed=seed)
        if outcome.status == "error":
            raise RuntimeError(f"{configuration.describe()}: {outcome.message}\n{outcome.detail}")
        accuracy = outcome.accuracy or 0.0
        trial.set_user_attr("configuration", configuration.to_dict())
        trial.set_user_attr("outcome", {"status": outcome.status})
        trial.set_constraint("infeasible", float(outcome.status != "complete"))
        study.tell(trial, (float(prices(configuration)), accuracy))
        found[configuration] = accuracy
    return max(found, key=lambda configuration: found[configuration])
