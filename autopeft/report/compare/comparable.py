"""Which runs may be held against each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from autopeft.costs import memory_limit
from autopeft.errors import StudyError
from autopeft.report.run import Run

__all__ = ["check_comparable"]

#: Letters of a hash that are enough to tell it from others.
_HASH = 12


def check_comparable(runs: Sequence[Run], names: Sequence[str]) -> None:
    """Check that runs searched on the same splits, under the same budget, for the same objectives and `final:` setting.

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


def _terms(run: Run) -> dict[str, Any]:
    """Return what has to be equal, by the names for people."""
    memory = memory_limit(run.spec["budget"])
    held = "" if memory is None else f" and {memory:,} bytes of memory"
    return {
        "splits": f"{run.spec['task']} {run.spec['data'][:_HASH]}",
        "budget": f"{run.result.scale.limit:,} trainable parameters{held}",
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
