"""The run that a search begins from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from autopeft.errors import StudyError
from autopeft.samplers import EarlierTrial, earlier_trials, within
from autopeft.space import BoundSpace
from autopeft.study import load_study

__all__ = ["begin_from", "identity"]

#: Trials without which an earlier study tells next to nothing.
_LEAST = 4


def begin_from(run: Path, space: BoundSpace) -> list[EarlierTrial]:
    """Return the finished trials of a run, enough of which are in a space.

    Args:
        run: A run folder.
        space: The space of the search that begins.

    Raises:
        StudyError: When the folder holds no study, or too few finished trials that the space has.
    """
    trials = earlier_trials(load_study(run))
    fitting = len(within(space, trials))
    if fitting < _LEAST:
        raise StudyError(
            f"--warm-start {run}: {fitting} of its {len(trials)} finished trials are in the space {space.name!r} on "
            f"this backbone; expected at least {_LEAST}; let that search finish more, choose its --space, or leave "
            "--warm-start out"
        )
    return trials


def identity(trials: Sequence[EarlierTrial]) -> dict[str, Any]:
    """Return what tells earlier trials apart from others, for the spec of the study that begins from them."""
    texts = sorted(json.dumps([each.configuration.text, each.accuracy, each.failed]) for each in trials)
    return {"trials": len(trials), "digest": hashlib.sha256("\n".join(texts).encode()).hexdigest()[:8]}
