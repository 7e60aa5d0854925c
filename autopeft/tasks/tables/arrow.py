"""Rows of Arrow tables: Parquet files, data sets that were saved to disk, data sets of the hub."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autopeft.errors import DataError
from autopeft.tasks.tables.cells import Unreadable
from autopeft.tasks.tables.header import stripped
from autopeft.tasks.tables.table import AGAIN, Row, Table

if TYPE_CHECKING:
    import pyarrow

__all__ = ["of_dataset", "read_parquet", "read_saved"]


def read_parquet(source: str, raw: bytes, named: Collection[str]) -> Table:
    """Read Parquet.

    Args:
        source: Where the bytes come from, for messages.
        raw: All of the file.
        named: Columns that the user names; others that hold no text, such as embeddings, are not loaded.

    Raises:
        DataError: When it is no Parquet.
    """
    import pyarrow
    import pyarrow.parquet

    try:
        file = pyarrow.parquet.ParquetFile(pyarrow.BufferReader(raw))
        schema = file.schema_arrow
        loaded = [field.name for field in schema if _worth_loading(field, named)]
        # Two columns of one name cannot be asked for by it.
        table = file.read(None if len(set(schema.names)) < len(schema.names) else loaded)
    # ValueError: names that are no UTF-8.
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        raise DataError(f"data file '{source}' cannot be read as Parquet: {error}. {AGAIN}") from error
    return _table_of(source, table, schema.names, _classes(schema))


def read_saved(folder: Path, named: Collection[str]) -> dict[str, Table]:
    """Read what `save_to_disk` wrote: a data set, under the name `train`, or several by their names.

    Raises:
        DataError: When it cannot be read.
    """
    import datasets

    try:
        found = datasets.load_from_disk(str(folder))
    except Exception as error:  # datasets raises errors of many libraries
        raise DataError(
            f"'{folder}' looks like what save_to_disk writes, but cannot be read: {error}. {AGAIN}"
        ) from error
    if isinstance(found, datasets.DatasetDict):
        return {name: of_dataset(f"{folder} ({name})", part, named) for name, part in found.items()}
    return {"train": of_dataset(str(folder), found, named)}


def of_dataset(source: str, part: Any, named: Collection[str]) -> Table:
    """Return the rows of a `datasets.Dataset`; further arguments as for `read_parquet`."""
    schema = part.features.arrow_schema
    loaded = [field.name for field in schema if _worth_loading(field, named)]
    table = part.select_columns(loaded).with_format("arrow")[:]
    return _table_of(source, table, part.column_names, _class_names(part.features))


def _table_of(
    source: str, table: pyarrow.Table, columns: Collection[str], classes: dict[str, tuple[str, ...]]
) -> Table:
    """Return the rows of an Arrow table.

    Args:
        source: Where it comes from, for messages.
        table: The columns that were loaded.
        columns: The names of all that there are.
        classes: The names that the numbers of some columns stand for.
    """
    names = list(columns)
    repeated = frozenset(name for name in names if names.count(name) > 1)
    values, notes = {}, []
    for name in table.column_names:
        if name not in repeated:
            values[name], said = _values(table.column(name), name)
            notes += said
    for name, labels in classes.items():
        if name in values:
            values[name] = [_named(value, labels) for value in values[name]]
    rows: list[Row] = [
        (f"row {number}", dict(zip(values, row, strict=True)))
        for number, row in enumerate(zip(*values.values(), strict=True), 1)
    ]
    if not values:
        rows = [(f"row {number}", {}) for number in range(1, table.num_rows + 1)]
    return stripped(Table(source, tuple(dict.fromkeys(names)), rows, tuple(notes), classes=classes, repeated=repeated))


def _values(column: pyarrow.ChunkedArray, name: str) -> tuple[list[Any], list[str]]:
    """Return the values of a column, and what there is to say of them; what cannot be told as text is `Unreadable`."""
    import pyarrow.types as types

    if _is_bytes(column.type):
        found = _decoded(column)
        return found, [f"'{name}' holds bytes, read as UTF-8"] if any(isinstance(value, str) for value in found) else []
    try:
        return column.to_pylist(), []
    # Dates beyond the year 9999, time zones that there are none of, texts that are no UTF-8.
    except (ArithmeticError, ValueError, KeyError, TypeError):
        kind = "a date that cannot be told" if types.is_temporal(column.type) else "what cannot be read"
        return [_value(value, kind) for value in column], []


def _value(value: pyarrow.Scalar, kind: str) -> Any:
    try:
        return value.as_py()
    except UnicodeDecodeError:
        return Unreadable("bytes that are no UTF-8")
    except (ArithmeticError, ValueError, KeyError, TypeError):
        return Unreadable(kind)


def _decoded(column: pyarrow.ChunkedArray) -> list[Any]:
    """Return bytes as the texts that some programs write so; as `Unreadable` where any of them is none."""
    texts: list[Any] = []
    for value in column:
        raw = value.as_py()
        try:
            text = None if raw is None else raw.decode("utf-8")
        except UnicodeDecodeError:
            break
        if text and "\0" in text:
            break
        texts.append(text)
    else:
        return texts
    return [None if (raw := value.as_py()) is None else Unreadable("bytes", raw) for value in column]


def _worth_loading(field: pyarrow.Field, named: Collection[str]) -> bool:
    """Tell whether a column may hold what a task reads: no lists of bytes, or of numbers such as embeddings."""
    import pyarrow.types as types

    if field.name.strip() in named:
        return True
    inner = field.type
    while types.is_list(inner) or types.is_large_list(inner) or types.is_fixed_size_list(inner):
        inner = inner.value_type
    return inner is field.type or not (types.is_floating(inner) or _is_bytes(inner))


def _is_bytes(kind: pyarrow.DataType) -> bool:
    import pyarrow.types as types

    return types.is_binary(kind) or types.is_large_binary(kind) or types.is_fixed_size_binary(kind)


def _classes(schema: pyarrow.Schema) -> dict[str, tuple[str, ...]]:
    """Return the class names that `datasets` keeps beside a schema."""
    if not schema.metadata or b"huggingface" not in schema.metadata:
        return {}
    import datasets

    return _class_names(datasets.Features.from_arrow_schema(schema))


def _class_names(features: Any) -> dict[str, tuple[str, ...]]:
    return {name: names for name, feature in features.items() if (names := _names_of(feature))}


def _names_of(feature: Any) -> tuple[str, ...]:
    """Return the class names of a column, or of what its lists hold."""
    while hasattr(feature, "feature"):
        feature = feature.feature
    return tuple(map(str, getattr(feature, "names", None) or ()))


def _named(value: Any, labels: tuple[str, ...]) -> Any:
    if isinstance(value, list):
        return [_named(each, labels) for each in value]
    # Hidden labels of test splits are published as -1.
    return labels[value] if isinstance(value, int) and 0 <= value < len(labels) else None
