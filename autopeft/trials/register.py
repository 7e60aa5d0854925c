"""Kinds of task from outside the package, made known to it."""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Iterator
from typing import Any

from autopeft.errors import ConfigurationError
from autopeft.plugins import entered
from autopeft.tasks import KINDS, Metric, TaskKind
from autopeft.trials.kind import TrialKind
from autopeft.trials.kinds import TRIALS

__all__ = ["register_kind"]

#: What a class has to say of itself.
_OF_DATA = ("name", "summary", "layout", "samples", "metrics", "schema")
_OF_TRIALS = ("does", "auto_class", "pipeline")


def register_kind(kind: TaskKind, trials: type[TrialKind]) -> None:
    """Make a kind of task known to searches and to all that is made of them.

    Args:
        kind: What it says of its data.
        trials: What it says of its trials; made of the schema of a task.

    Raises:
        ConfigurationError: When there is another kind of this name, or something is missing or wrong in either.
    """
    name = getattr(kind, "name", "?")
    if name in KINDS:
        raise ConfigurationError(f"there is a kind of task {name!r} already; register yours under another name")
    found = [*_faults(kind, trials)]
    if found:
        raise ConfigurationError(f"the kind of task {name!r} cannot be used: {'; '.join(found)}")
    KINDS[name] = kind
    TRIALS[name] = trials
    entered("kind", name)


def _faults(kind: Any, trials: Any) -> Iterator[str]:
    """Yield what is wrong, each with what is expected."""
    for what, needed in ((kind, _OF_DATA), (trials, _OF_TRIALS)):
        missing = [each for each in needed if not hasattr(what, each)]
        if missing:
            owner = what.__name__ if isinstance(what, type) else type(what).__name__
            yield f"{owner} lacks {', '.join(missing)}"
    abstract = sorted(getattr(trials, "__abstractmethods__", ()))
    if not inspect.isclass(trials) or not issubclass(trials, TrialKind):
        yield f"found {trials!r} for its trials, expected a class derived from TrialKind"
    elif abstract:
        yield f"{trials.__name__} does not say {', '.join(abstract)}"
    if not re.fullmatch(r"[a-z][a-z0-9_-]*", str(getattr(kind, "name", ""))):
        yield "its name must be of small letters, digits, - and _"
    metrics = getattr(kind, "metrics", {})
    if not metrics:
        yield "it has no metrics; expected one or more by name, the usual one first"
    for name, metric in metrics.items():
        if not isinstance(metric, Metric) or not math.isfinite(metric.worst):
            yield f"its metric {name!r} is {metric!r}; expected a Metric with a finite worst value"
