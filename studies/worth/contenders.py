"""Who picks a configuration for a task: a search, the references, the ladders, or the careful script."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from autopeft.launch import Preparation, open_run
from autopeft.methods import REFERENCES
from autopeft.selection import choice_of, pick, selected_front
from autopeft.selection.contenders import learning_rates
from autopeft.space import Configuration
from autopeft.trials import kind_of
from studies.arena.ladders import ladders
from studies.trainings import Training, trained
from studies.worth.script import searched

__all__ = ["Pick", "by_hand", "by_script", "by_search"]

#: What people take from a search: the best within the budget, or the cheapest within half a point of it.
_PICKS = ("best", "cheapest-within 0.5pt")

_WORKERS = 2


@dataclass(frozen=True)
class Pick:
    """What somebody would train.

    Args:
        configuration: The configuration.
        params: Its trainable parameters.
        steps: After how many steps its learning rate was found to be good.
    """

    configuration: Configuration
    params: int
    steps: int


def by_search(plan: Mapping[str, object], scratch: Path) -> tuple[dict[str, Pick], float]:
    """Let autopeft search, with its finalists; return what would be taken, and the seconds in all.

    Args:
        plan: The settings of the search.
        scratch: Folder for the run and all caches.
    """
    folder = scratch / "run"
    command = [sys.executable, "-m", "autopeft.cli", "search"]
    command += [f"--{name.replace('_', '-')}={value}" for name, value in {**plan, "out": folder}.items()]
    began = time.perf_counter()
    subprocess.run(command, check=True, env=os.environ | {"AUTOPEFT_CACHE": str(scratch / "cache")})
    seconds = time.perf_counter() - began
    result = open_run(folder)
    front = selected_front(result)
    rows = {name: pick(front, result.scale, name) for name in _PICKS}
    choices = {name: choice_of(result, row) for name, row in rows.items()}
    return {name: Pick(each.configuration, rows[name].params, each.steps) for name, each in choices.items()}, seconds


def by_hand(prepared: Preparation) -> tuple[dict[str, Pick], dict[str, float]]:
    """Train what a colleague would try as trials, each to its end; return the best of each row of tries, and seconds.

    Rows are each reference at several learning rates, and the ladders. A try's seconds are those of a worker, of
    which there are two.

    Args:
        prepared: A search on the task.
    """
    rows = _rows(prepared)
    tried = {each.text: each for row in rows.values() for each in row}
    trainings = [Training(text, prepared.task.name, prepared.job, each, seed=0) for text, each in tried.items()]
    outcomes = dict(trained(trainings, _WORKERS))
    picks, seconds = {}, {}
    for name, row in rows.items():
        reached = {each: outcomes[each.text]["accuracy"] for each in row if outcomes[each.text]["status"] == "complete"}
        if reached:
            picks[name] = _pick(prepared, max(reached, key=lambda each: reached[each]))
        seconds[name] = sum(outcomes[each.text]["seconds"] for each in row) / _WORKERS
    return picks, seconds


def _rows(prepared: Preparation) -> Mapping[str, Sequence[Configuration]]:
    shape = prepared.backbone.shape
    rate = kind_of(prepared.task).stock_learning_rate(shape)
    references = {
        each.name: [each.configuration(shape, one) for one in learning_rates(each.pace * rate)] for each in REFERENCES
    }
    limit, params = prepared.scale.limit, prepared.costs.params
    rungs = {name: [each for each in ladder if params(each) <= limit] for name, ladder in ladders(shape, rate).items()}
    return {**references, **rungs}


def by_script(prepared: Preparation, seed: int, seconds: float) -> tuple[dict[str, Pick], float]:
    """Let the careful script search for as long as autopeft did; return what it would take, and its seconds.

    Args:
        prepared: A search on the task, for its data and how long trials are.
        seed: Seed of everything random.
        seconds: How long autopeft searched.
    """
    began = time.perf_counter()
    found = searched(prepared, seed, seconds)
    return {"script": _pick(prepared, found)}, time.perf_counter() - began


def _pick(prepared: Preparation, configuration: Configuration) -> Pick:
    return Pick(configuration, prepared.costs.params(configuration), prepared.setting.steps)
