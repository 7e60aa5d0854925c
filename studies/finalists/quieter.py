"""Measure what makes differences of trainings less noisy between seeds: pairing by seed, averaging the last states.

    python -m studies.finalists.quieter --workers 2

On the default job: the head alone and three references, each trained with several seeds and measured on the whole test
split, as it ends and with the mean of its states over the last quarter of the steps. Of one seed, head and order of
texts are the same for all. Printed is the standard deviation of a difference of two trainings between seeds, the root
of the mean variance over pairs, in points; whether pairs have the same seed or not. Then half the widths of the
intervals of differences, over texts and over their categories.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from itertools import combinations
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from autopeft.launch import SearchPlan, prepare
from autopeft.selection.grouped import over_groups
from autopeft.selection.statistics import estimate
from autopeft.space import Configuration
from autopeft.tasks import TaskSpec, load_task
from autopeft.trials import TrialRunner, loop, runner
from autopeft.trials.hardware import use_threads

#: The share of the steps over whose states is averaged.
_LAST = 1 / 4

#: So many texts of test stand for what the first default job had.
_FEWER = 1200

#: The reference that is left out, for the time that it takes.
_DEAR = "all-linear"

_runner: TrialRunner


def main() -> None:
    """Train, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--workers", type=int, default=2, help="trainings at once")
    parser.add_argument("--out", type=Path, required=True, help="file of what each training reached, gone on with")
    given = parser.parse_args()
    known = json.loads(given.out.read_text()) if given.out.is_file() else {}
    jobs = [
        (name, configuration.text, seed)
        for name, configuration in prepare(SearchPlan.of({})).baselines.items()
        for seed in range(1, given.seeds + 1)
        if name != _DEAR and f"{name} {seed} {True}" not in known
    ]
    with ProcessPoolExecutor(given.workers, get_context("spawn"), _begin) as pool:
        for (name, _, seed), both in zip(jobs, pool.map(_train, jobs), strict=True):
            known |= {f"{name} {seed} {averaged}": scores for averaged, scores in zip((False, True), both, strict=True)}
            given.out.write_text(json.dumps(known))
    names = list(dict.fromkeys(key.split()[0] for key in known))
    print("| states | pairs | standard deviation, points | mean accuracy |\n| --- | --- | --- | --- |")
    for averaged in (False, True):
        reached = np.array(
            [[np.mean(known[f"{name} {seed} {averaged}"]) for seed in range(1, given.seeds + 1)] for name in names]
        )
        for paired in (False, True):
            print(
                f"| {'mean of the last' if averaged else 'the last'} | {'of one seed' if paired else 'of any seeds'} "
                f"| {100 * deviation(reached, paired=paired):.2f} | {reached.mean():.4f} |"
            )
    print_widths(known, names)


def print_widths(known: Mapping[str, Sequence[float]], names: Sequence[str]) -> None:
    """Print half the widths of intervals of three seeds, over texts or their categories, on all of test or less."""
    groups = np.array(load_task(TaskSpec(name="icd10-chapters")).groups["test"])
    pairs = [(i, j) for i in range(len(names)) for j in range(1, len(names)) if i != j]
    print("\n| texts | units | half a width, points | standard error by units, points |\n| --- | --- | --- | --- |")
    for rows in (np.arange(len(groups)), np.random.default_rng(0).permutation(len(groups))[:_FEWER]):
        for units, named in (("texts", ()), ("categories", groups[rows])):
            trained = [[np.array(known[f"{name} {seed} {False}"])[rows] for seed in (1, 2, 3)] for name in names]
            found = estimate([np.stack([over_groups(each, named) for each in three]) for three in trained])
            width = np.mean([each.margin for each in found.differences(pairs).values()])
            part = found.examples
            error = np.sqrt(np.mean([part[i, i] + part[j, j] - 2 * part[i, j] for i, j in pairs]))
            print(f"| {len(rows):,} | {found.count:,} {units} | {100 * width:.1f} | {100 * error:.2f} |")


def deviation(reached: NDArray[np.float64], *, paired: bool) -> float:
    """Return the standard deviation of a difference of two trainings between seeds.

    Args:
        reached: Accuracies, `[configurations, seeds]`.
        paired: Whether both have the same seed.
    """
    variances = []
    for first, second in combinations(reached, 2):
        both = np.cov(first, second)
        variances.append(both[0, 0] + both[1, 1] - 2 * paired * both[0, 1])
    return float(np.sqrt(np.mean(variances)))


def _begin() -> None:
    global _runner
    use_threads(1)
    _runner = prepare(SearchPlan.of({})).job.runner()


def _train(job: tuple[str, str, int]) -> list[list[float]]:
    """Return the scores on test of a training as it ends, and of the mean of its last states."""
    _, text, seed = job
    with tempfile.TemporaryDirectory() as folder, also_averaged():
        outcome = _runner.run(Configuration(text), seed, folder=Path(folder) / "trained")
        assert outcome.status == "complete", outcome.message
        return [_runner.score(path, "test").tolist() for path in (Path(folder) / "trained", averaged_beside(folder))]


@contextmanager
def also_averaged() -> Iterator[None]:
    """Let trainings keep the mean of their last states too."""
    after_step, keep = loop.after_step, runner.keep
    sums: dict[nn.Parameter, torch.Tensor] = {}

    def after(model: nn.Module, step: int, steps: int) -> None:
        after_step(model, step, steps)
        last = round(_LAST * steps)
        for parameter in model.parameters():
            if step > steps - last and parameter.requires_grad:
                sums[parameter] = sums.get(parameter, torch.zeros_like(parameter.data)) + parameter.data / last

    def keep_both(model: Any, folder: Path, settled: Any, *, full: bool) -> None:
        keep(model, folder, settled, full=full)
        for parameter, mean in sums.items():
            parameter.data.copy_(mean)
        keep(model, averaged_beside(folder.parent), settled, full=full)

    loop.after_step, runner.keep = after, keep_both
    try:
        yield
    finally:
        loop.after_step, runner.keep = after_step, keep


def averaged_beside(folder: str | Path) -> Path:
    """Return where the mean of the last states is kept."""
    return Path(folder) / "averaged"


if __name__ == "__main__":
    main()
