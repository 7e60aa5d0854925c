"""Show a search and its front: live progress, tables, files and figures."""

from autopeft.report.files import front_data, metric_of, write_front
from autopeft.report.progress import Band, LiveProgress, PlainProgress, best_per_band, time_left
from autopeft.report.report import write_report
from autopeft.report.run import read_run
from autopeft.report.table import front_table, percent, row_cells
from autopeft.report.words import cost_in_words

__all__ = [
    "Band",
    "LiveProgress",
    "PlainProgress",
    "best_per_band",
    "cost_in_words",
    "front_data",
    "front_table",
    "metric_of",
    "percent",
    "read_run",
    "row_cells",
    "time_left",
    "write_front",
    "write_report",
]
