"""How the best learning rate of LoRA moves with a decoder's width and the rank, from 548 recorded runs.

    python -m studies.decoders.widths       # prints the tables of README.md

Reads `../shared/data/tables/tinker-sft-sweep.jsonl` (35 decoders; thinking-machines-lab/tinker-cookbook, Apache-2.0),
where alpha is 32 at every rank, and the widths of the models in `widths.tsv`.
"""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.stats import norm

__all__ = ["Curve", "curves", "fit"]

_SWEEP = Path(__file__).parents[2].parent / "shared" / "data" / "tables" / "tinker-sft-sweep.jsonl"
_WIDTHS = Path(__file__).parent / "widths.tsv"

#: What widths and ranks are relative to.
_WIDTH, _RANK = 2048, 16

#: The rate at which runs that are not listed diverged.
_DIVERGED = 3e-3

_DRAWS = 400


@dataclass(frozen=True)
class Curve:
    """Losses of one model at one rank over learning rates.

    Args:
        model: Its name.
        width: Width of its hidden states.
        rank: The rank.
        rates: Decadic logarithms of the learning rates, ascending, `[n]`.
        losses: Mean losses on test, `[n]`.
    """

    model: str
    width: int
    rank: int
    rates: NDArray[np.float64]
    losses: NDArray[np.float64]

    @property
    def best(self) -> tuple[float, float]:
        """Between which logarithms the best rate lies: the same where it is known.

        Where the highest rate tried is the best, that of all lies between the middle of the last two and what diverged.
        """
        place = int(self.losses.argmin())
        if place == 0:
            return -np.inf, float(self.rates[:2].mean())
        if place == len(self.rates) - 1:
            return float(self.rates[-2:].mean()), float(np.log10(_DIVERGED))
        top = _top(*self._around(place))
        return top, top

    def lost(self, rate: float) -> float:
        """Return how much higher the loss is at a rate (its logarithm) than at the best, by parabolas through three."""
        within = float(np.clip(rate, self.rates[0], self.rates[-1]))
        place = int(np.clip(np.abs(self.rates - within).argmin(), 1, len(self.rates) - 2))
        lowest = int(np.clip(self.losses.argmin(), 1, len(self.rates) - 2))
        best = float(self.losses.min())
        if 0 < self.losses.argmin() < len(self.rates) - 1:
            best = float(np.polyval(np.polyfit(*self._around(lowest), 2), self.best[0]))
        return float(np.polyval(np.polyfit(*self._around(place), 2), within)) - best

    def _around(self, place: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        return self.rates[place - 1 : place + 2], self.losses[place - 1 : place + 2]


def main() -> None:
    """Print how good rates follow from widths and ranks, and what each rule loses."""
    found = curves()
    print(f"{len(found)} curves of {len({each.model for each in found})} models")
    print("\n| decoders | models | centre | exponent of the width | exponent of the rank | best above all tried |")
    print("| --- | --- | --- | --- | --- | --- |")
    for name, some in {"all": found, **_families(found)}.items():
        models = sorted({each.model for each in some})
        rng = np.random.default_rng(0)
        draws = np.array([fit(_drawn(some, rng.choice(models, len(models)))) for _ in range(_DRAWS)])
        cells = [_with_error(*each) for each in zip(fit(some)[1:], draws[:, 1:].std(axis=0), strict=True)]
        above = np.mean([each.best[0] < each.best[1] and np.isfinite(each.best[0]) for each in some])
        print(f"| {name} | {len(models)} | {10 ** fit(some)[0]:.2g} | {' | '.join(cells)} | {above:.0%} |")
    print("\n| rule | loss above that of the best rate: mean | median | worst model |\n| --- | --- | --- | --- |")
    for name, rule in _RULES.items():
        print(f"| {name} | {' | '.join(f'{each:.4f}' for each in _regret(found, rule))} |")


def curves() -> list[Curve]:
    """Return the curve of each model and rank with three learning rates or more."""
    with _WIDTHS.open(encoding="utf8") as file:
        widths = {row["model"]: int(row["width"]) for row in csv.DictReader(file, delimiter="\t")}
    cells: dict[tuple[str, int], dict[float, list[float]]] = defaultdict(lambda: defaultdict(list))
    for line in _SWEEP.read_text(encoding="utf8").splitlines():
        row = json.loads(line)
        cells[row["model"], row["rank"]][row["learning_rate"]].append(row["test_nll"])
    found = []
    for (model, rank), by_rate in sorted(cells.items()):
        rates = sorted(by_rate)
        if len(rates) >= 3:
            losses = np.array([np.mean(by_rate[rate]) for rate in rates])
            found.append(Curve(model, widths[model], rank, np.log10(rates), losses))
    return found


def fit(found: Sequence[Curve], exponents: tuple[float | None, float | None] = (None, None)) -> NDArray[np.float64]:
    """Fit the logarithm of the best rate as a line in those of width and rank: centre, two slopes.

    Rates of which only the ends are known between which they lie count so (a censored regression, Tobin 1958).

    Args:
        found: Whose best rates.
        exponents: Slopes that are given; None where they are fitted.
    """
    lowest, highest = np.array([each.best for each in found]).T
    known = lowest == highest
    columns = _columns(found)
    free = np.array([True, *(each is None for each in exponents)])
    given = np.array([0.0, *(each or 0.0 for each in exponents)])

    def whole(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(given + np.eye(3)[:, free] @ weights[:-1])

    def surprise(weights: NDArray[np.float64]) -> float:
        spread = np.exp(weights[-1])
        low, high = ((end - columns @ whole(weights)) / spread for end in (lowest, highest))
        between = np.log(np.maximum(norm.cdf(high) - norm.cdf(low), 1e-300))
        return -float(np.where(known, norm.logpdf(high) - weights[-1], between).sum())

    middle = np.where(np.isfinite(lowest), (lowest + highest) / 2, highest)
    start = np.append(np.linalg.lstsq(columns[:, free], middle - columns @ given, rcond=None)[0], np.log(0.2))
    return whole(minimize(surprise, start, method="Nelder-Mead", options={"maxiter": 4000}).x)


def _top(rates: NDArray[np.float64], losses: NDArray[np.float64]) -> float:
    curve = np.polyfit(rates, losses, 2)
    return float(-curve[1] / curve[0] / 2)


def _columns(found: Sequence[Curve]) -> NDArray[np.float64]:
    return np.array([(1.0, np.log10(each.width / _WIDTH), np.log10(each.rank / _RANK)) for each in found])


def _families(found: Sequence[Curve]) -> dict[str, list[Curve]]:
    families: dict[str, list[Curve]] = defaultdict(list)
    for each in found:
        families[each.model.split("/")[0]].append(each)
    return {name: some for name, some in families.items() if len({each.width for each in some}) > 1}


def _drawn(found: Sequence[Curve], models: Sequence[str]) -> list[Curve]:
    return [each for model in models for each in found if each.model == model]


def _with_error(value: float, error: float) -> str:
    return f"{value:.2f} ± {1.96 * error:.2f}"


#: Rules by which a rate at alpha 32 follows from width and rank: their exponents, None where fitted to other models.
_RULES: dict[str, tuple[float | None, float | None]] = {
    "one rate for all": (0.0, 0.0),
    "by the width": (None, 0.0),
    "by the width, with an exponent of -0.78": (-0.78, 0.0),
    "by width and rank": (None, None),
    "by width and rank, -0.78 and 0.22": (-0.78, 0.22),
    "by the width; one rate at alpha = 2r": (None, 1.0),
}


def _regret(found: Sequence[Curve], exponents: tuple[float | None, float | None]) -> tuple[float, float, float]:
    """Return what a rule loses that is fitted to all models but one, on that: mean, median and most of the models."""
    lost = []
    for model in sorted({each.model for each in found}):
        own = [each for each in found if each.model == model]
        rates = _columns(own) @ fit([each for each in found if each.model != model], exponents)
        lost.append(float(np.mean([each.lost(rate) for each, rate in zip(own, rates, strict=True)])))
    return float(np.mean(lost)), float(np.median(lost)), max(lost)


if __name__ == "__main__":
    main()
