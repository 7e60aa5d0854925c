"""Which task: plain data that says where texts and labels come from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from glob import has_magic
from itertools import combinations
from pathlib import Path
from typing import Any

from autopeft.errors import DataError
from autopeft.tasks.tables import is_source

__all__ = ["TaskSpec"]

#: What no column holds together.
_APART = (
    ("text", "text2", "label"),
    ("prompt", "completion", "choices"),
    ("prompt", "chosen", "rejected"),
    ("query", "document", "relevance"),
)


@dataclass(frozen=True)
class TaskSpec:
    """Where a task's data comes from; exactly one of `name`, `data`, `dataset` and `parts` is given.

    Args:
        name: A packaged task (see `PACKAGED`).
        data: A file with the training rows, a folder or a pattern of files; see `autopeft.tasks.tables`.
        dataset: A name for `datasets.load_dataset`.
        subset: The data set's subset, e.g. `rte` of `nyu-mll/glue`.
        kind: Name of a kind of task; recognised by what the data holds when left out.
        text: The column with the text; `text` when left out.
        text2: The column with the second text of a pair.
        label: The column with the label; `label` when left out.
        label_separator: What joins the names of several labels in a cell; `;` when left out and no other is seen.
        messages: The column with conversations, each a list of `role` and `content`.
        prompt: The column with what a completion follows.
        completion: The column with what is learned.
        choices: The column with the choices of a question, one of which the completion names.
        chosen: The column with the better answer of a pair; `chosen` when left out.
        rejected: The column with the worse one; `rejected` when left out.
        query: The column with queries; `query` when left out.
        document: The column with the documents to be ranked for them; `document` when left out.
        relevance: The column that says how relevant a document is; `relevance` when left out.
        candidates: How many documents are ranked for a query of validation, twice as many on test.
        grades: The highest grade that a decoder tells of a document; it says yes or no when left out.
        expectation: Whether a document's score is the mean of the grades, not the likeliest times its probability.
        set_size: How many documents a decoder is shown at once, to name the one that answers best; it is asked of each
            alone when left out.
        image: The column with pictures; `image` when left out.
        audio: The column with clips of sound; `audio` when left out.
        pooling: What a text is made of that becomes a vector: `mean`, `first` or `last`; what the model says when left
            out.
        validation: A file like `data` with the validation rows; split off `data` when left out.
        test: A file like `data` with the test rows; split off `data` when left out.
        pool: A file like `data` with rows that data levers may choose to learn from, beside the training rows.
        group: The column that says which rows belong together: they stay in one split, and count as one in intervals.
        drop_duplicates: Whether inputs that stand in the data already are left out.
        metric: What `accuracy` stands for in every result; the kind's usual one when left out.
        allow_code: Whether code that models write for it may be run, in a sandbox.
        seed: Seed of the split.
        parts: In place of all these, several tasks.
        mixture: How several are trained: `separate` or `joint`.
        called: What one of several is called; after its data when left out.
        beside: Further columns of the training rows, which data levers go by.
    """

    name: str | None = None
    data: str | None = None
    dataset: str | None = None
    subset: str | None = None
    kind: str | None = None
    text: str | None = None
    text2: str | None = None
    label: str | None = None
    label_separator: str | None = None
    messages: str | None = None
    prompt: str | None = None
    completion: str | None = None
    choices: str | None = None
    chosen: str | None = None
    rejected: str | None = None
    query: str | None = None
    document: str | None = None
    relevance: str | None = None
    candidates: int | None = None
    grades: int | None = None
    expectation: bool = False
    set_size: int | None = None
    image: str | None = None
    audio: str | None = None
    pooling: str | None = None
    validation: str | None = None
    test: str | None = None
    pool: str | None = None
    group: str | None = None
    drop_duplicates: bool = False
    metric: str | None = None
    allow_code: bool = False
    seed: int = 0
    parts: tuple[TaskSpec, ...] = ()
    mixture: str | None = None
    called: str | None = None
    beside: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "beside", tuple(self.beside))
        if self.parts:
            parts = (TaskSpec.from_dict(each) if isinstance(each, Mapping) else each for each in self.parts)
            object.__setattr__(self, "parts", tuple(parts))
            return
        given = [key for key in ("name", "data", "dataset") if getattr(self, key)]
        if len(given) != 1:
            called = {"name": "--task", "data": "--data", "dataset": "the name of a dataset"}
            found = " and ".join(called[key] for key in given) or "none of them"
            raise DataError(
                f"data is named by exactly one of {', '.join(called.values())}; found {found}: leave one out"
            )
        if not self.data and (self.validation or self.test):
            raise DataError("validation and test files go with a data file; give data too, or leave them out")
        if self.subset and not self.dataset:
            raise DataError("subset goes with dataset; give dataset too, or leave subset out")

        for together in _APART:
            named = [name for name in together if getattr(self, name)]
            for one, other in combinations(named, 2):
                column = getattr(self, one)
                if column == getattr(self, other):
                    raise DataError(f"--{one} and --{other} both name the column {column!r}; give each one of its own")

    @property
    def columns(self) -> dict[str, str]:
        """The columns that the user names, by what they hold."""
        named = (
            "text",
            "text2",
            "label",
            "messages",
            "prompt",
            "completion",
            "choices",
            "chosen",
            "rejected",
            "query",
            "document",
            "relevance",
            "image",
            "audio",
        )
        return {name: column for name in named if (column := getattr(self, name))}

    @property
    def particular(self) -> tuple[str, ...]:
        """Names of what the user says that only some kinds of task take."""
        others = ("label_separator", "candidates", "grades", "expectation", "set_size", "pooling")
        return (
            *self.columns,
            *(name for name in others if (given := getattr(self, name)) is not None and given is not False),
        )

    @property
    def text_column(self) -> str:
        """The column with the text of which something is to be told."""
        return self.text or "text"

    @property
    def text_columns(self) -> tuple[str, ...]:
        """The column with the text, or those with the texts of a pair."""
        return (self.text_column, *([self.text2] if self.text2 else []))

    @property
    def label_column(self) -> str:
        """The column with the label."""
        return self.label or "label"

    @property
    def short_name(self) -> str:
        """A short name, fit for a file name."""
        if self.called:
            return self.called
        if self.parts:
            return f"{len(self.parts)}-tasks"
        if self.name:
            return self.name
        if self.data:
            path = Path(self.data).expanduser()
            stem = path.name.split(".")[0]
            # The folder names the data when the file is only called after its split, or is one of many.
            return path.resolve().parent.name if stem in ("train", "data") or has_magic(stem) else stem
        tail = str(self.dataset).rstrip("/").split("/")[-1]
        return f"{tail}-{self.subset}" if self.subset else tail

    @classmethod
    def of(cls, task: str | None = None, data: str | None = None, **columns_and_files: Any) -> TaskSpec:
        """Return the spec of what a user names; settings that are None take their defaults.

        Args:
            task: A packaged task.
            data: A file, a folder or a pattern of files, or a name for `datasets.load_dataset`, its subset behind a
                colon (`nyu-mll/glue:rte`).
            columns_and_files: Other fields of a spec.
        """
        given = {
            key: str(value) if isinstance(value, Path) else value
            for key, value in columns_and_files.items()
            if value is not None
        }
        if data is None:
            return cls.from_dict({"name": task, **given})
        if is_source(data):
            return cls.from_dict({"name": task, "data": data, **given})
        dataset, _, subset = data.partition(":")
        return cls.from_dict({"name": task, "dataset": dataset, "subset": subset or None, **given})

    def to_dict(self) -> dict[str, Any]:
        """Return the fields that differ from their defaults, as plain JSON data."""
        return {field.name: value for field in fields(self) if (value := asdict(self)[field.name]) != field.default}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> TaskSpec:
        """Return the spec that `to_dict` wrote.

        Raises:
            DataError: When a key is unknown.
        """
        known = [field.name for field in fields(cls)]
        unknown = [key for key in data if key not in known]
        if unknown:
            raise DataError(f"unknown key of a task: {', '.join(unknown)}; expected some of: {', '.join(known)}")
        return cls(**data)
