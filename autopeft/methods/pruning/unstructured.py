"""Weights pruned one by one, the smallest of two groups of matrices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from typing_extensions import override

from autopeft.methods.pruning.matrices import Heads, Matrix
from autopeft.methods.pruning.pruning import AT, Pruning, Saved, Weights
from autopeft.space.vocabulary import Knob

__all__ = ["Unstructured"]

#: The roles of the second group, whose weights are ranked by what adapters learned; the others are ranked by size.
_SECOND = ("q", "v", "qkv")


class Unstructured(Pruning):
    """The same share of two groups, of each over all layers together (Chen et al. 2021, section 3.3).

    Queries and values are one group, ranked by what was learned beside them unless `score` says otherwise; all other
    matrices of the layers, keys, outputs and the feed-forward part, are the other, ranked by magnitude (VITA-Group/DSEE
    @61844c3, `run_glue_prune_with_WAB.py`). What nothing was learned beside is ranked by magnitude.
    """

    name = "unstructured"
    source = "Chen et al. 2021, arXiv:2111.00160"
    summary = (
        "weights become 0 one by one, those of queries and values beside which least was learned, else the smallest"
    )
    knobs = (
        Knob(
            "share",
            "float",
            "the share of either group that becomes 0",
            default=0.2,
            range="10% | 20% | 30% | 50%",
            low=0.0,
            high=0.95,
        ),
        Knob(
            "score",
            "choice",
            "by what queries and values are ranked: what was learned, the weight, their sum, or chance",
            default="update",
            choices=("update", "weight", "sum", "random"),
        ),
        AT,
    )

    @override
    def choose(
        self, weights: Weights, matrices: Sequence[Matrix], heads: Heads, knobs: Mapping[str, Any]
    ) -> dict[str, Tensor]:
        """Return the masks of all matrices."""
        found: dict[str, Tensor] = {}
        for group, score in ((False, "weight"), (True, knobs["score"])):
            members = [each for each in matrices if (each.role in _SECOND) is group]
            scores = [_scores(weights, each, score).abs().flatten().cpu() for each in members]
            mask = _smallest(torch.cat(scores), _zeros(sum(map(len, scores)), knobs)) if scores else torch.zeros(0)
            for each, own in zip(members, mask.split([each.size for each in members]), strict=True):
                found[each.name] = own.reshape(each.outputs, each.inputs)
        return found

    @override
    def shapes(self, matrices: Sequence[Matrix], heads: Heads) -> dict[str, tuple[int, ...]]:
        """Return those of all matrices."""
        return {each.name: (each.outputs, each.inputs) for each in matrices}

    @override
    def check(
        self, chosen: Mapping[str, Tensor], matrices: Sequence[Matrix], heads: Heads, knobs: Mapping[str, Any]
    ) -> None:
        """Check the share of either group."""
        for group in (False, True):
            members = [each for each in matrices if (each.role in _SECOND) is group]
            found = sum(int(chosen[each.name].sum()) for each in members)
            expected = _zeros(sum(each.size for each in members), knobs)
            if found != expected:
                raise ValueError(f"{found:,} weights are 0 where {expected:,} should be")

    @override
    def saved(self, matrices: Sequence[Matrix], heads: Heads, knobs: Mapping[str, Any], tokens: int) -> Saved:
        """Return the zeros, and a bit for each weight; a matrix with zeros here and there takes as long as ever."""
        sizes = [sum(each.size for each in matrices if (each.role in _SECOND) is group) for group in (False, True)]
        bits = sum(8 * -(-each.size // 8) for each in matrices)
        return Saved(sum(_zeros(size, knobs) for size in sizes), bits, 0)


def _smallest(values: Tensor, count: int) -> Tensor:
    """Return a mask of so many of the smallest values; of equal ones the first are taken."""
    mask = torch.zeros(len(values), dtype=torch.bool)
    if not count:
        return mask
    threshold = values.kthvalue(count).values
    mask = values < threshold
    ties = (values == threshold).nonzero().flatten()
    mask[ties[: count - int(mask.sum())]] = True
    return mask


def _zeros(size: int, knobs: Mapping[str, Any]) -> int:
    return round(size * knobs["share"])


def _scores(weights: Weights, matrix: Matrix, score: str) -> Tensor:
    if score == "random":
        return torch.rand(matrix.size, generator=weights.generator)
    weight = weights.weight(matrix.name).float()
    update = None if score == "weight" else weights.update(matrix.name)
    if update is None or not update.any():
        return weight
    return update.float() if score == "update" else weight + update.float()
