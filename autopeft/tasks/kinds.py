"""The kinds of task there are; a new one is a file here and one in `autopeft.trials`, and a line in each table."""

from __future__ import annotations

import difflib

from autopeft.errors import DataError
from autopeft.tasks.audio.kind import Audio
from autopeft.tasks.causal.kind import Causal
from autopeft.tasks.classification.kind import Classification
from autopeft.tasks.image.kind import Image
from autopeft.tasks.kind import TaskKind
from autopeft.tasks.multilabel.kind import Multilabel
from autopeft.tasks.preference.kind import Preference
from autopeft.tasks.regression.kind import Regression
from autopeft.tasks.rerank.kind import Rerank
from autopeft.tasks.retrieve.kind import Retrieve
from autopeft.tasks.several.kind import Several
from autopeft.tasks.source import Source
from autopeft.tasks.tokens.kind import Tokens

__all__ = ["KINDS", "kind_judged_by", "kind_named", "recognised"]

#: By name; what data is of is asked in this order, and of no kind in particular it is read as one of the first.
KINDS: dict[str, TaskKind] = {
    kind.name: kind
    for kind in (
        Classification(),
        Regression(),
        Causal(),
        Preference(),
        Multilabel(),
        Tokens(),
        Rerank(),
        Retrieve(),
        Image(),
        Audio(),
        Several(),
    )
}


def kind_named(name: str) -> TaskKind:
    """Return a kind of task.

    Raises:
        DataError: When there is none of the name.
    """
    if name not in KINDS:
        near = difflib.get_close_matches(name, KINDS, n=1)
        hint = f"; did you mean '{near[0]}'?" if near else ""
        raise DataError(
            f"unknown kind of task '{name}'; expected one of: {', '.join(KINDS)}{hint}, or one of your own with "
            "--plugin FILE.py"
        )
    return KINDS[name]


def kind_judged_by(objective: str) -> str:
    """Return the name of the first kind that has a metric, for records that do not name their kind."""
    return next(name for name, kind in KINDS.items() if objective.removeprefix("-") in kind.metrics)


def recognised(source: Source) -> TaskKind:
    """Return the kind that data is of: the one that is named, or the one that knows it again.

    Raises:
        DataError: When it may be of several kinds, or what the user names is of none.
    """
    if source.spec.parts:
        if source.spec.kind not in (None, "several"):
            raise DataError(f"tasks: they are of the kind several, not {source.spec.kind}; leave kind out")
        return KINDS["several"]
    named = source.spec.particular
    if source.spec.kind is not None:
        kind = kind_named(source.spec.kind)
        strange = [_flag(name) for name in named if name not in kind.options]
        if strange:
            raise DataError(f"{' and '.join(strange)} is not for a task of {kind.name}; leave it out")
        return kind
    taking = {name: kind for name, kind in KINDS.items() if kind.options >= set(named)}
    if not taking:
        raise DataError(f"no kind of task takes {' and '.join(map(_flag, named))}; leave some out")
    laid_out = {name: said for name, kind in taking.items() if (said := kind.layout_of(source)) is not None}
    fitting = laid_out or {name: said for name, kind in taking.items() if (said := kind.recognise(source)) is not None}
    if len(fitting) > 1:
        may_be = "; or ".join(f"{said} (--kind {name})" for name, said in fitting.items())
        raise DataError(f"'{source.name}' may be {may_be}. Say which by --kind")
    return KINDS[next(iter(fitting or taking))]


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"
