"""Costs: what a configuration costs, exactly and before any training, and budgets on it."""

from autopeft.costs.budget import Budget
from autopeft.costs.costs import REFUSED, Costs
from autopeft.costs.idle import idle_budgets
from autopeft.costs.typical import typical, typical_costs

__all__ = ["REFUSED", "Budget", "Costs", "idle_budgets", "typical", "typical_costs"]
