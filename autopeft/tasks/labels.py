"""From the values of a label column to the names of classes: numbers, words, and what are no classes."""

from __future__ import annotations

import math
import re
import unicodedata
from ast import literal_eval
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from autopeft.errors import DataError
from autopeft.tasks.intake import listed
from autopeft.tasks.tables import kind_in_words, text_of

__all__ = [
    "SEPARATORS",
    "LabelNames",
    "ScaleError",
    "SeveralLabelsError",
    "combined",
    "label_names",
    "read_number",
]

#: A number as a label: 01 and 1 are no one number, nor is 1,000.
_NUMBER = re.compile(r"[+-]?(?:(?:0|[1-9]\d*)(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?")
_WITH_COMMA = re.compile(r"[+-]?(?:0|[1-9]\d*)(?:,\d+)?")
_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}(?:,\d{3})+")

#: Whole numbers are classes where each stands in so many rows on average.
_REPEATS = 4

#: A number of more digits than this is none that classes have.
_MOST_DIGITS = 40

#: What may stand between the names of several labels.
SEPARATORS = (";", "|", ",")

#: So many combinations of labels are no accident.
_COMBINATIONS = 3


class ScaleError(DataError):
    """A label column holds numbers of a scale."""


class SeveralLabelsError(DataError):
    """A label column holds several labels a row."""


@dataclass(frozen=True)
class LabelNames:
    """What the values of a label column are called.

    Args:
        numbers: Whether all of them are numbers, so that 1, `1` and 1.0 are one class.
        decimal_comma: Whether those have a comma for a point.
        notes: What was recognised, for people.
    """

    numbers: bool
    decimal_comma: bool = False
    notes: tuple[str, ...] = ()

    def of(self, value: Any) -> str:
        """Return the name of a value that is not missing."""
        text = _text(value)
        return _plain(_number(text, self.decimal_comma)) if self.numbers else text


def label_names(values: Sequence[tuple[str, Any]], column: str, source: str, *, named: bool, asked: bool) -> LabelNames:
    """Decide what the values of a label column are called.

    Args:
        values: Those of all splits that are not missing, each with where it stands.
        column: The column, for messages.
        source: Where it stands, likewise.
        named: Whether the source says itself that they are names of classes.
        asked: Whether the user has said that they are classes.

    Raises:
        SeveralLabelsError: When they are several labels a row, and nobody has said that they are classes.
        ScaleError: When they are numbers of a scale, likewise.
        DataError: When they may be classes or a scale, or something else.
    """
    texts: Counter[str] = Counter()
    lists = [(where, value) for where, value in values if isinstance(value, list | tuple)]
    # Where most are lists, what is none is for those to tell who read lists.
    if 0 < len(lists) <= len(values) / 2 and not asked:
        where, value = lists[0]
        raise DataError(
            f"{where}: the label column '{column}' holds {kind_in_words(value)} ({value!r:.60}), and in other rows no "
            f"list ({len(lists):,} of {len(values):,} are lists); expected one label in each row, or a list in each "
            "for --kind multilabel"
        )
    for where, value in values:
        text = text_of(value)
        if text is None or (isinstance(value, float) and math.isinf(value)):
            _refuse(where, column, value)
        else:
            texts[text.strip()] += 1
    alike = _alike(texts, column)
    if named:
        return LabelNames(numbers=False, notes=alike)
    comma = any("," in text for text in texts)
    if not texts or not all(_is_number(text, comma) for text in texts) or (comma and combined(texts, ",")):
        if not asked:
            _refuse_joined(texts, f"'{source}': the label column '{column}'")
        return LabelNames(numbers=False, notes=alike)
    spellings: dict[Decimal, list[str]] = defaultdict(list)
    counts: Counter[Decimal] = Counter()
    for text, count in texts.items():
        number = _number(text, comma)
        spellings[number].append(text)
        counts[number] += count
    whole = all(number == number.to_integral_value() for number in counts)
    if not asked:
        _refuse_scale(counts, f"'{source}': the label column '{column}'", whole)
    return LabelNames(True, comma, (*_notes(counts, spellings, column, whole, comma, asked),))


def read_number(value: Any, comma: bool) -> float:
    """Return a value as a number; NaN where it is none.

    Args:
        value: What a cell holds, not missing.
        comma: Whether numbers have a comma for a point.
    """
    text = text_of(value)
    if text is None or isinstance(value, bool) or not _is_number(text.strip(), comma):
        return math.nan
    return float(_number(text.strip(), comma))


def _notes(
    counts: Mapping[Decimal, int],
    spellings: Mapping[Decimal, list[str]],
    column: str,
    whole: bool,
    comma: bool,
    asked: bool,
) -> Iterable[str]:
    kind = "whole numbers" if whole else "numbers"
    other = "" if asked else "; to learn a scale is `--kind regression`"
    yield f"the labels of '{column}' are {kind}, each taken as a class ({len(counts)} of them){other}"
    if comma:
        yield f"the labels of '{column}' have decimal commas"
    several = [f"{' and '.join(sorted(texts))}" for texts in spellings.values() if len(texts) > 1]
    if several:
        yield f"labels of '{column}' that are one number are one class: {listed(several)}"


def _refuse(where: str, column: str, value: Any) -> None:
    found = f"{where}: the label column '{column}' holds {kind_in_words(value)}"
    if isinstance(value, list | tuple):
        raise SeveralLabelsError(f"{found} ({value!r:.60}): several labels a row are --kind multilabel")
    raise DataError(f"{found}; expected the name or the number of a class")


def _refuse_joined(texts: Mapping[str, int], found: str) -> None:
    """Refuse names of several labels in one: most of their parts are labels themselves."""
    lists = [text for text in texts if _is_list(text)]
    if lists and len(lists) == len(texts):
        raise SeveralLabelsError(
            f"{found} holds lists, such as {lists[0]!r}: several labels a row are --kind multilabel; --kind "
            "classification takes each list as a class"
        )
    for separator in SEPARATORS:
        made = combined(texts, separator)
        if made:
            raise SeveralLabelsError(
                f"{found} holds several labels joined by '{separator}', such as {made[0]!r}: that is --kind "
                "multilabel; --kind classification takes each combination as a class"
            )


def combined(texts: Mapping[str, int], separator: str) -> list[str]:
    """Return the names that others of the names make up, joined by a separator; none where that may be chance."""
    joined = [text for text in texts if separator in text]
    single = texts.keys() - set(joined)
    found = [text for text in joined if {part.strip() for part in text.split(separator)} <= single]
    return found if len(found) >= _COMBINATIONS or (len(found) > 1 and len(found) == len(joined)) else []


def _is_list(text: str) -> bool:
    """Tell whether a text writes out a list, as Python or JSON does."""
    if not (text.startswith("[") and text.endswith("]")):
        return False
    try:
        return isinstance(literal_eval(text), list)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return "," in text


def _alike(texts: Iterable[str], column: str) -> tuple[str, ...]:
    """Name labels that people hardly tell apart, which differ in case, invisible letters or how accents are written."""
    looks: dict[str, list[str]] = defaultdict(list)
    for text in texts:
        visible = "".join(letter for letter in text if unicodedata.category(letter) != "Cf")
        looks[" ".join(unicodedata.normalize("NFKC", visible).casefold().split())].append(text)
    same = [" and ".join(map(ascii, sorted(found))) for found in looks.values() if len(found) > 1]
    return (f"labels of '{column}' that look alike are classes of their own: {listed(same)}",) if same else ()


def _refuse_scale(counts: Mapping[Decimal, int], about: str, whole: bool) -> None:
    total = sum(counts.values())
    low, high = _plain(min(counts)), _plain(max(counts))
    found = f"{about} holds {len(counts)} different numbers from {low} to {high} in {total:,} rows"
    if not whole:
        raise ScaleError(
            f"{found}, with decimals: a scale, which is --kind regression; --kind classification takes each number as "
            "a class"
        )
    if len(counts) > 2 and total < _REPEATS * len(counts):
        raise DataError(
            f"{found}, which hardly repeat: a scale or an identifier rather than classes; name another column by "
            "--label, or say --kind regression to learn a scale, --kind classification to take each number as a class"
        )


def _text(value: Any) -> str:
    text = text_of(value)
    assert text is not None
    return text.strip()


def _is_number(text: str, comma: bool) -> bool:
    if len(text) > _MOST_DIGITS:
        return False
    if comma and _WITH_COMMA.fullmatch(text):
        return not _THOUSANDS.fullmatch(text)
    return _NUMBER.fullmatch(text) is not None and abs(Decimal(text).adjusted()) < _MOST_DIGITS


def _number(text: str, comma: bool) -> Decimal:
    try:
        return Decimal(text.replace(",", ".") if comma else text)
    except InvalidOperation:
        # A number that a later row brings is one as well, or the column would not be one of numbers.
        raise DataError(f"found the label '{text}' in a column of numbers") from None


def _plain(number: Decimal) -> str:
    """Return a number as it is written without needless zeros: 1.0 as 1."""
    if number == number.to_integral_value():
        return str(int(number))
    return format(number.normalize(), "f")
