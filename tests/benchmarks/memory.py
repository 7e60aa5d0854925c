"""Error of predicted peak memory on fresh configurations: `python -m tests.benchmarks.memory --space default`.

The model learns from the configurations that a search would measure first, and predicts others drawn at random.
"""

import argparse

import numpy as np

from autopeft.launch import SearchPlan, prepare
from autopeft.launch.calibration import Calibration, to_measure
from autopeft.launch.prices import Prices
from autopeft.samplers import AffordablePoints


def main() -> None:
    """Print the error where it was fitted and on the draws."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--space", default="default")
    parser.add_argument("--count", type=int, default=40)
    given = parser.parse_args()
    job = prepare(SearchPlan.of({"space": given.space, "task": "icd10"}))
    points = AffordablePoints(job.space, job.costs.price, job.scale.limit)
    chosen = to_measure(points, job.prices.features, [job.stock])
    runner = job.job.runner()
    steps = [runner.profile(each, 0) for each in chosen]
    measured = {"steps": [{"peak": step.peak, "seconds": step.seconds} for step in steps], "head_step_seconds": 1.0}
    calibration = Calibration.of(chosen, measured, job.prices.features, job.costs.held)
    prices = Prices(("memory",), job.costs, job.backbone.anatomy, calibration)
    rng = np.random.default_rng(1)
    drawn = [points.draw(rng).configuration for _ in range(given.count)]
    errors = [abs(prices.memory(each) / runner.profile(each, 0).peak - 1) for each in drawn]
    model = prices.calibration.memory if prices.calibration else None
    assert model is not None
    print(
        f"space {given.space}: {len(chosen)} configurations measured, {model.typical_error:.1%} off in the median and "
        f"{model.largest_error:.1%} at most when predicted from each other; {given.count} fresh draws: "
        f"{np.median(errors):.1%} in the median, {max(errors):.1%} at most"
    )


if __name__ == "__main__":
    main()
