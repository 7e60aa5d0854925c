"""Whether a search can go on in a changed space, before anything is made."""

from __future__ import annotations

from autopeft.errors import AutopeftError
from autopeft.launch.preparation import Preparation
from autopeft.study import load_study

__all__ = ["check_extendable"]


def check_extendable(prepared: Preparation, *, fresh: bool) -> None:
    """Check that there is a study to extend.

    Args:
        prepared: The search in the changed space.
        fresh: Whether the study shall be dropped too.

    Raises:
        AutopeftError: When there is none, or it shall be dropped.
    """
    if fresh:
        raise AutopeftError("--fresh drops the study that --extend keeps; give one of them")
    if prepared.plan.out is None:
        raise AutopeftError("--extend needs the run folder to go on with; expected --out RUN")
    if prepared.plan.storage is None:
        load_study(prepared.folder)
