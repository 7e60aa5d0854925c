"""What to try next: samplers for a front of cost and accuracy under a hard budget."""

from autopeft.samplers.feasible import FeasibleSampler
from autopeft.samplers.forecast import Finished, Forecast, finished_runs, forecast
from autopeft.samplers.hypervolume import accuracy_to_grow, hypervolume, pareto_front
from autopeft.samplers.pareto import ParetoSampler
from autopeft.samplers.points import cheapest_cost
from autopeft.samplers.registry import SAMPLERS, make_sampler

__all__ = [
    "SAMPLERS",
    "FeasibleSampler",
    "Finished",
    "Forecast",
    "ParetoSampler",
    "accuracy_to_grow",
    "cheapest_cost",
    "finished_runs",
    "forecast",
    "hypervolume",
    "make_sampler",
    "pareto_front",
]
