"""The kinds of dirt, by name: each is put on a sheet of clean rows, and says what may become of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random

from tests.tasks.dirty.sheet import Sheet, Verdict

__all__ = ["ALL", "DELIMITED", "DIRT", "ENCODINGS", "JSON", "PLAIN", "QUOTING", "Dirt", "dirt"]

#: What one file of a source may be.
DELIMITED = ("csv", "tsv")
JSON = ("jsonl", "json")
PLAIN = (*DELIMITED, *JSON)
ALL = (*PLAIN, "parquet", "saved", "xlsx")

QUOTING = ("minimal", "all", "none", "backslash")
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16-le", "utf-16-be", "cp1252", "cp1251")


@dataclass(frozen=True)
class Dirt:
    """A kind of dirt.

    Args:
        put: Puts it on a sheet.
        group: What it is done to; two kinds of one group do not meet in a file.
        kinds: What files can have it.
        verdict: What a reader must do; where that differs by the kind of file, a mapping with `else`.
        quoting: The ways of quoting that a delimited file can have it with.
        encodings: The encodings that a text file can have it with.
        apart: Whether validation and test must be in files of their own, or must not; None if that is all the same.
        split: Which of them has it; any of them when left out.
        everywhere: Whether all of them have it.
        labels: Kinds of labels that it goes with.
    """

    put: Callable[[Sheet, Random], None]
    group: str
    kinds: tuple[str, ...] = ALL
    verdict: Verdict | Mapping[str, Verdict] = "read"
    quoting: tuple[str, ...] = QUOTING
    encodings: tuple[str, ...] = ENCODINGS
    apart: bool | None = None
    split: str | None = None
    everywhere: bool = False
    labels: tuple[str, ...] = ()

    def verdict_for(self, kind: str) -> Verdict:
        """Return what a reader of this kind of file must do."""
        if isinstance(self.verdict, str):
            return self.verdict
        return self.verdict.get(kind, self.verdict["else"])


#: All kinds, by name.
DIRT: dict[str, Dirt] = {}


def dirt(name: str, group: str, **how: object) -> Callable[[Callable[[Sheet, Random], None]], None]:
    """Enter a kind; arguments are those of `Dirt`."""

    def enter(put: Callable[[Sheet, Random], None]) -> None:
        DIRT[name] = Dirt(put, group, **how)  # type: ignore[arg-type]

    return enter


# Each of these enters its kinds.
from tests.tasks.dirty import dirty_columns, dirty_labels, dirty_rows, dirty_texts  # noqa: E402

assert all((dirty_columns, dirty_labels, dirty_rows, dirty_texts))
