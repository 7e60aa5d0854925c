"""Data levers: which rows a trial learns from, how often, and in what form; words of the section `data` of a space."""

from autopeft.levers.difficulty import DIFFICULTY, FAIL_RATE, Quotas, resampled
from autopeft.levers.needed import Score, scores_named, scores_of
from autopeft.levers.pool import Pool, Selector
from autopeft.levers.selection import SELECT
from autopeft.levers.words import DATA_KNOBS, DATA_WORDS, columns_named, columns_of

__all__ = [
    "DATA_KNOBS",
    "DATA_WORDS",
    "DIFFICULTY",
    "FAIL_RATE",
    "SELECT",
    "Pool",
    "Quotas",
    "Score",
    "Selector",
    "columns_named",
    "columns_of",
    "resampled",
    "scores_named",
    "scores_of",
]
