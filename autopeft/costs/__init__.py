"""Costs: what a configuration costs, exactly and before any training, and budgets on it."""

from autopeft.costs.budget import Budget
from autopeft.costs.costs import Costs

__all__ = ["Budget", "Costs"]
