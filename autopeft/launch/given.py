"""Configurations that a plan names, which are tried in place of a search, or first in it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from autopeft.backbones import Backbone
from autopeft.costs import Costs
from autopeft.errors import AutopeftError, BudgetError, ConfigurationError
from autopeft.launch.plan import SearchPlan
from autopeft.methods import REFERENCES, VOCABULARY, is_from_peft, read_peft
from autopeft.space import Configuration, canonical, read_configuration

__all__ = ["given_of", "read_written", "trials_of", "tries_of"]


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
        _check_affordable(f"configurations: {name}", found[name], plan, costs, backbone, limit)
    return found


def tries_of(
    plan: SearchPlan, costs: Costs, backbone: Backbone, limit: int, learning_rate: float
) -> dict[str, Configuration]:
    """Return the configurations that a search tries first, by their files; further arguments as for `given_of`.

    Args:
        learning_rate: That of those whose files say none.

    Raises:
        AutopeftError: When a file cannot be read, or what it says cannot be built or is beyond the budget.
    """
    found = {}
    for path in plan.tries or ():
        written = read_written(path, backbone)
        given = written.get("training") or {}
        if isinstance(given, Mapping):
            written = {**written, "training": {"learning_rate": learning_rate, **given}}
        try:
            found[str(path)] = canonical(written, VOCABULARY, backbone.shape)
        except ConfigurationError as error:
            raise ConfigurationError(f"{path}: {error}") from error
        _check_affordable(str(path), found[str(path)], plan, costs, backbone, limit)
    return found


def read_written(path: Path, backbone: Backbone) -> dict[str, Any]:
    """Read a file of a configuration, or an `adapter_config.json` of PEFT, as `canonical` takes it.

    Raises:
        ConfigurationError: When the file cannot be read, or PEFT's config has what configurations cannot say.
    """
    written = read_configuration(path)
    if not is_from_peft(written):
        return written
    try:
        return read_peft(written, backbone)
    except ConfigurationError as error:
        raise ConfigurationError(f"{path}: {error}") from error


def _check_affordable(
    name: str, configuration: Configuration, plan: SearchPlan, costs: Costs, backbone: Backbone, limit: int
) -> None:
    params = costs.params(configuration)
    if params > limit:
        raise BudgetError(
            f"{name} has {params:,} trainable parameters on {backbone.name}, but the budget {plan.budget} is "
            f"{limit:,}; raise --budget, or leave it out"
        )
