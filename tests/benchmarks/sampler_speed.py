"""Processor time of a suggestion and peak memory: `python -m tests.benchmarks.sampler_speed`.

After 100, 500 and 1,000 trials in a space of 38 parameters on the packaged default model; the trials are random points
with made-up accuracies.
"""

import resource
import time

import numpy as np
import optuna

from autopeft.launch import Preparation, SearchPlan, prepare
from autopeft.samplers import ParetoSampler
from autopeft.samplers.points import AffordablePoints

_SIZES = {"per": "layer", "values": "off | d/512..d by x2"}
_RANKS = {"per": "layer", "values": "off | 1..64 by x2"}

SPACE = {
    "name": "wide",
    "layers": "subset",
    "modules": {
        "lora": {"rank": _RANKS, "alpha": "1r | 2r", "targets": "subset of q, k, v, o, up, gate, down"},
        "serial_adapter": {"size": _SIZES},
        "parallel_adapter": {"size": _SIZES},
        "prefix": {"length": _RANKS},
    },
    "training": {"learning_rate": "5e-4..2e-2 log"},
}

REPEATS = 3


def main() -> None:
    """Print the median of three suggestions for each number of trials."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    job = prepare(SearchPlan.of({"space": SPACE}))
    print(f"{len(job.space.parameters)} parameters")
    for count in (100, 500, 1000):
        seconds = _measure(job, count)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        print(f"{count} trials: {np.median(seconds):.2f} s of processor time, peak memory {peak:.2f} GiB", flush=True)


def _measure(job: Preparation, count: int) -> list[float]:
    sampler = ParetoSampler(job.space, job.costs.price, job.scale.limit)
    study = optuna.create_study(directions=["minimize", "maximize"], sampler=sampler)
    points, rng = AffordablePoints(job.space, job.costs.price, job.scale.limit), np.random.default_rng(0)
    for _ in range(count):
        point = points.draw(rng)
        accuracy = 0.7 + 0.006 * np.log10(1 + point.cost) + 0.05 * point.params["layer.3"] + rng.normal(0, 0.01)
        study.add_trial(
            optuna.create_trial(
                params=dict(point.params),
                distributions=job.space.distributions(),
                values=(float(point.cost), float(accuracy)),
            )
        )
    seconds = []
    for _ in range(REPEATS + 1):
        began = time.process_time()
        job.space.suggest(study.ask())
        seconds.append(time.process_time() - began)
    # The first one imports BoTorch.
    return seconds[1:]


if __name__ == "__main__":
    main()
