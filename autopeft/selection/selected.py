"""The front that picks read: after a selection, the finalists' by what they reach on validation over their seeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from autopeft.errors import StudyError
from autopeft.launch import SearchResult
from autopeft.selection.finalists_file import FINALISTS, Finalist, read_finalists
from autopeft.space import Configuration
from autopeft.study import Front, FrontRow, counted, placed

__all__ = ["is_of", "selected_front"]

#: What the study calls the baseline `head` of `finalists.json`; references have one name.
_HEAD = "head-only"


def selected_front(result: SearchResult) -> Front:
    """Return the front of a run as picks read it.

    After a selection its rows are finalists, accuracies their means on validation, and references have their best
    learning rates; full fine-tuning is on no front. Before one, or when the search has gone on since, it is the
    front of the search.

    Args:
        result: The run.

    Raises:
        StudyError: When `finalists.json` cannot be read.
    """
    file = read_finalists(result.folder)
    if file is None or file.trials not in (None, counted(result.study)):
        return result.front
    known = (*result.front.rows, *result.front.baselines, *result.front.others)
    stock = next((each.validation.mean for each in file.finalists if each.baseline == "stock-lora"), None)
    rows = [
        _row(finalist, _row_of(finalist, known, result), stock)
        for finalist in file.finalists
        if finalist.baseline != "full"
    ]
    # What failed in the search may have been trained since.
    rows, front = placed(rows, result.scale)
    again = {row.trial for row in rows}
    named = {row.trial for row in front}
    every = (*rows, *(row for row in known if row.trial not in again))
    return replace(
        result.front,
        rows=front,
        baselines=tuple(row for row in every if row.baseline),
        others=tuple(row for row in every if row.trial not in named and not row.baseline),
    )


def _row_of(finalist: Finalist, known: Sequence[FrontRow], result: SearchResult) -> FrontRow:
    """Return the row of the search that a finalist was."""
    found = next((row for row in known if is_of(finalist, row)), None)
    if found is None:
        raise StudyError(
            f"{result.folder / FINALISTS} names {finalist.name}, which this search has not measured: it is of another "
            f"run; move it away and run `autopeft select {result.folder}`"
        )
    return found


def is_of(finalist: Finalist, row: FrontRow) -> bool:
    """Return whether a finalist is what became of a row of the search; baselines may have another learning rate.

    Args:
        finalist: The finalist.
        row: A row of the front, or another trial.
    """
    if finalist.baseline is None:
        return row.trial == finalist.trial
    return row.baseline == (_HEAD if finalist.baseline == "head" else finalist.baseline)


def _row(finalist: Finalist, row: FrontRow, stock: float | None) -> FrontRow:
    """Return a row of the search as its finalist has it, of which the other metrics are not known."""
    configuration = Configuration.from_dict(finalist.configuration)
    return replace(
        row,
        configuration=configuration.to_dict(),
        in_words=configuration.describe(),
        accuracy=finalist.validation.mean,
        over_stock=None if stock is None else finalist.validation.mean - stock,
        metrics={},
        status="complete",
    )
