"""From a front to a decision: finalists measured on test, and picks by name."""

from autopeft.selection.finalists_file import Finalist, FinalistsFile, Interval, read_finalists
from autopeft.selection.picks import PICKS, knee, pick
from autopeft.selection.select import MOST_SEEDS, select
from autopeft.selection.selected import selected_front
from autopeft.selection.trained import Choice, choice_of

__all__ = [
    "MOST_SEEDS",
    "PICKS",
    "Choice",
    "Finalist",
    "FinalistsFile",
    "Interval",
    "choice_of",
    "knee",
    "pick",
    "read_finalists",
    "select",
    "selected_front",
]
