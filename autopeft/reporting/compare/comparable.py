"""Which runs may be held against each other, and what it means where they differ all the same."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from autopeft.costs import memory_limit
from autopeft.errors import StudyError
from autopeft.reporting.run import Run

__all__ = ["check_comparable", "what_differs"]

#: Letters of a hash that are enough to tell it from others.
_HASH = 12


def check_comparable(runs: Sequence[Run], names: Sequence[str]) -> None:
    """Check that runs searched on the same splits, for the same objectives and `final:` setting.

    Args:
        runs: At least two runs.
        names: What they are called.

    Raises:
        StudyError: Naming all that differs.
    """
    if len(runs) < 2:
        raise StudyError(f"found {len(runs)} run to compare, expected at least two; name another run folder")
    found = [_terms(run) for run in runs]
    differences = [
        f"  {term}: {', '.join(f'{name} has {terms[term]}' for name, terms in zip(names, found, strict=True))}"
        for term in found[0]
        if any(terms[term] != found[0][term] for terms in found)
    ]
    if differences:
        raise StudyError(
            "these runs cannot be compared, since they differ in\n"
            + "\n".join(differences)
            + "\ncompare runs that agree in all of these; search again with the settings of one of them"
        )


def what_differs(runs: Sequence[Run], names: Sequence[str]) -> list[str]:
    """Say what may differ between runs that are compared, and what that means."""
    found = []
    budgets = {name: _budget(run) for run, name in zip(runs, names, strict=True)}
    if len(set(budgets.values())) > 1:
        each = "; ".join(f"{name} has {budget}" for name, budget in budgets.items())
        found.append(
            f"the budgets differ ({each}): fronts are held against each other where both could search, and each "
            "hypervolume is measured up to its own budget, so that these are not to be compared"
        )
    spaces = {name: run.spec["space"] for run, name in zip(runs, names, strict=True)}
    if any(space != spaces[names[0]] for space in spaces.values()):
        each = ", ".join(f"{name} has {space.get('name', 'one without a name')}" for name, space in spaces.items())
        found.append(
            f"the spaces differ ({each}): a front that lies above another tells that its space and search together "
            "found more, not which of the two it was"
        )
    return found


def _budget(run: Run) -> str:
    memory = memory_limit(run.spec["budget"])
    held = "" if memory is None else f" and {memory:,} bytes of memory"
    return f"{run.result.scale.limit:,} trainable parameters{held}"


def _terms(run: Run) -> dict[str, Any]:
    """Return what has to be equal, by the names for people."""
    return {
        "splits": f"{run.spec['task']} {run.spec['data'][:_HASH]}",
        "objectives": f"{', '.join(run.spec['objectives'])}; {run.metric}",
        "final setting": _final(run),
    }


def _final(run: Run) -> str:
    """Say how long finalists train: as they did, or as they would."""
    if run.finalists is not None:
        setting = run.finalists.setting
        return f"{setting.examples:,} examples, {setting.epochs:g} epochs"
    trial = run.spec["trial"] | run.result.plan.final.model_dump(exclude_none=True)
    return f"{trial['examples']:,} examples, {trial['epochs']:g} epochs"
