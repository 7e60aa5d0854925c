"""Runs held against each other: whether they may be, what differs, and a page of it."""

from autopeft.reporting.compare.comparison import Comparison, compare_runs, write_comparison
from autopeft.reporting.compare.summary import summary_table

__all__ = ["Comparison", "compare_runs", "summary_table", "write_comparison"]
