"""What to try next: samplers for a front of cost and accuracy under a hard budget."""

from autopeft.samplers.feasible import FeasibleSampler
from autopeft.samplers.hypervolume import hypervolume, pareto_front
from autopeft.samplers.pareto import STARTUP_TRIALS, ParetoSampler
from autopeft.samplers.points import cheapest_cost
from autopeft.samplers.registry import SAMPLERS, make_sampler

__all__ = [
    "SAMPLERS",
    "STARTUP_TRIALS",
    "FeasibleSampler",
    "ParetoSampler",
    "cheapest_cost",
    "hypervolume",
    "make_sampler",
    "pareto_front",
]
