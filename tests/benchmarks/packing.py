"""What packing configurations into one pass could gain at most: `python -m tests.benchmarks.packing`.

Several configurations that train in one pass over the same batch share the frozen weights, but each has its own
activations: the pass does at least what one configuration does on so many times the texts. What a text costs in such a
larger batch, against the batch of a trial, therefore bounds the gain.
"""

import argparse

import numpy as np

from autopeft.launch import SearchPlan, prepare
from autopeft.samplers import AffordablePoints
from autopeft.trials import use_threads

PACKED = (1, 2, 4)


def main() -> None:
    """Print the largest possible gain for each number of configurations in a pass."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=12, help="configurations to measure")
    parser.add_argument("--repeats", type=int, default=3)
    given = parser.parse_args()
    use_threads(1)
    job = prepare(SearchPlan())
    rng = np.random.default_rng(0)
    points = AffordablePoints(job.space, job.costs.price, job.scale.limit)
    drawn = [points.draw(rng).configuration for _ in range(given.count)]
    batch = job.setting.batch_size
    runners = {packed: prepare(SearchPlan.of({"batch_size": packed * batch})).job.runner() for packed in PACKED}
    # The fastest of the repeats is the least disturbed one.
    seconds = {
        packed: np.array(
            [min(runner.profile(each, 0).seconds for _ in range(given.repeats)) for each in drawn], dtype=float
        )
        for packed, runner in runners.items()
    }
    for packed in PACKED:
        gain = packed * seconds[1] / seconds[packed]
        print(
            f"{packed} configurations of {batch} texts in one pass: at most {np.median(gain):.2f} times as fast "
            f"({gain.min():.2f} to {gain.max():.2f} over {len(drawn)} configurations)"
        )


if __name__ == "__main__":
    main()
