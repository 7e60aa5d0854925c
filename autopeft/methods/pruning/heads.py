"""Attention heads pruned whole, as many in each layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from typing_extensions import override

from autopeft.methods.pruning.matrices import Heads, Matrix, of_layers
from autopeft.methods.pruning.pruning import AT, Pruning, Saved, Weights
from autopeft.space.vocabulary import Knob

__all__ = ["DroppedHeads"]


class DroppedHeads(Pruning):
    """The heads of each layer beside whose queries and values least was learned (Chen et al. 2021, section 3.3).

    Summed is the magnitude of what was learned (VITA-Group/DSEE @61844c3, `run_glue_prune_with_WAB_heads.py`); where
    nothing was, or heads cannot be told apart there, that of the output's weights.
    """

    name = "heads"
    source = "Chen et al. 2021, arXiv:2111.00160"
    summary = "attention heads become 0, in each layer those beside whose queries and values least was learned"
    knobs = (Knob("count", "int", "how many heads of each layer", default=3, range="1 | 2 | 3 | 4", low=1), AT)

    @override
    def choose(
        self, weights: Weights, matrices: Sequence[Matrix], heads: Heads, knobs: Mapping[str, Any]
    ) -> dict[str, Tensor]:
        """Return a mask of the heads of each layer, under the name of the output of its attention."""
        found: dict[str, Tensor] = {}
        for output in of_layers(matrices, "o"):
            layer = [each for each in matrices if each.layer == output.layer]
            scores = torch.zeros(heads.count)
            for role, groups in () if heads.fused else (("q", heads.count), ("v", heads.keys)):
                [matrix] = [each for each in layer if each.role == role]
                update = weights.update(matrix.name)
                if update is not None:
                    scores += _by_head(update.float().abs().sum(dim=1), groups, heads)
            if not scores.any():
                scores = _by_head(weights.weight(output.name).float().abs().sum(dim=0), heads.count, heads)
            mask = torch.zeros(heads.count, dtype=torch.bool)
            mask[scores.cpu().topk(knobs["count"], largest=False).indices] = True
            found[output.name] = mask
        return found

    @override
    def shapes(self, matrices: Sequence[Matrix], heads: Heads) -> dict[str, tuple[int, ...]]:
        """Return those of the heads of each layer."""
        return {each.name: (heads.count,) for each in of_layers(matrices, "o")}

    @override
    def check(
        self, chosen: Mapping[str, Tensor], matrices: Sequence[Matrix], heads: Heads, knobs: Mapping[str, Any]
    ) -> None:
        """Check how many heads of each layer are gone."""
        for name, mask in chosen.items():
            if int(mask.sum()) != knobs["count"]:
                raise ValueError(f"{int(mask.sum())} heads of {name} are gone where {knobs['count']} should be")

    @override
    def saved(self, matrices: Sequence[Matrix], heads: Heads, knobs: Mapping[str, Any], tokens: int) -> Saved:
        """Return the rows and columns of heads, and what these and attention compute; of shared ones their own."""
        count = knobs["count"]
        if count >= heads.count:
            raise ValueError(f"training.heads_count: found {count}, and there are {heads.count} heads; expected fewer")
        outputs = of_layers(matrices, "o")
        zeros = flops = 0
        for output in outputs:
            width = count * output.inputs // heads.count
            beside = [each for each in matrices if each.layer == output.layer and each.role in heads.own()]
            weights = width * output.outputs + sum(width * each.inputs for each in beside)
            zeros += weights
            # Products with weights for each token, and twice one of each two tokens: scores, and what they weigh.
            flops += 2 * tokens * weights + 2 * 2 * tokens * tokens * width
        return Saved(zeros, sum(8 * -(-heads.count // 8) for _ in outputs), flops)


def _by_head(values: Tensor, groups: int, heads: Heads) -> Tensor:
    """Add up the values of each of so many groups of rows or columns; what several heads share counts for each."""
    return values.cpu().reshape(groups, -1).sum(dim=1).repeat_interleave(heads.count // groups)
