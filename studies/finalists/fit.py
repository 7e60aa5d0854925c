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
        if len(files) > 1:
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
    variances, weights = [], []
    for scores in trained:
        seeds, count = scores.shape
        rest = scores - scores.mean(axis=0) - scores.mean(axis=1, keepdims=True) + scores.mean()
        sampling = (rest**2).sum() / ((seeds - 1) * (count - 1)) / count
        slope = norm.pdf(norm.ppf(scores.mean()))
        variances.append((scores.mean(axis=1).var(ddof=1) - sampling) / slope**2)
        weights.append(seeds - 1)
    luck = float(np.sqrt(max(np.average(variances, weights=weights), 0.0)))
    within = np.mean([_shared(one, other) for each in trained for one, other in combinations(each, 2)])
    between = np.mean([_shared(one[0], other[0]) for one, other in combinations(trained, 2)])
    # Of so few seeds nothing can be said of how luck differs; half a natural logarithm is a factor of 1.6.
    return Noise(round(luck, 4), 0.5, round(float(between), 3), round(float(within - between), 3))


def _shared(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Return the tetrachoric correlation of two trainings over the same examples."""
    levels = [norm.ppf(each.mean()) for each in (one, other)]
    both = (one * other).mean()

    def surplus(correlation: float) -> float:
        covariance = [[1.0, correlation], [correlation, 1.0]]
        return float(multivariate_normal.cdf(levels, cov=covariance)) - both

    return float(brentq(surplus, -0.99, 0.999, xtol=1e-3))


if __name__ == "__main__":
    main()
