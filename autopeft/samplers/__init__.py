"""What to try next: samplers for a front of cost and accuracy under a hard budget."""

from autopeft.samplers.feasible import FeasibleSampler
from autopeft.samplers.forecast import Forecast, finished_pairs, forecast
from autopeft.samplers.hypervolume import hypervolume, pareto_front
from autopeft.samplers.pareto import STARTUP_TRIALS, ParetoSampler
from autopeft.samplers.points import cheapest_cost
from autopeft.samplers.registry import SAMPLERS, make_sampler

__all__ = [
    "SAMPLERS",
    "STARTUP_TRIALS",
    "FeasibleSampler",
    "Forecast",
    "ParetoSampler",
    "cheapest_cost",
    "finished_pairs",
    "forecast",
    "hypervolume",
    "make_sampler",
    "pareto_front",
]
