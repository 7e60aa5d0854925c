"""At which learning rate a contender goes on: all are tried up to a rung, the best goes on."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from autopeft.launch import Crew
from autopeft.selection.contenders import Contender
from autopeft.selection.errands import TryRate
from autopeft.selection.records import Records

__all__ = ["at_best_rates"]


def at_best_rates(
    contenders: Sequence[Contender], records: Records, crew: Crew, say: Callable[[str], None]
) -> list[Contender]:
    """Return contenders with one of each role left.

    Where all of a role have been trained whole, by an earlier version or another setting of the race, that decides.

    Args:
        contenders: Those of one role differ in their learning rates.
        records: What they have left.
        crew: The workers.
        say: Hears what a user should know.
    """
    roles: dict[str, list[Contender]] = {}
    for each in contenders:
        roles.setdefault(each.role, []).append(each)
    several = [group for group in roles.values() if len(group) > 1]
    looked_at = [group for group in several if not all(map(records.validation, group))]
    _look([each for group in looked_at for each in group], records, crew, say)
    left = [group[0] for group in roles.values() if len(group) == 1]
    for group in several:
        reached = _looked(group, records) if group in looked_at else _trained(group, records)
        if group in looked_at:
            rates = ", ".join(f"{_rate(each):g}: {reached[each.name]:.4f}" for each in group if each.name in reached)
            said = f"goes on at the best of its learning rates after a quarter of the steps, {rates}"
            say(f"{group[0].role} {said if reached else 'failed at every learning rate, and is left out'}")
        left += [each for each in group if each.name == max(reached, key=reached.__getitem__, default=None)]
    return left


def _look(work: Sequence[Contender], records: Records, crew: Crew, say: Callable[[str], None]) -> None:
    work = [each for each in work if records.looked(each) is None]
    # With the seed of the search: what is chosen by the luck of a seed shall not be raced with it.
    errands = [TryRate(each.configuration.text, records.seed, each.baseline == "full") for each in work]
    for index, (accuracy, message) in crew.do(errands):
        if accuracy is None:
            # Not recorded: a fault of the machine may be gone the next time.
            say(f"{work[index].name} failed, and is left out: {message}")
        else:
            records.keep_look(work[index], accuracy)


def _looked(group: Sequence[Contender], records: Records) -> dict[str, float]:
    """Return what contenders reached at the rung, by name; what failed is left out."""
    found = {each.name: records.looked(each) for each in group}
    return {name: accuracy for name, accuracy in found.items() if accuracy is not None}


def _trained(group: Sequence[Contender], records: Records) -> dict[str, float]:
    return {each.name: float(np.mean(records.validation(each))) for each in group}


def _rate(contender: Contender) -> float:
    return float(contender.configuration.training["learning_rate"])
