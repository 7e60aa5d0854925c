"""Memory and time of sparse deltas beside LoRA of about as many parameters: `python -m tests.benchmarks.sparse`.

Steps on the longest examples of GSM8K with SmolLM2. Peak memory is that of all tensors alive together. Of a training's
seconds the mean of its steps counts, so that what dynamic systems spend on choosing positions is in it; all take turns,
so that what else the machine does meets them alike.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any

import numpy as np

from autopeft.launch import SearchPlan, prepare
from autopeft.methods import VOCABULARY
from autopeft.space import Configuration, canonical
from autopeft.trials import TrialRunner, use_threads
from autopeft.trials.stopwatch import Stopwatch

#: The systems that move positions while they train.
DYNAMIC = ("sft_ag", "sft_ma", "id3", "lift")

#: How often each trains.
_TURNS = 3


def systems(density: float) -> Mapping[str, Mapping[str, Any]]:
    """Return what is measured, by name; LoRA's rank is set apart."""
    return {
        "sparse": {"density": density, "selector": "magnitude"},
        **{name: {"density": density} for name in DYNAMIC if name != "lift"},
        "lift": {"rank": 1, "every": 20},
    }


def main() -> None:
    """Print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="smollm2")
    parser.add_argument("--data", default="../shared/data/gsm8k/train.jsonl")
    parser.add_argument("--density", type=float, default=0.001)
    parser.add_argument("--steps", type=int, default=22)
    parser.add_argument("--batch-size", type=int, default=4)
    given = parser.parse_args()
    use_threads(1)
    settings = {"model": given.model, "data": given.data, "batch_size": given.batch_size}
    job = prepare(SearchPlan.of(settings))
    shape, params = job.backbone.shape, job.costs.params

    def written(modules: Mapping[str, Any]) -> Configuration:
        return canonical({"modules": modules}, VOCABULARY, shape)

    every = {name: written({name: knobs}) for name, knobs in systems(given.density).items()}
    # At one scalar in a thousand, LoRA of as many parameters fits on query and value alone.
    rank = max(1, round(params(every["sparse"]) / params(written({"lora": {"rank": 1, "targets": ["q", "v"]}}))))
    lora = {
        "lora": written({"lora": {"rank": rank, "targets": ["q", "v"]}}),
        "lora of all matrices": written({"lora": {"rank": 1, "targets": list(shape.roles)}}),
    }
    every = {**lora, **every}
    runner = job.job.runner()
    peaks, seconds = {}, {}
    for name, each in every.items():
        peaks[name] = runner.profile(each, 0).peak
        memory = f"peak {peaks[name] / 2**20:,.0f} MiB ({peaks[name] / peaks['lora']:.3f} of LoRA's)"
        print(f"{name}: {params(each):,} parameters, {memory}", flush=True)
    turns = [{name: mean_step(runner, each, given.steps) for name, each in every.items()} for _ in range(_TURNS)]
    for name in every:
        seconds[name] = float(np.median([turn[name] for turn in turns]))
        beside = "sparse" if name in DYNAMIC else "lora"
        print(f"{name}: {seconds[name]:.3f} s a step ({seconds[name] / seconds[beside]:.2f} of {beside}'s)", flush=True)


def mean_step(runner: TrialRunner, configuration: Configuration, steps: int) -> float:
    """Return the mean seconds of a step."""
    watch = Stopwatch()
    with runner.on_longest(configuration, 0, steps, watch) as training:
        for _ in training:
            pass
    return watch.seconds / steps


if __name__ == "__main__":
    main()
