"""Data levers: which rows a trial learns from, how often, and in what form; words of the section `data` of a space."""

from autopeft.levers.augmentation import AUGMENT, Augmentation, Rows
from autopeft.levers.column import COLUMN
from autopeft.levers.contrast import CONTRASTIVE
from autopeft.levers.difficulty import DIFFICULTY, FAIL_RATE, Quotas, resampled
from autopeft.levers.needed import Score, scores_named, scores_of
from autopeft.levers.pool import Pool, Selector
from autopeft.levers.selection import SELECT
from autopeft.levers.smallest import smallest_selections
from autopeft.levers.words import DATA_KNOBS, DATA_WORDS, column_knobs, inputs_changed, words_named, words_of

__all__ = [
    "AUGMENT",
    "COLUMN",
    "CONTRASTIVE",
    "DATA_KNOBS",
    "DATA_WORDS",
    "DIFFICULTY",
    "FAIL_RATE",
    "SELECT",
    "Augmentation",
    "Pool",
    "Quotas",
    "Rows",
    "Score",
    "Selector",
    "column_knobs",
    "inputs_changed",
    "resampled",
    "scores_named",
    "scores_of",
    "smallest_selections",
    "words_named",
    "words_of",
]
