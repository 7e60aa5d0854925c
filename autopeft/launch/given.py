"""Configurations that a plan names, which are tried in place of a search."""

from __future__ import annotations

from autopeft.backbones import Backbone
from autopeft.costs import Costs
from autopeft.errors import AutopeftError, BudgetError, ConfigurationError
from autopeft.launch.plan import SearchPlan
from autopeft.methods import REFERENCES, VOCABULARY
from autopeft.space import Configuration, canonical

__all__ = ["given_of", "trials_of"]


def trials_of(count: int) -> int:
    """Return how many trials so many configurations are, with the untouched model and every reference."""
    return count + 1 + len(REFERENCES)


def given_of(plan: SearchPlan, costs: Costs, backbone: Backbone, limit: int) -> dict[str, Configuration]:
    """Return the configurations of a plan by name; none where it searches.

    Args:
        plan: The plan.
        costs: What they cost on the backbone.
        backbone: The backbone.
        limit: Trainable parameters at most.

    Raises:
        AutopeftError: When there are none, one cannot be built or is beyond the budget, or other trials are asked for.
    """
    if plan.configurations is None:
        return {}
    if not plan.configurations:
        raise AutopeftError("configurations: found none; expected some by name, or leave them out for a search")
    trials = trials_of(len(plan.configurations))
    if "trials" in plan.model_fields_set and plan.trials != trials:
        raise AutopeftError(
            f"trials: found {plan.trials}, but {len(plan.configurations)} configurations and what they are compared "
            f"with are {trials} trials; leave it out"
        )
    found = {}
    for name, written in plan.configurations.items():
        try:
            found[name] = canonical(written, VOCABULARY, backbone.shape)
        except ConfigurationError as error:
            raise ConfigurationError(f"configurations: {name}: {error}") from error
        params = costs.params(found[name])
        if params > limit:
            raise BudgetError(
                f"configurations: {name} has {params:,} trainable parameters on {backbone.name}, but the budget "
                f"{plan.budget} is {limit:,}; raise --budget, or leave it out"
            )
    return found
