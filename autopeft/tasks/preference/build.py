"""From tables by split to a task of preferences."""

from __future__ import annotations

from collections.abc import Mapping

from autopeft.tasks.causal.dividing import divided, refuse_empty
from autopeft.tasks.causal.formats import SYSTEM, TOOLS_COLUMN
from autopeft.tasks.causal.spot import LeftOut, Spot
from autopeft.tasks.intake import Intake, Ledger
from autopeft.tasks.preference.form import PairForm
from autopeft.tasks.preference.pairs import Pairs
from autopeft.tasks.preference.reading import pair_of
from autopeft.tasks.rows import check_columns
from autopeft.tasks.spec import TaskSpec
from autopeft.tasks.tables import Table

__all__ = ["read_pairs"]


def read_pairs(
    spec: TaskSpec, form: PairForm, tables: Mapping[str, Table]
) -> tuple[dict[str, Pairs], tuple[str, ...], dict[str, Intake]]:
    """Make the splits of a task of tables; pairs of one prompt stay in one split.

    Args:
        spec: Where they come from.
        form: What form the pairs have.
        tables: `train`, and `validation` and `test` where they are given; the others are split off `train`.

    Returns:
        The splits, notes, and the account of the rows by split.

    Raises:
        DataError: When a row has another form, or there are too few.
    """
    read = {split: _split(table, form) for split, table in tables.items()}
    intake = {split: account for split, (_, account) in read.items()}
    given = {split: part for split, (part, _) in read.items()}
    parts, notes = divided(spec, given, intake, lambda part: [pair.prompt for pair in part.pairs])
    return parts, notes, intake


def _split(table: Table, form: PairForm) -> tuple[Pairs, Intake]:
    """Make the pairs of a table, and the account of its rows."""
    begun = (
        "" if form.prompt in table.columns else "; only answers that are lists of messages may begin with their prompt"
    )
    check_columns(table, form.columns, f"Name the columns with --prompt, --chosen and --rejected{begun}")
    ledger = Ledger(table, (*form.columns, SYSTEM, *((TOOLS_COLUMN,) if form.conversation else ())))
    pairs, places = [], []
    for place, row in table.rows:
        spot = Spot(table.source, place, ledger)
        try:
            pairs.append(pair_of(row, form, spot))
        except LeftOut as reason:
            ledger.drop(place, str(reason))
            continue
        places.append(str(spot))
    account = ledger.close()
    refuse_empty(account, form.describe())
    return Pairs(pairs, places), account
