"""Fit how trainings differ to what the finalists of a run left in its folder, and to our table's second seeds.

autopeft search --task icd10 --budget 1% --out runs/finalists
python -m studies.finalists.fit runs/finalists
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict
from itertools import combinations
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.stats import multivariate_normal, norm

from studies.finalists.tables import repeats
from studies.finalists.world import NOISE, Noise

__all__ = ["fit"]


def main() -> None:
    """Fit and write the noise, with the accuracies it was fitted to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, help="run folder with finalists")
    folder = parser.parse_args().run / "finalists"
    trained = {}
    for contender in sorted(folder.iterdir()):
        files = sorted(contender.glob("seed-*/validation.npy"))
        if len(files) > 1 and contender.name != "head":  # whose luck is set apart in a `World`
            trained[contender.name] = np.array([np.load(file) for file in files])
    noise = fit(list(trained.values()), repeats())
    accuracies = {name: scores.mean(axis=1).round(4).tolist() for name, scores in trained.items()}
    NOISE.write_text(json.dumps({"noise": asdict(noise), "validation": accuracies}, indent=1) + "\n", encoding="utf8")
    print(noise)


def fit(trained: Sequence[NDArray[np.float64]], repeated: Sequence[NDArray[np.float64]] = ()) -> Noise:
    """Fit the noise to right and wrong answers, and to accuracies on as many examples.

    Args:
        trained: For each configuration `[seeds, examples]`, two seeds or more.
        repeated: For each of other configurations its accuracies, `[seeds]`, two or more.
    """
    sampling = np.mean([_interaction(scores) / scores.shape[1] for scores in trained])
    accuracies = [*(scores.mean(axis=1) for scores in trained), *repeated]
    freedom = np.array([len(each) - 1 for each in accuracies])
    slopes = np.array([norm.pdf(norm.ppf(each.mean())) for each in accuracies])
    variances = np.array([each.var(ddof=1) for each in accuracies]) / slopes**2
    weights = freedom / freedom.sum()
    mean_square = max(weights @ (variances - sampling / slopes**2), 0.0)
    # For a log-normal standard deviation E[sd^4] / E[sd^2]^2 = exp(4 spread^2), and the square of a variance estimated
    # with f degrees of freedom is too large by 1 + 2 / f on average.
    heavier = weights @ (variances**2 / (1 + 2 / freedom)) / (weights @ variances) ** 2
    spread = float(np.sqrt(max(np.log(heavier), 0.0) / 4))
    # E[sd^2] = exp(2 spread^2) median^2.
    luck = float(np.sqrt(mean_square) * np.exp(-(spread**2)))
    within = np.mean([_shared(one, other) for each in trained for one, other in combinations(each, 2)])
    between = np.mean([_shared(one[0], other[0]) for one, other in combinations(trained, 2)])
    return Noise(
        luck=round(luck, 4),
        luck_spread=round(spread, 3),
        common=round(float(between), 3),
        own=round(float(within - between), 3),
    )


def _interaction(scores: NDArray[np.float64]) -> float:
    """Return the variance of what is left of `[seeds, examples]` without the effects of both."""
    seeds, count = scores.shape
    rest = scores - scores.mean(axis=0) - scores.mean(axis=1, keepdims=True) + scores.mean()
    return float((rest**2).sum() / ((seeds - 1) * (count - 1)))


def _shared(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Return the tetrachoric correlation of two trainings over the same examples."""
    levels = [norm.ppf(each.mean()) for each in (one, other)]
    both = (one * other).mean()

    def surplus(correlation: float) -> float:
        covariance = [[1.0, correlation], [correlation, 1.0]]
        return float(multivariate_normal.cdf(levels, cov=covariance)) - both

    lowest, highest = -0.99, 0.999
    return highest if surplus(highest) < 0 else float(brentq(surplus, lowest, highest, xtol=1e-3))


if __name__ == "__main__":
    main()
