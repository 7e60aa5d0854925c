"""Searching, and choosing among what was found."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from autopeft.launch import Listener, SearchPlan, SearchResult, open_run, prepare, run_search
from autopeft.launch.quiet import quiet
from autopeft.launch.tables_given import as_named
from autopeft.reporting import NotebookProgress, in_notebook, write_front
from autopeft.selection import MOST_SEEDS, FinalistsFile, Until, margin_held, margin_of
from autopeft.selection import select as select_finalists
from autopeft.shut import shut
from autopeft.space import SearchSpace

__all__ = ["search", "select"]


def search(
    *,
    data: str | Path | Any = None,
    space: str | SearchSpace | None = None,
    fresh: bool = False,
    select: bool = False,
    listener: Listener | None = None,
    **settings: Any,
) -> SearchResult:
    """Search for the best PEFT configurations and write the front into the run folder.

    Run it again with the same arguments to resume; raise `trials` to go on.

    Args:
        data: A file, a folder, a pattern of files, a name on the hub, a pandas `DataFrame`, or a `Dataset` or
            `DatasetDict` of datasets. Rows handed over are kept in the cache, by their content.
        space: Name or file of a shipped or own space, a `SearchSpace`, or None for the default of the task.
        fresh: Drop a study that is already in the run folder.
        select: Whether its finalists are trained and measured on test afterwards, as `autopeft.select` does.
        listener: Follows the search as it goes; in a notebook, when left out, a bar. `autopeft.Silent` shows nothing.
        **settings: The fields of `autopeft.SearchPlan`, which are the flags of `autopeft search`
            (`model`, `text`, `label`, `budget`, `trials`, `seed`, `workers`, `out`, ...).

    Returns:
        The run folder, the Optuna study and its front.

    Raises:
        AutopeftError: For whatever the caller can mend, before anything is written.
    """
    if isinstance(space, SearchSpace):
        settings["space"] = space.to_dict()
    elif space is not None:
        settings["space"] = space
    with quiet(), shut():
        if data is not None:
            settings["data"] = as_named(data)
        prepared = prepare(SearchPlan.of(settings))
        shown = NotebookProgress.of(prepared) if listener is None and in_notebook() else nullcontext(listener)
        with shown as follows:
            result = run_search(prepared, fresh=fresh, listener=follows)
        write_front(result)
        if select and result.complete:
            select_finalists(prepared, result, margin=margin_held(result))
    return result


def select(
    run: str | Path | SearchResult,
    *,
    with_full: bool = False,
    seeds: int = MOST_SEEDS,
    margin: str | None = None,
    until: str | None = None,
    workers: int | None = None,
    trust_remote_code: bool = False,
    allow_code: bool = False,
    plugin: str | Path | None = None,
    say: Callable[[str], None] = lambda line: None,
) -> FinalistsFile:
    """Train the front's candidates with several seeds, measure them on test, and say whether searching helped.

    What an earlier call has done is not done again.

    Args:
        run: A run folder, or the result of a search.
        with_full: Whether to compare with full fine-tuning too.
        seeds: Most seeds of a finalist, at least 3.
        margin: How much worse than a reference is as good as it, e.g. `0.5pt`; as in the search when left out.
        until: How long to add seeds where the decision is open: until differences are known to `1pt`, or for `30m`.
        workers: Trainings at once; as in the search when left out.
        trust_remote_code: Whether code that the model brings may run.
        allow_code: Whether code that models write may be run, in a sandbox.
        plugin: The plugin that it was searched with, where it lies now.
        say: Hears what a user should know.

    Returns:
        What `finalists.json` in the run folder holds.

    Raises:
        AutopeftError: For whatever the caller can mend.
    """
    with quiet(), shut():
        result = (
            run
            if isinstance(run, SearchResult)
            else open_run(run, trust_remote_code, allow_code, None if plugin is None else Path(plugin))
        )
        plan = result.plan if workers is None else result.plan.model_copy(update={"workers": workers})
        return select_finalists(
            prepare(plan.naming_data()),
            result,
            with_full=with_full,
            seeds=seeds,
            margin=margin_held(result) if margin is None else margin_of(margin),
            until=None if until is None else Until.parse(until),
            say=say,
        )
