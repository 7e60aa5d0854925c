"""Data levers: which rows a trial learns from, how often, and in what form; words of the section `data` of a space."""

from autopeft.levers.difficulty import DIFFICULTY, FAIL_RATE, Quotas, resampled
from autopeft.levers.selection import SELECT, Pool, Selector
from autopeft.levers.words import DATA_KNOBS, DATA_WORDS, columns_named, columns_of

__all__ = [
    "DATA_KNOBS",
    "DATA_WORDS",
    "DIFFICULTY",
    "FAIL_RATE",
    "SELECT",
    "Pool",
    "Quotas",
    "Selector",
    "columns_named",
    "columns_of",
    "resampled",
]
