"""Which columns hold texts, and what is told of them, in data of no named kind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from autopeft.tasks.labels import LabelNames, ScaleError, SeveralLabelsError, label_names
from autopeft.tasks.rows import holds_lists
from autopeft.tasks.source import Source
from autopeft.tasks.tables import Table, is_missing

__all__ = ["labelled_texts", "names_of"]


def labelled_texts(source: Source, sort: Literal["classes", "scale", "several"]) -> str | None:
    """Say which columns hold texts with labels of a sort; None where there are none of the sort.

    Args:
        source: The data.
        sort: What the labels have to be.

    Raises:
        DataError: When the labels are of no sort that can be told.
    """
    spec = source.spec
    columns = (*spec.text_columns, spec.label_column)
    named = spec.text or spec.text2 or spec.label
    if not named and not set(columns) <= set(source.columns):
        return None
    if any(holds_lists(source.tables["train"], column) for column in columns[:-1]):
        # Lists of words are no texts.
        return None
    if sort != _sort_of(source):
        return None
    *texts, label = (f"'{column}'" for column in columns)
    return f"texts of {' and '.join(texts)}, labels of {label}"


def names_of(tables: Mapping[str, Table], label: str, *, asked: bool) -> LabelNames:
    """Decide what the values of the label column of tables are called; further as `label_names`.

    Args:
        tables: The tables by split.
        label: The column.
        asked: Whether the user has said that they are classes.
    """
    values = [
        (f"'{table.source}', {place}", row[label])
        for table in tables.values()
        for place, row in table.rows
        if not is_missing(row.get(label))
    ]
    named = any(label in table.classes for table in tables.values())
    return label_names(values, label, tables["train"].source, named=named, asked=asked)


def _sort_of(source: Source) -> Literal["classes", "scale", "several"]:
    try:
        names_of(source.tables, source.spec.label_column, asked=False)
    except ScaleError:
        return "scale"
    except SeveralLabelsError:
        return "several"
    return "classes"
