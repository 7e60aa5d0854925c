"""The main job in one call."""

from __future__ import annotations

from typing import Any

from autopeft.launch import Listener, SearchPlan, SearchResult, prepare, run_search
from autopeft.launch.quiet import quiet
from autopeft.report import write_front
from autopeft.space import SearchSpace

__all__ = ["search"]


def search(
    *,
    space: str | SearchSpace | None = None,
    fresh: bool = False,
    listener: Listener | None = None,
    **settings: Any,
) -> SearchResult:
    """Search for the best PEFT configurations and write the front into the run folder.

    Run it again with the same arguments to resume; raise `trials` to go on.

    Args:
        space: Name or file of a shipped or own space, a `SearchSpace`, or None for the default of the task.
        fresh: Drop a study that is already in the run folder.
        listener: Follows the search as it goes.
        **settings: The fields of `autopeft.SearchPlan`, which are the flags of `autopeft search`
            (`model`, `data`, `text`, `label`, `budget`, `trials`, `seed`, `workers`, `out`, ...).

    Returns:
        The run folder, the Optuna study and its front.

    Raises:
        AutopeftError: For whatever the caller can mend, before anything is written.
    """
    if isinstance(space, SearchSpace):
        settings["space"] = space.to_dict()
    elif space is not None:
        settings["space"] = space
    with quiet():
        result = run_search(prepare(SearchPlan.of(settings)), fresh=fresh, listener=listener)
        write_front(result)
    return result
