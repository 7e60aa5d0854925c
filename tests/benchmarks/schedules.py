"""Memory and time of schedules and of forward-only steps on SmolLM2: `python -m tests.benchmarks.schedules`.

Steps on the longest examples of GSM8K. Peak memory is that of all tensors alive together, of schedules beside full
fine-tuning, of forward-only steps beside forward passes alone, in which nothing moves: of the model as it is held in
trials of decoders, and of one in fp32. Of seconds the mean of a training's steps counts; all take turns, so that what
else the machine does meets them alike.
"""

from __future__ import annotations

import argparse
from contextlib import AbstractContextManager, nullcontext
from typing import Any
from unittest.mock import patch

import numpy as np

from autopeft.launch import SearchPlan, prepare
from autopeft.methods import VOCABULARY, ForwardOnly
from autopeft.space import canonical
from autopeft.trials import use_threads
from tests.benchmarks.decoder_memory import in_fp32
from tests.benchmarks.sparse import mean_step

_LORA = {"lora": {"rank": 8, "targets": ["q", "v"]}}
_MEZO = {"optimiser": "mezo"}

#: Forward passes of a model whose weights are in fp32, as they are where all train.
IN_FP32 = "forward passes in fp32"

#: What trains how, and what it is held beside.
CONTENDERS: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "full fine-tuning": ({"full": {}}, {}, "full fine-tuning"),
    "LISA, 2 layers": ({"full": {}}, {"schedule": "lisa", "lisa_layers": 2, "lisa_every": 5}, "full fine-tuning"),
    "HFT": ({"full": {}}, {"schedule": "hft"}, "full fine-tuning"),
    "LoRA": (_LORA, {}, "LoRA"),
    "IST over LoRA": (_LORA, {"schedule": "ist"}, "LoRA"),
    "forward passes": (_LORA, _MEZO, "forward passes"),
    "MeZO over LoRA": (_LORA, _MEZO, "forward passes"),
    IN_FP32: (_LORA, _MEZO, IN_FP32),
    "MeZO over all weights": ({"full": {}}, _MEZO, IN_FP32),
}

#: How often each trains.
_TURNS = 3


def main() -> None:
    """Print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="smollm2")
    parser.add_argument("--data", default="../shared/data/gsm8k/train.jsonl")
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--batch-size", type=int, default=1)
    given = parser.parse_args()
    use_threads(1)
    settings = {"model": given.model, "data": given.data, "batch_size": given.batch_size, "budget": "100%"}
    job = prepare(SearchPlan.of(settings))
    held = job.job.runner()
    with in_fp32():
        held_in_fp32 = job.job.runner()
    runners = {name: held_in_fp32 if name == IN_FP32 else held for name in CONTENDERS}
    every = {
        name: canonical({"modules": modules, "training": training}, VOCABULARY, job.backbone.shape)
        for name, (modules, training, _) in CONTENDERS.items()
    }
    peaks = {}
    for name, each in every.items():
        with _still(name):
            peaks[name] = runners[name].profile(each, 0).peak
        _, _, beside = CONTENDERS[name]
        print(
            f"{name}: {job.costs.params(each):,} parameters, {job.costs.active(each):,} at a time, "
            f"peak {peaks[name] / 2**20:,.0f} MiB ({peaks[name] / peaks[beside]:.3f} of {beside})",
            flush=True,
        )
    turns: list[dict[str, float]] = []
    for _ in range(_TURNS):
        turns.append({})
        for name, each in every.items():
            with _still(name):
                turns[-1][name] = mean_step(runners[name], each, given.steps)
    seconds = {name: float(np.median([turn[name] for turn in turns])) for name in every}
    for name in every:
        _, _, beside = CONTENDERS[name]
        print(f"{name}: {seconds[name]:.3f} s a step ({seconds[name] / seconds[beside]:.2f} of {beside})", flush=True)


def _still(name: str) -> AbstractContextManager[Any]:
    """Keep the weights where they are within, for forward passes alone."""
    return patch.object(ForwardOnly, "_move") if name.startswith("forward passes") else nullcontext()


if __name__ == "__main__":
    main()
