"""Measure how far stock LoRA is above the head alone on cuts of ICD-10-CM; the search itself has no say.

    python -m studies.icd10.cuts

Each figure is over three seeds, on the whole test split, in trainings as long as trials.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from autopeft.launch import SearchPlan, prepare
from autopeft.methods import HEAD_ONLY
from autopeft.space import Configuration
from autopeft.tasks.classification.icd10 import ICD10_CHAPTERS, Cut, load_cut
from autopeft.trials import TrialRunner

_SEEDS = (1, 2, 3)


def main() -> None:
    """Print a row for each cut."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.parse_args()
    print("| cut | labels | test texts | head alone | stock LoRA | points between them |")
    print("| --- | --- | --- | --- | --- | --- |")
    for cut in cuts():
        prepared = prepare(SearchPlan.of({"task": ICD10_CHAPTERS.name}))
        task = load_cut(cut)
        runner = TrialRunner(prepared.backbone, task, prepared.setting)
        head, stock = (
            np.array([reached(runner, configuration, seed) for seed in _SEEDS])
            for configuration in (HEAD_ONLY, prepared.stock)
        )
        apart = 100 * (stock - head)
        print(
            f"| {cut.name} | {len(cut.chapters)} | {len(task.test):,} | {head.mean():.3f} | {stock.mean():.3f} "
            f"| {apart.mean():.1f} ({', '.join(f'{each:.1f}' for each in apart)}) |",
            flush=True,
        )


def cuts() -> Iterator[Cut]:
    """Yield the cuts: all chapters of the size, and without those of causes and influences, or of injuries."""
    yield ICD10_CHAPTERS
    for name, without in (("diseases and injuries", ("20", "21")), ("diseases and external causes", ("19", "21"))):
        chapters = {number: label for number, label in ICD10_CHAPTERS.chapters.items() if number not in without}
        yield replace(ICD10_CHAPTERS, name=name, chapters=chapters)


def reached(runner: TrialRunner, configuration: Configuration, seed: int) -> float:
    """Return what a training with a seed reaches on the whole test split."""
    with tempfile.TemporaryDirectory() as folder:
        outcome = runner.run(configuration, seed, folder=Path(folder) / "trained")
        assert outcome.status == "complete", outcome.message
        return float(runner.score(Path(folder) / "trained", "test").mean())


if __name__ == "__main__":
    main()
