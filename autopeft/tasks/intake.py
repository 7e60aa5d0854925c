"""The account of a source's rows: those used and those left out add up to the rows there are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from autopeft.tasks.tables.table import Table

__all__ = ["Intake", "Ledger", "listed"]

#: So many places, or names, are spelt out.
_SHOWN = 5


def listed(names: Sequence[str], shown: int = _SHOWN) -> str:
    """Return names as `a, b, c and 4 more`."""
    rest = len(names) - shown
    return ", ".join(names[:shown]) + (f" and {rest:,} more" if rest > 0 else "")


@dataclass(frozen=True)
class Intake:
    """What became of the rows of a source.

    Args:
        source: Where they come from.
        rows: Rows there are.
        drops: For each reason the places of the rows left out.
        remarks: For each thing that was done to rows that are used, the places of those rows.
        unused: Columns, and keys within them, that the job does not use.
        notes: What was recognised on the way in.
    """

    source: str
    rows: int
    drops: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    remarks: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    unused: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def dropped(self) -> int:
        """Rows left out."""
        return sum(map(len, self.drops.values()))

    @property
    def used(self) -> int:
        """Rows used."""
        return self.rows - self.dropped

    def describe(self) -> list[str]:
        """Return lines that tell people how the source was read and what of it is left out."""
        lines = list(self.notes)
        for reason, places in self.drops.items():
            lines.append(f"{_rows(places)} of {self.rows:,} dropped, {reason} ({_places(places)})")
        for remark, places in self.remarks.items():
            lines.append(f"{remark} in {_rows(places)} ({_places(places)})")
        if self.unused:
            lines.append(f"not used: {listed(self.unused, 20)}")
        name = self.source.rsplit("/", 1)[-1]
        return [f"{name}: {line}" for line in lines]

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON data."""
        return {
            "source": self.source,
            "rows": self.rows,
            "used": self.used,
            "dropped": {reason: list(places) for reason, places in self.drops.items()},
            "remarks": {remark: list(places) for remark, places in self.remarks.items()},
            "unused": list(self.unused),
            "notes": list(self.notes),
        }


class Ledger:
    """Keeps an account while the rows of a table are looked at.

    Args:
        table: The table.
        used: Columns that the job uses.
    """

    def __init__(self, table: Table, used: Iterable[str]) -> None:
        self._table = table
        used = {*used, *table.used}
        self._unused = [column for column in table.columns if column not in used]
        self._drops: dict[str, list[str]] = defaultdict(list)
        self._remarks: dict[str, dict[str, None]] = defaultdict(dict)

    def drop(self, place: str, reason: str) -> None:
        """Leave out a row; once a row, whatever else is wrong with it."""
        self._drops[reason].append(place)

    def remark(self, place: str, what: str) -> None:
        """Note what was done to a row."""
        self._remarks[what].setdefault(place)

    def leave(self, name: str) -> None:
        """Note a key that the job does not use, e.g. `messages[].id`."""
        if name not in self._unused:
            self._unused.append(name)

    def close(self) -> Intake:
        """Return the account."""
        return Intake(
            source=self._table.source,
            rows=len(self._table.rows),
            drops={reason: tuple(places) for reason, places in self._drops.items()},
            remarks={what: tuple(places) for what, places in self._remarks.items()},
            unused=tuple(self._unused),
            notes=self._table.notes,
        )


def _rows(places: Sequence[str]) -> str:
    return f"{len(places):,} row{'s' * (len(places) != 1)}"


def _places(places: Sequence[str]) -> str:
    """Return places as `lines 3, 5 and 2 more`."""
    words = {place.rpartition(" ")[0] for place in places}
    # Files, say, are no places with a number.
    if len(places) == 1 or len(words) > 1 or "" in words:
        return listed(places)
    return f"{words.pop()}s {listed([place.rpartition(' ')[2] for place in places])}"
