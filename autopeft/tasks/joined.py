"""Two splits of a kind of task as one."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from typing import Any

from autopeft.errors import DataError

__all__ = ["joined"]


def joined(one: Any, other: Any) -> Any:
    """Return two splits of a kind as one, the second behind the first.

    Raises:
        DataError: When they are no dataclasses of sequences, as those of a plugin may be.
    """
    if not is_dataclass(one) or isinstance(one, type):
        raise DataError("--pool: examples of this kind of task cannot be put together; leave it out")
    both = {field.name: (getattr(one, field.name), getattr(other, field.name)) for field in fields(one)}
    found = {name: None if first is None else [*first, *second] for name, (first, second) in both.items()}
    return replace(one, **found)
