"""ID3: weights are opened step by step, where the gradient is large beside the weight."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch
from peft.tuners.tuners_utils import BaseTuner
from torch import Tensor
from typing_extensions import override

from autopeft.backbones import Anatomy
from autopeft.methods.method import Cells, learning_rate, shared_knob
from autopeft.methods.moment import Moment
from autopeft.methods.sparse.aged_adam import aged_adam
from autopeft.methods.sparse.choosing import best, best_of_all
from autopeft.methods.sparse.layer import SparseLinear
from autopeft.methods.sparse.method import SparseMethod, density, targets
from autopeft.methods.sparse.resizing import exchange
from autopeft.space.vocabulary import Knob, MethodWords

__all__ = ["Id3"]


class _Shortlist:
    """Tells in each part of a batch which positions of a matrix may be among the best of all matrices.

    Args:
        count: How many are the best.
    """

    def __init__(self, count: int) -> None:
        self._count = count
        self._part = 0
        self._scores = torch.empty(0)

    def of(self, scores: Tensor, part: int) -> Tensor:
        """Return the positions whose scores the matrices before have not surpassed already.

        Args:
            scores: Those of a matrix, flat.
            part: Number of the part of the batch, from 1.
        """
        if part != self._part:
            self._part, self._scores = part, scores.new_empty(0)
        if len(self._scores) < self._count:
            found = best(scores, self._count)
        else:
            # Almost all are passed over by a comparison, which takes far less than ranking them.
            level = (scores >= self._scores.min()).nonzero().flatten()
            found = level[best(scores[level], self._count)]
        found = found[scores[found] > -torch.inf]
        every = torch.cat([self._scores, scores[found]])
        self._scores = every.topk(min(self._count, len(every))).values
        return found


@dataclass
class _Candidates:
    """The closed positions of a matrix that may open in a step.

    Args:
        positions: The positions.
        gradients: Their gradients so far.
        scores: What they are ranked by.
    """

    positions: Tensor | None = None
    gradients: Tensor = field(default_factory=lambda: torch.empty(0))
    scores: Tensor = field(default_factory=lambda: torch.empty(0))


class Id3(SparseMethod):
    """Step by step unmasking: in each of T steps B / T closed weights open, those of largest |g| / (|w| + eps)^p.

    All matrices are ranked together, and what is open stays so. Adam begins with empty moments for what opens, and its
    step counter is shared, as in the release (Aradhye2002/selective-peft-toolkit @f87e338), so that what opens late
    begins with up to three learning rates, unless each has an age of its own; unlike there, ties never open more than
    the quota, and a quota of none opens none. Where a batch goes through the model in parts, those that
    are best in a part are candidates, and their gradients count from the part on in which they first were.
    """

    words = MethodWords(
        name="id3",
        summary="scalars that open step by step, where the gradient is large beside the weight",
        source="Agarwal et al. 2024, arXiv:2408.14470",
        knobs=(
            density(placed=False),
            Knob("power", "float", "how much the size of a weight counts against it", default=0.0, low=0.0, high=4.0),
            Knob("eps", "float", "what is added to the size of a weight", default=1e-3, low=1e-9),
            Knob("aged", "bool", "whether Adam counts the steps of each scalar from its opening on", default=False),
            targets,
            learning_rate("1e-4..1e-2 log"),
        ),
        alone=True,
    )
    grows = True
    compressible = False

    @override
    def freeze(self, tuner: BaseTuner, cells: Cells, anatomy: Anatomy, prepared: Any) -> None:
        """Close all positions; how many will open is known."""
        layers = [layer for _, layer in self.layers(tuner)]
        tuner.autopeft_quota = sum(len(layer.values) for layer in layers)
        for layer in layers:
            if not layer.values.is_meta:
                layer.place(layer.positions[:0])

    @override
    def optimiser_settings(self, tuner: BaseTuner, cells: Cells) -> dict[str, Any]:
        """Return that the weights themselves decay, and how steps are counted."""
        counting = {"rule": aged_adam} if shared_knob(cells, "aged") else {}
        return {**super().optimiser_settings(tuner, cells), **counting}

    @override
    def before_backward(self, tuner: BaseTuner, cells: Cells, moment: Moment) -> None:
        """Have the closed positions ranked in the backward pass."""
        opens = self._opens(tuner, moment)
        knobs = next(iter(cells.values()))
        tuner.autopeft_candidates, shortlist = {}, _Shortlist(opens)
        for name, layer in self.layers(tuner):
            layer.watch = None
            if opens:
                candidates = tuner.autopeft_candidates[name] = _Candidates()
                layer.watch = _Ranking(layer, candidates, shortlist, knobs["power"], knobs["eps"])

    @override
    def after_backward(self, tuner: BaseTuner, cells: Cells, moment: Moment) -> None:
        """Open the best of all matrices; they take part in this step."""
        found = {name: each for name, each in tuner.autopeft_candidates.items() if each.positions is not None}
        if not found:
            return
        layers = dict(self.layers(tuner))
        chosen = best_of_all({name: each.scores for name, each in found.items()}, self._opens(tuner, moment))
        for name, which in chosen.items():
            layer, candidates = layers[name], found[name]
            layer.watch = None
            exchange(
                layer,
                moment.optimiser,
                torch.arange(len(layer.values), device=which.device),
                candidates.positions[which],
                gradients=candidates.gradients[which],
            )

    @staticmethod
    def _opens(tuner: BaseTuner, moment: Moment) -> int:
        """Return how many positions open in a step: as even a share of all as there is, the first steps one more."""
        even, more = divmod(int(tuner.autopeft_quota), moment.steps)
        return even + (moment.step <= more)


class _Ranking:
    """Ranks the closed positions of a matrix by its gradient.

    Args:
        layer: The layer of the matrix.
        candidates: Where the best are kept.
        shortlist: Says which are.
        power: How much the size of a weight counts.
        eps: What is added to it.
    """

    def __init__(
        self, layer: SparseLinear, candidates: _Candidates, shortlist: _Shortlist, power: float, eps: float
    ) -> None:
        self._layer = layer
        self._candidates = candidates
        self._shortlist = shortlist
        self._part = 0
        self._power = power
        self._eps = eps

    def __call__(self, gradient: Tensor, weight: Tensor) -> None:
        """Keep the best of the closed positions, those that were kept of an earlier part of the batch among them."""
        total, kept = gradient.flatten(), self._candidates
        if kept.positions is not None:
            total = total.index_put((kept.positions,), kept.gradients, accumulate=True)
        scores = total.abs()
        if self._power:
            scores /= (weight.flatten().float().abs() + self._eps) ** self._power
        scores[self._layer.positions] = -torch.inf
        self._part += 1
        positions = self._shortlist.of(scores, self._part)
        if kept.positions is not None:
            positions = torch.cat([positions, kept.positions]).unique()
        kept.positions, kept.gradients, kept.scores = positions, total[positions], scores[positions]
