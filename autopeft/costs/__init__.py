"""Costs: what a configuration costs, exactly and before any training, and budgets on it."""

from autopeft.costs.budget import Budget, memory_limit
from autopeft.costs.costs import REFUSED, Costs
from autopeft.costs.idle import idle_budgets
from autopeft.costs.memory import MemoryModel, memory_features
from autopeft.costs.objectives import OBJECTIVES, Objective, read_objectives
from autopeft.costs.typical import typical, typical_costs

__all__ = [
    "OBJECTIVES",
    "REFUSED",
    "Budget",
    "Costs",
    "MemoryModel",
    "Objective",
    "idle_budgets",
    "memory_features",
    "memory_limit",
    "read_objectives",
    "typical",
    "typical_costs",
]
