"""Show a search and its front: live progress, tables, files and figures."""

from autopeft.report.compare import Comparison, compare_runs, summary_table, write_comparison
from autopeft.report.files import front_data, write_front
from autopeft.report.notebook import NotebookProgress, in_notebook
from autopeft.report.progress import (
    Band,
    LiveProgress,
    PlainProgress,
    QuietProgress,
    VerboseProgress,
    best_per_band,
    clock,
    time_left,
)
from autopeft.report.report import write_report
from autopeft.report.run import read_run
from autopeft.report.table import front_table, percent, row_cells
from autopeft.report.trials_table import summed_up, trials_table

__all__ = [
    "Band",
    "Comparison",
    "LiveProgress",
    "NotebookProgress",
    "PlainProgress",
    "QuietProgress",
    "VerboseProgress",
    "best_per_band",
    "clock",
    "compare_runs",
    "front_data",
    "front_table",
    "in_notebook",
    "percent",
    "read_run",
    "row_cells",
    "summary_table",
    "summed_up",
    "time_left",
    "trials_table",
    "write_comparison",
    "write_front",
    "write_report",
]
