"""What several tasks have to know of their data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter

__all__ = ["JOINT", "MIXTURES", "SEPARATE", "Part", "SeveralSchema"]

#: How several tasks are trained: adapters for each of its own, or shared ones on the mixture of all.
SEPARATE, JOINT = "separate", "joint"
MIXTURES = (SEPARATE, JOINT)


@dataclass(frozen=True)
class Part:
    """One of several tasks.

    Args:
        name: What it is called.
        kind: Name of its kind.
        metric: What it is judged by.
        schema: That of its kind; it may be given as JSON data.
    """

    name: str
    kind: str
    metric: str
    schema: Any

    def __post_init__(self) -> None:
        from autopeft.tasks.kinds import KINDS

        if isinstance(self.schema, Mapping):
            object.__setattr__(self, "schema", TypeAdapter(KINDS[self.kind].schema).validate_python(self.schema))


@dataclass(frozen=True)
class SeveralSchema:
    """Which tasks there are, and how they are trained.

    Args:
        parts: The tasks, two at least, of different names.
        mixture: One of `MIXTURES`.
        levels: What the untouched model of each reaches on validation, more being better, where that is known.

    Raises:
        ValueError: When they are fewer, called the same, or trained otherwise.
    """

    parts: tuple[Part, ...]
    mixture: str = SEPARATE
    levels: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if len(self.parts) < 2 or len(self.names) < len(self.parts) or self.mixture not in MIXTURES:
            raise ValueError("expected two or more tasks of different names, separate or joint")

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the tasks."""
        return tuple(dict.fromkeys(part.name for part in self.parts))

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels of all tasks that have some, each behind the name of its task."""
        return tuple(f"{part.name}: {label}" for part in self.parts for label in getattr(part.schema, "labels", ()))
