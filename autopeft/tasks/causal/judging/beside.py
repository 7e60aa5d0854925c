"""What stands beside an example in its row, for answers to be held against."""

from __future__ import annotations

import math
import reprlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autopeft.errors import DataError
from autopeft.tasks.causal.json_text import lines_of
from autopeft.tasks.causal.spot import Spot
from autopeft.tasks.tables import Table, is_missing

__all__ = ["Beside", "Column", "beside_of", "check_beside", "lines_in", "number_in", "text_in"]

#: What stands beside an example, by column.
Beside = Mapping[str, Any]


def _itself(value: Any) -> Any:
    return value


@dataclass(frozen=True)
class Column:
    """A column that a metric reads.

    Args:
        name: Its name.
        read: Makes of a cell that is not empty what the metric takes; told where it stands, and in which folder.
        otherwise: What an empty cell means; None where the metric cannot do without.
        identity: Makes of that JSON data by which it is known again.
        is_file: Whether what is read is the path of a file.
    """

    name: str
    read: Callable[[Any, Spot, Path], Any]
    otherwise: Any = None
    identity: Callable[[Any], Any] = _itself
    is_file: bool = False


def check_beside(table: Table, columns: Sequence[Column], metric: str) -> None:
    """Check that a table has the columns that a metric cannot do without.

    Raises:
        DataError: It lacks one, or has several of one name.
    """
    for column in columns:
        if column.name in table.repeated:
            raise DataError(f"'{table.source}' has several columns called '{column.name}'; give each a name of its own")
        if column.otherwise is None and column.name not in table.columns:
            raise DataError(
                f"'{table.source}' has no column '{column.name}', by which the metric {metric} judges answers; found: "
                f"{', '.join(table.columns)}. Add it, or use another metric"
            )


def beside_of(row: Mapping[str, Any], columns: Sequence[Column], spot: Spot, folder: Path) -> dict[str, Any]:
    """Return what stands beside an example.

    Args:
        row: Values by column.
        columns: The columns that are read.
        spot: Where the row stands.
        folder: Where paths in it begin.

    Raises:
        DataError: When a cell has another form.
        LeftOut: When one is empty that the metric cannot do without.
    """
    found = {}
    for column in columns:
        if column.otherwise is not None and is_missing(row.get(column.name)):
            found[column.name] = column.otherwise
        else:
            found[column.name] = column.read(spot.filled(row, column.name), spot.at(f"'{column.name}'"), folder)
    return found


def text_in(value: Any, spot: Spot, folder: Path) -> str:
    """Return the text of a cell."""
    return spot.text(value)


def lines_in(value: Any, spot: Spot, folder: Path) -> list[str]:
    """Return the texts of a cell with a list of them."""
    return lines_of(value, spot)


def number_in(value: Any, spot: Spot, folder: Path) -> float:
    """Return the number above 0 of a cell."""
    try:
        number = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not 0 < number < math.inf:
        raise DataError(f"{spot}: found {reprlib.repr(value)}; expected a number above 0")
    return number
