"""What to try next: samplers for a front of cost and accuracy under a hard budget."""

from autopeft.samplers.axes import CostAxis
from autopeft.samplers.earlier import EarlierTrial, earlier_trials, within
from autopeft.samplers.feasible import FeasibleSampler
from autopeft.samplers.forecast import Finished, Forecast, finished_runs, forecast
from autopeft.samplers.history import COSTS
from autopeft.samplers.hypervolume import (
    accuracy_to_grow,
    hypervolume,
    hypervolume_of_many,
    pareto_front,
    pareto_front_of_many,
)
from autopeft.samplers.own_trials import DERIVED, is_own, own_trials
from autopeft.samplers.pareto import ParetoSampler
from autopeft.samplers.points import AffordablePoints, cheapest_cost
from autopeft.samplers.registry import SAMPLERS, make_sampler

__all__ = [
    "COSTS",
    "DERIVED",
    "SAMPLERS",
    "AffordablePoints",
    "CostAxis",
    "EarlierTrial",
    "FeasibleSampler",
    "Finished",
    "Forecast",
    "ParetoSampler",
    "accuracy_to_grow",
    "cheapest_cost",
    "earlier_trials",
    "finished_runs",
    "forecast",
    "hypervolume",
    "hypervolume_of_many",
    "is_own",
    "make_sampler",
    "own_trials",
    "pareto_front",
    "pareto_front_of_many",
    "within",
]
