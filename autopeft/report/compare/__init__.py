"""Runs held against each other: whether they may be, what differs, and a page of it."""

from autopeft.report.compare.comparison import Comparison, compare_runs, write_comparison
from autopeft.report.compare.summary import summary_table

__all__ = ["Comparison", "compare_runs", "summary_table", "write_comparison"]
