"""The options about data, declared once for all verbs that read some."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import wraps
from typing import Any

from autopeft.cli import options

__all__ = ["ASKED", "DATA", "named_by", "takes"]

#: Columns by which rows are read that are to be predicted.
_READ: Mapping[str, Any] = {
    "text": options.Text,
    "text2": options.Text2,
    "messages": options.Messages,
    "prompt": options.Prompt,
    "choices": options.Choices,
    "query": options.Query,
    "document": options.Document,
    "image": options.Image,
    "audio": options.Audio,
}

#: Which data: each is the setting of a search of the same name.
DATA: Mapping[str, Any] = {
    "task": options.TaskName,
    "data": options.Data,
    "kind": options.Kind,
    **_READ,
    "label": options.Label,
    "label_separator": options.LabelSeparator,
    "completion": options.Completion,
    "chosen": options.Chosen,
    "rejected": options.Rejected,
    "relevance": options.Relevance,
    "candidates": options.Candidates,
    "grades": options.Grades,
    "expectation": options.Expectation,
    "set_size": options.SetSize,
    "pooling": options.Pooling,
    "validation": options.Validation,
    "test": options.Test,
    "pool": options.Pool,
    "group": options.Group,
    "drop_duplicates": options.DropDuplicates,
    "metric": options.Metric,
    "allow_code": options.AllowCode,
    "plugin": options.Plugin,
}

#: Where what is asked of a model stands in rows.
ASKED: Collection[str] = tuple(_READ)


def named_by(data: Sequence[str] | None) -> dict[str, Any]:
    """Return the settings that name the data of one task, or of several, whatever a file says of the other."""
    if not data:
        return {}
    one = len(data) == 1
    return {"data": data[0] if one else None, "tasks": None if one else [{"data": each} for each in data]}


def takes(names: Collection[str]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a verb options about data.

    Args:
        names: Which of `DATA`.

    Returns:
        What makes of a function with `**settings` one that Typer reads these options of, and that hands on as
        `settings` those that were given.
    """

    def declare(function: Callable[..., None]) -> Callable[..., None]:
        signature = inspect.signature(function, eval_str=True)
        *_, settings = [each for each in signature.parameters.values() if each.kind is inspect.Parameter.VAR_KEYWORD]
        own = [each for each in signature.parameters.values() if each is not settings]
        named = inspect.Parameter.KEYWORD_ONLY
        ours = [inspect.Parameter(name, named, default=None, annotation=DATA[name]) for name in names]

        @wraps(function)
        def run(**values: Any) -> None:
            function(**{name: value for name, value in values.items() if name not in names or value is not None})

        run.__signature__ = signature.replace(  # type: ignore[attr-defined]
            parameters=[*(each.replace(kind=named) for each in own), *ours]
        )
        run.__annotations__ = {each.name: each.annotation for each in (*own, *ours)}
        return run

    return declare
