"""Fit how trainings differ to what the finalists of a run left in its folder.

autopeft search --budget 1% --out runs/finalists
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
from scipy.special import digamma, polygamma
from scipy.stats import multivariate_normal, norm

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
    noise = fit(list(trained.values()))
    accuracies = {name: scores.mean(axis=1).round(4).tolist() for name, scores in trained.items()}
    NOISE.write_text(json.dumps({"noise": asdict(noise), "validation": accuracies}, indent=1) + "\n", encoding="utf8")
    print(noise)


def fit(trained: Sequence[NDArray[np.float64]]) -> Noise:
    """Fit the noise to right and wrong answers.

    Args:
        trained: For each configuration `[seeds, examples]`, two seeds or more.
    """
    variances, logarithms, freedom = [], [], []
    for scores in trained:
        seeds, count = scores.shape
        rest = scores - scores.mean(axis=0) - scores.mean(axis=1, keepdims=True) + scores.mean()
        sampling = (rest**2).sum() / ((seeds - 1) * (count - 1)) / count
        between_seeds = scores.mean(axis=1).var(ddof=1)
        slope = norm.pdf(norm.ppf(scores.mean()))
        variances.append((between_seeds - sampling) / slope**2)
        logarithms.append(np.log(between_seeds) / 2)
        freedom.append(seeds - 1)
    mean_square = max(np.average(variances, weights=freedom), 0.0)
    spread = _spread(np.array(logarithms), np.array(freedom))
    # The mean square of a log-normal standard deviation is exp(2 spread^2) times that of its median.
    luck = float(np.sqrt(mean_square) * np.exp(-(spread**2)))
    within = np.mean([_shared(one, other) for each in trained for one, other in combinations(each, 2)])
    between = np.mean([_shared(one[0], other[0]) for one, other in combinations(trained, 2)])
    return Noise(round(luck, 4), round(float(spread), 3), round(float(between), 3), round(float(within - between), 3))


def _spread(logarithms: NDArray[np.float64], freedom: NDArray[np.int64]) -> float:
    """Return how much the logarithms of true standard deviations differ, given those of estimated ones, by moments.

    A logarithm of an estimate has a bias and a variance of its own, which depend on its degrees of freedom alone.
    """
    unbiased = logarithms - (digamma(freedom / 2) - np.log(freedom / 2)) / 2
    by_chance = polygamma(1, freedom / 2) / 4
    shares = freedom / freedom.sum()
    squares = shares @ (unbiased - shares @ unbiased) ** 2
    return float(np.sqrt(max(squares - shares @ ((1 - shares) * by_chance), 0.0) / (1 - shares @ shares)))


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
