"""Learn where a search begins: few configurations that together cover the fronts of all recorded tasks.

    python -m studies.portfolio.learn             # writes autopeft/methods/portfolio.yaml
    python -m studies.portfolio.learn --show      # prints what each adds, of all tasks and without each of them

What is chosen from are the configurations recorded of every task; what is run at the start of a search anyway adds
nothing. A front counts by its hypervolume, and by that of its top alone, which is what people pick from.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import yaml

from autopeft.backbones import load_backbone
from autopeft.methods import STOCK_LEARNING_RATE
from autopeft.methods.portfolio import PORTFOLIO, Entry
from autopeft.samplers import hypervolume
from autopeft.space import BackboneShape, Configuration
from autopeft.space.words import layers_in_words
from studies.arena.record import TABLES, TASKS

__all__ = ["SIZE", "Recorded", "learn", "read", "relative"]

#: Configurations of the portfolio.
SIZE = 8

#: The top of a front: accuracies at most so far below the best.
_TOP = 0.01

#: Knobs whose sizes go with the width of the backbone.
_WITH_WIDTH = ("rank", "size")

_HEAD = """\
# Where a search begins: configurations that cover the fronts of recorded tasks, each adding the most to those above.
# Sizes go with the width d; layers are those of another depth. Written by `python -m studies.portfolio.learn`.
"""


@dataclass(frozen=True)
class Recorded:
    """What was recorded of a task.

    Args:
        scale: How fronts are scored: limit, reference and cheapest.
        points: Cost and mean accuracy by configuration.
        known: What is run at the start of a search anyway.
    """

    scale: Mapping[str, float]
    points: Mapping[Configuration, tuple[int, float]]
    known: frozenset[Configuration]

    def cover(self, some: Sequence[Configuration]) -> float:
        """Return the share of the front that configurations cover with what is run anyway, and the same of its top."""
        best = max(accuracy for cost, accuracy in self.points.values() if cost <= self.scale["limit"])
        there = [self.points[each] for each in {*some, *self.known}]
        shares = [
            self._volume(there, reference) / self._volume([*self.points.values()], reference)
            for reference in (self.scale["reference"], best - _TOP)
        ]
        return float(np.mean(shares))

    def _volume(self, points: Sequence[tuple[int, float]], reference: float) -> float:
        costs, accuracies = [cost for cost, _ in points], [accuracy for _, accuracy in points]
        return hypervolume(costs, accuracies, **{**self.scale, "reference": reference})


def read(task: str, folder: Path = TABLES) -> Recorded:
    """Read what was recorded of a task."""
    scale, *rows = map(json.loads, (folder / f"{task}.jsonl").read_text(encoding="utf8").splitlines())
    costs: dict[Configuration, int] = {}
    accuracies: dict[Configuration, list[float]] = defaultdict(list)
    for row in rows:
        configuration = Configuration.from_dict(row["configuration"])
        costs[configuration] = row["cost"]
        accuracies[configuration].append(row["accuracy"])
    points = {each: (cost, float(np.mean(accuracies[each]))) for each, cost in costs.items()}
    known = frozenset(Configuration.from_dict(row["configuration"]) for row in rows if row["baseline"])
    return Recorded(scale, points, known)


def learn(recorded: Sequence[Recorded], shape: BackboneShape, size: int = SIZE) -> list[Configuration]:
    """Choose greedily what covers the fronts of tasks, on average, each adding the most to those before.

    Args:
        recorded: The tasks, all on one backbone.
        shape: The backbone.
        size: How many to choose at most; fewer where nothing adds to them.
    """
    everywhere = set.intersection(*(set(each.points) for each in recorded))
    candidates = sorted((each for each in everywhere if relative(each, shape) is not None), key=lambda each: each.text)

    def covered(some: Sequence[Configuration]) -> float:
        return float(np.mean([each.cover(some) for each in recorded]))

    chosen: list[Configuration] = []
    while len(chosen) < size:
        best = max(candidates, key=lambda each: covered([*chosen, each]))
        if covered([*chosen, best]) <= covered(chosen):
            break
        chosen.append(best)
    return chosen


def relative(configuration: Configuration, shape: BackboneShape) -> Entry | None:
    """Write a configuration relative to its backbone; None where its knobs differ between layers."""
    if not configuration.modules or "learning_rate" not in configuration.training:
        return None
    modules = {}
    for name, knobs in configuration.modules.items():
        if any(isinstance(value, dict) for value in knobs.values()):
            return None
        modules[name] = {
            **knobs,
            **{size: _share(knobs[size], shape.hidden) for size in _WITH_WIDTH if size in knobs},
            "layers": f"{layers_in_words(knobs['layers'])} of {shape.layers}",
        }
        if "alpha" in knobs:
            modules[name]["alpha"] = f"{knobs['alpha'] / knobs['rank']:g}r"
    return Entry(modules, float(f"{configuration.training['learning_rate'] / STOCK_LEARNING_RATE:.2g}"))


def _share(size: int, hidden: int) -> str:
    """Write a size as a share of the width, by a power of two where that gives it again."""
    near = 2 ** round(np.log2(hidden / size))
    return f"d/{near if max(1, hidden // near) == size else hidden / size:g}"


def main() -> None:
    """Write the portfolio, or show how much it covers."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--show", action="store_true", help="print how much is covered, and write nothing")
    recorded = {task: read(task) for task in TASKS}
    shape = load_backbone("minilm").shape
    if parser.parse_args().show:
        _show(recorded, shape)
        return
    chosen = learn([*recorded.values()], shape)
    entries = [asdict(entry) for each in chosen if (entry := relative(each, shape)) is not None]
    PORTFOLIO.write_text(_HEAD + yaml.safe_dump(entries, sort_keys=False, default_flow_style=None), encoding="utf8")


def _show(recorded: Mapping[str, Recorded], shape: BackboneShape) -> None:
    """Print the share of each task's front that is covered: by what is run anyway, and by portfolios beside it."""
    print("| task | run anyway | with the portfolio | with one learned without the task |")
    print("| --- | --- | --- | --- |")
    shares = []
    for task, one in recorded.items():
        others = [other for name, other in recorded.items() if name != task]
        nothing: list[Configuration] = []
        portfolios = (nothing, learn([*recorded.values()], shape), learn(others, shape))
        shares.append([one.cover(chosen) for chosen in portfolios])
        print(f"| {task} | " + " | ".join(f"{share:.3f}" for share in shares[-1]) + " |")
    print("| mean | " + " | ".join(f"{share:.3f}" for share in np.mean(shares, axis=0)) + " |")


if __name__ == "__main__":
    main()
