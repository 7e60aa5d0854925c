"""From a front to a decision: finalists measured on test, and picks by name."""

from autopeft.selection.compressed import compress_trial, points_of, to_compress
from autopeft.selection.finalists_file import Finalist, FinalistsFile, Interval, read_finalists
from autopeft.selection.picks import PICKS, knee, pick
from autopeft.selection.power import expected_half_width
from autopeft.selection.racing import LEAST_SEEDS
from autopeft.selection.select import MOST_SEEDS, check_seeds, margin_held, select
from autopeft.selection.selected import selected_front
from autopeft.selection.sharpening import Until
from autopeft.selection.trained import Choice, choice_of
from autopeft.selection.transfer import Transfer, check_beside, plan_of_transfer, transfer_of, weights_of
from autopeft.selection.verdict import MARGIN, margin_of

__all__ = [
    "LEAST_SEEDS",
    "MARGIN",
    "MOST_SEEDS",
    "PICKS",
    "Choice",
    "Finalist",
    "FinalistsFile",
    "Interval",
    "Transfer",
    "Until",
    "check_beside",
    "check_seeds",
    "choice_of",
    "compress_trial",
    "expected_half_width",
    "knee",
    "margin_held",
    "margin_of",
    "pick",
    "plan_of_transfer",
    "points_of",
    "read_finalists",
    "select",
    "selected_front",
    "to_compress",
    "transfer_of",
    "weights_of",
]
