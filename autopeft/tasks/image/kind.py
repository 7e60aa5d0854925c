"""Pictures, each with one label."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

from autopeft.errors import DataError
from autopeft.tasks.classification.build import read_classes
from autopeft.tasks.classification.counts import common_in_words, counts_by_label, worth_of_common
from autopeft.tasks.image.cells import looks_like_pictures, of_tables, picture_of
from autopeft.tasks.image.layouts import IMAGE, LABEL, is_idx, labelled_folders, read_folders, read_idx
from autopeft.tasks.image.pictures import LabelledPictures, Picture, check_readable
from autopeft.tasks.image.schema import PictureClasses
from autopeft.tasks.inputs import texts_given
from autopeft.tasks.intake import Intake, Ledger
from autopeft.tasks.kind import Sample, TaskKind
from autopeft.tasks.known_labels import numbers_among
from autopeft.tasks.metric import Metric
from autopeft.tasks.overview import SHOWN, lengths_of
from autopeft.tasks.source import Source
from autopeft.tasks.tables import Table, is_missing
from autopeft.tasks.task import Task

__all__ = ["Image"]


class Image(TaskKind):
    """Which of some labels a picture has."""

    name = "image"
    summary = "one label for each picture"
    layout = (
        "a folder with one folder of pictures for each label (inside train, validation and test, or split off); "
        "MNIST's files; or rows with a picture's path or bytes (--image) and its label (--label)"
    )
    samples = (Sample("pictures.csv", "image,label\ncats/1.png,cat\ndogs/1.png,dog\n"),)
    metrics: ClassVar[dict[str, Metric]] = {
        "accuracy": Metric(unit="picture"),
        "macro_f1": Metric(unit="picture", mean=False),
        "mcc": Metric(worst=-1.0, unit="picture", mean=False),
    }
    options = frozenset({"image", "label", "augment"})
    schema = PictureClasses
    of_rows = True

    def layout_of(self, source: Source) -> str | None:
        """Take folders of pictures, and MNIST's files."""
        path = source.path
        if path is None or not path.is_dir():
            return None
        if is_idx(path):
            return "pictures in MNIST's format"
        return "a folder of pictures for each label" if labelled_folders(path) else None

    def recognise(self, source: Source) -> str | None:
        """Take rows with pictures in the column that is named, or in one called image."""
        column, label = source.spec.image or IMAGE, source.spec.label_column
        if not {column, label} <= set(source.columns):
            return None
        return f"pictures (column '{column}')" if looks_like_pictures(source.tables["train"], column) else None

    def load(self, source: Source) -> Task:
        """Read pictures and the names of their labels; what is split off is stratified by label."""
        spec, path = source.spec, source.path
        column = spec.image or IMAGE
        if self.layout_of(source) is not None and path is not None:
            if spec.columns:
                raise DataError("folders of pictures have no columns; leave --image and --label out")
            tables, pictures = (read_idx if is_idx(path) else read_folders)(source.name, path)
        else:
            folder = Path() if path is None else path if path.is_dir() else path.parent
            for table in source.tables.values():
                _check_column(table, column)
            tables, pictures = of_tables(source.tables, column, folder)
        as_read = replace(spec, text=column, text2=None, label=spec.label or LABEL)
        classes, texts, notes, intake = read_classes(as_read, tables, asked=spec.kind == self.name)
        splits = {
            name: LabelledPictures([pictures[str(key)] for key in split.texts], split.labels)
            for name, split in texts.items()
        }
        check_readable([picture for split in splits.values() for picture in split.pictures], spec.short_name)
        schema = PictureClasses(classes.labels, (column,))
        return self.task(spec.short_name, schema, splits, spec.metric, notes, intake)

    def guessed(self, task: Task) -> float | None:
        """Return what telling the most common label is worth."""
        return worth_of_common(task)

    def digested(self, task: Task) -> Iterator[bytes]:
        """Yield labels, pictures and splits."""
        yield json.dumps(task.schema.labels).encode()
        for name, split in task.splits.items():
            yield f"\n{name}\n".encode()
            for picture, label in zip(split.pictures, split.labels, strict=True):
                yield json.dumps([picture.digest, int(label)]).encode() + b"\n"

    def describe(self, task: Task) -> list[str]:
        """Say how many labels there are, and how common the most common one is."""
        return [
            f"pictures with {len(task.schema.labels)} labels",
            common_in_words(task),
        ]

    def overview(self, task: Task, tokenizer: Any) -> dict[str, Any]:
        """Return how many pictures have each label, their sizes and examples."""
        labels, train = task.schema.labels, task.train
        some = zip(train.pictures[:SHOWN], train.labels[:SHOWN], strict=True)
        return {
            "labels": counts_by_label(task),
            "lengths": lengths_of(
                [max(picture.decoded().size) for picture in train.pictures], "pixels of the longer side"
            ),
            "examples": [{"image": picture.name, "label": labels[label]} for picture, label in some],
        }

    def inputs(self, split: LabelledPictures) -> Iterable[Any]:
        """Yield a hash of each picture."""
        return (picture.digest for picture in split.pictures)

    def known_as(self, task: Task, schema: PictureClasses) -> Task:
        """Return a task whose labels have the numbers that something trained knows them by."""
        number = numbers_among(schema.labels, task.schema.labels, task.name)
        splits: Mapping[str, Any] = {
            name: LabelledPictures(split.pictures, [number[label] for label in split.labels])
            for name, split in task.splits.items()
        }
        known = replace(task.schema, labels=schema.labels, tokens=schema.tokens)
        return replace(task, schema=known, **splits)

    def nothing(self, schema: PictureClasses) -> LabelledPictures:
        """Return a split of no pictures."""
        return LabelledPictures((), ())

    def asks(self, schema: PictureClasses) -> dict[str, str]:
        """Return the column of the pictures."""
        return {"image": schema.columns[0]}

    def with_columns(self, schema: PictureClasses, columns: Sequence[str]) -> PictureClasses:
        """Return a schema whose pictures stand in another column."""
        return replace(schema, columns=tuple(columns))

    def rows_of(self, schema: PictureClasses, inputs: Sequence[Any]) -> list[dict[str, Any]]:
        """Return paths of pictures as rows."""
        return [{schema.columns[0]: path} for [path] in texts_given([str(each) for each in inputs], 1)]

    def unlabelled(self, schema: PictureClasses, table: Table) -> tuple[LabelledPictures, list[int], Intake]:
        """Return the pictures of a table; rows without one are left out."""
        column, ledger = schema.columns[0], Ledger(table, schema.columns)
        _check_column(table, column)
        folder = Path(table.source).parent
        pictures: list[Picture] = []
        numbers = []
        for number, (place, row) in enumerate(table.rows):
            found = "holds nothing" if is_missing(row.get(column)) else picture_of(row[column], place, folder)
            if isinstance(found, str):
                ledger.drop(place, f"whose '{column}' is no picture that is there")
                continue
            pictures.append(found)
            numbers.append(number)
        check_readable(pictures, table.source)
        return LabelledPictures(pictures, [0] * len(pictures)), numbers, ledger.close()


def _check_column(table: Table, column: str) -> None:
    if column not in table.columns:
        raise DataError(
            f"{table.source} has no column '{column}'; it has {', '.join(table.columns)}: name that of the pictures by "
            "--image"
        )
