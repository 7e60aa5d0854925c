"""Show a search and its front: live progress, tables, files and figures."""

from autopeft.reporting.compare import Comparison, compare_runs, summary_table, write_comparison
from autopeft.reporting.files import front_data, write_front
from autopeft.reporting.notebook import NotebookProgress, in_notebook
from autopeft.reporting.progress import (
    Band,
    LiveProgress,
    PlainProgress,
    QuietProgress,
    VerboseProgress,
    best_per_band,
    clock,
    time_left,
)
from autopeft.reporting.report import Written, write_report
from autopeft.reporting.run import read_run
from autopeft.reporting.table import front_table, percent, row_cells
from autopeft.reporting.trials_table import summed_up, trials_table

__all__ = [
    "Band",
    "Comparison",
    "LiveProgress",
    "NotebookProgress",
    "PlainProgress",
    "QuietProgress",
    "VerboseProgress",
    "Written",
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
