"""What kinds of task have in common that are on pictures or sounds with one label each."""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from autopeft.errors import DataError
from autopeft.tasks.classification.build import read_classes
from autopeft.tasks.classification.counts import common_in_words, counts_by_label, worth_of_common
from autopeft.tasks.inputs import texts_given
from autopeft.tasks.intake import Intake, Ledger
from autopeft.tasks.kind import TaskKind
from autopeft.tasks.known_labels import numbers_among
from autopeft.tasks.media.cells import cells_of, check_column, looks_like, of_tables
from autopeft.tasks.media.folders import LABEL, Read, labelled_folders, read_folders, read_labels
from autopeft.tasks.media.item import LabelledMedia, MediaItem, check_readable
from autopeft.tasks.media.medium import Medium
from autopeft.tasks.media.schema import MediaClasses
from autopeft.tasks.overview import SHOWN
from autopeft.tasks.source import Source
from autopeft.tasks.spec import TaskSpec
from autopeft.tasks.tables import ENDINGS, Table
from autopeft.tasks.tables.places import path_of
from autopeft.tasks.task import Task

__all__ = ["MediaKind"]


class MediaKind(TaskKind):
    """Which of some labels a picture or a sound has.

    Attributes:
        medium: Which of both.
    """

    medium: ClassVar[Medium]
    schema = MediaClasses
    of_rows = True

    @abstractmethod
    def column_of(self, spec: TaskSpec) -> str | None:
        """Return the column that a user names."""

    @abstractmethod
    def lengths(self, items: Sequence[Any]) -> dict[str, Any]:
        """Return how large pictures are, or how long sounds, as `lengths_of` does."""

    def notes(self, items: Sequence[Any]) -> tuple[str, ...]:
        """Return what there is to say of all pictures or sounds, which can be read."""
        return ()

    def files_of(self, path: Path) -> str | None:
        """Say what in the files of a folder makes it one of such files, beside folders for labels."""
        return None

    def read_files(self, name: str, path: Path) -> Read:
        """Read what `files_of` knows."""
        raise NotImplementedError

    def read_split(self, name: str, path: Path, split: str) -> tuple[Table, dict[str, MediaItem]]:
        """Read what `files_of` knows as the rows of one split."""
        raise NotImplementedError

    def layout_of(self, source: Source) -> str | None:
        """Take folders of pictures or sounds."""
        path = source.path
        if path is None or not path.is_dir() or (source.spec.columns and _holds_tables(path)):
            return None
        found = f"a folder of {self.medium.several} for each label" if labelled_folders(self.medium, path) else None
        return self.files_of(path) or found

    def recognise(self, source: Source) -> str | None:
        """Take rows with them in the column that is named, or in one called after them."""
        column, label = self.column_of(source.spec) or self.medium.column, source.spec.label_column
        if not {column, label} <= set(source.columns):
            return None
        found = looks_like(self.medium, source.tables["train"], column)
        return f"{self.medium.several} (column '{column}')" if found else None

    def load(self, source: Source) -> Task:
        """Read them and the names of their labels; what is split off is stratified by label."""
        spec, path = source.spec, source.path
        column = self.column_of(spec) or self.medium.column
        if path is not None and self.layout_of(source) is not None:
            tables, items = self._laid_out(source, path)
        else:
            tables, items = of_tables(self.medium, source.tables, column)
        as_read = replace(spec, text=column, text2=None, label=spec.label or LABEL)

        def same(key: Any) -> str:
            # What cannot be read is named below, with all others like it.
            with suppress(DataError):
                return items[key].digest
            return str(key)

        classes, texts, notes, intake = read_classes(as_read, tables, asked=True, same=same)
        splits = {
            name: LabelledMedia([items[str(key)] for key in split.texts], split.labels) for name, split in texts.items()
        }
        every = [item for split in splits.values() for item in split.items]
        check_readable(every, self.medium.several, spec.short_name)
        schema = self.schema(classes.labels, (column,))
        return self.task(spec.short_name, schema, splits, spec.metric, (*notes, *self.notes(every)), intake)

    def _laid_out(self, source: Source, path: Path) -> Read:
        """Read folders of labels or files of its own, and such as are named for other splits."""
        spec, several = source.spec, self.medium.several
        if spec.columns:
            raise DataError(f"folders of {several} have no columns; leave --{self.medium.column} and --label out")
        if spec.group:
            raise DataError(
                f"folders of {several} have no columns, and nothing to keep {several} together by; leave --group out, "
                f"or give a table with the paths of the {several}"
            )
        known = self.files_of(path) is not None
        read = self.read_files if known else partial(read_folders, self.medium)
        tables, items = read(source.name, path)
        for split, named in (("validation", spec.validation), ("test", spec.test)):
            if named:
                table, its = self._one_split(named, split)
                # The split that was named stands, whatever the folder holds.
                said = (f"taken in place of the {split} split of {source.name}",) if split in tables else ()
                tables[split] = replace(table, notes=(*table.notes, *said))
                items |= its
        return tables, items

    def _one_split(self, named: str, split: str) -> tuple[Table, dict[str, MediaItem]]:
        """Read what a user names for a split."""
        path = path_of(named)
        if not path.is_dir():
            found = "is a file" if path.exists() else f"was not found (from {Path.cwd()})"
            raise DataError(f"--{split}: '{named}' {found}; expected a folder, as --data names one")
        if self.files_of(path) is None:
            return read_labels(self.medium, named, path, split)
        return self.read_split(named, path, split)

    def guessed(self, task: Task) -> float | None:
        """Return what telling the most common label is worth."""
        return worth_of_common(task)

    def labels_in(self, split: LabelledMedia) -> Sequence[Collection[int]]:
        """Return the one label of each."""
        return [(int(label),) for label in split.labels]

    def label_names(self, schema: Any) -> Sequence[str]:
        """Return the names of labels by their numbers."""
        return schema.labels

    def digested(self, task: Task) -> Iterator[bytes]:
        """Yield labels, pictures or sounds, and splits."""
        yield json.dumps(task.schema.labels).encode()
        for name, split in task.splits.items():
            yield f"\n{name}\n".encode()
            for item, label in zip(split.items, split.labels, strict=True):
                yield json.dumps([item.digest, int(label)]).encode() + b"\n"

    def describe(self, task: Task) -> list[str]:
        """Say how many labels there are, and how common the most common one is."""
        return [f"{self.medium.several} with {len(task.schema.labels)} labels", common_in_words(task)]

    def overview(self, task: Task, tokenizer: Any) -> dict[str, Any]:
        """Return how many have each label, how large they are, and examples."""
        labels, train = task.schema.labels, task.train
        some = zip(train.items[:SHOWN], train.labels[:SHOWN], strict=True)
        return {
            "labels": counts_by_label(task),
            "lengths": self.lengths(train.items),
            "examples": [{self.medium.column: item.name, "label": labels[label]} for item, label in some],
        }

    def inputs(self, split: LabelledMedia) -> Iterable[Any]:
        """Yield a hash of each."""
        return (item.digest for item in split.items)

    def files(self, task: Task) -> list[Path]:
        """Return the files of pictures or sounds that no cell holds."""
        splits = [*task.splits.values(), *([] if task.pool is None else [task.pool])]
        return [item.source for split in splits for item in split.items if isinstance(item.source, Path)]

    def known_as(self, task: Task, schema: Any) -> Task:
        """Return a task whose labels have the numbers that something trained knows them by."""
        number = numbers_among(schema.labels, task.schema.labels, task.name)
        splits: Mapping[str, Any] = {
            name: LabelledMedia(split.items, [number[label] for label in split.labels])
            for name, split in task.splits.items()
        }
        return replace(task, schema=replace(schema, columns=task.schema.columns), **splits)

    def nothing(self, schema: Any) -> LabelledMedia:
        """Return a split of none."""
        return LabelledMedia((), ())

    def asks(self, schema: Any) -> dict[str, str]:
        """Return the column that is read."""
        return {self.medium.column: schema.columns[0]}

    def with_columns(self, schema: Any, columns: Sequence[str]) -> Any:
        """Return a schema that reads another column."""
        return replace(schema, columns=tuple(columns))

    def rows_of(self, schema: Any, inputs: Sequence[Any]) -> list[dict[str, Any]]:
        """Return paths as rows."""
        return [{schema.columns[0]: path} for [path] in texts_given([str(each) for each in inputs], 1)]

    def unlabelled(self, schema: Any, table: Table) -> tuple[LabelledMedia, list[int], Intake]:
        """Return the pictures or sounds of a table; rows without one that can be read are left out."""
        column, ledger = schema.columns[0], Ledger(table, schema.columns)
        check_column(self.medium, table, column)
        items: list[MediaItem] = []
        numbers = []
        for number, (place, _, found) in enumerate(cells_of(self.medium, table, column)):
            if isinstance(found, MediaItem):
                try:
                    found.check()
                except DataError:
                    ledger.drop(place, f"whose '{column}' cannot be read as a {self.medium.one}")
                    continue
                items.append(found)
                numbers.append(number)
            else:
                ledger.drop(place, f"whose '{column}' names no {self.medium.one} that is there, in its folder")
        return LabelledMedia(items, [0] * len(items)), numbers, ledger.close()


def _holds_tables(path: Path) -> bool:
    """Tell whether there are tables in a folder, whose columns a user may name."""
    return any(file.suffix.lower() in ENDINGS for file in path.rglob("*") if not file.name.startswith("."))
