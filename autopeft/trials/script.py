"""A script around transformers' Trainer that trains a kind of task."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["Script"]


@dataclass(frozen=True)
class Script:
    """What an exported script is made of.

    Args:
        package: The package that holds it.
        settings: What it reads of `training.yaml` beside what all scripts read.
        rows: The training and validation rows that it reads.
        in_words: What a row holds, for people.
        name: Its file in the package.
    """

    package: str
    settings: Mapping[str, Any]
    rows: Mapping[str, Callable[[], Iterable[Mapping[str, Any]]]]
    in_words: str
    name: str = "script.py"
