"""IncreLoRA as a method: which matrices grow, when, and what is stored of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from peft import LoraConfig, PeftConfig
from peft.tuners.lora import LoraLayer
from peft.tuners.tuners_utils import BaseTuner
from torch import Tensor
from typing_extensions import override

from autopeft.backbones import Anatomy
from autopeft.methods.increlora.config import IncreLoraConfig
from autopeft.methods.increlora.growing import Growing
from autopeft.methods.increlora.pace import Pace
from autopeft.methods.lora import LowRank
from autopeft.methods.method import Cells, Knobs, Start, learning_rate, shared_knob
from autopeft.methods.moment import Moment
from autopeft.space.shape import ROLES
from autopeft.space.vocabulary import Knob, MethodWords

__all__ = ["IncreLora"]

#: The adapter that is trained.
_NAME = "default"
#: Share of the steps after which the target is reached, where nothing says how many matrices grow at once.
_GROWN = 0.4


class IncreLora(LowRank):
    """IncreLoRA begins every matrix at rank 1 and opens more ranks where they matter most.

    The update is alpha / r * B diag(E) A with E = 0 at first, so that nothing changes. Every matrix also has some
    components in reserve, whose rows of A and columns of B train in advance at E = 1e-5. In every step of training a
    matrix has an importance, see `observed`; what ranks matrices is its moving average times that of its uncertainty.
    In each round the best open their reserve and get a new one, until the ranks are on average what was asked for; then
    reserves count no more, and none is stored. What a round brings in has a warm-up and a decay of its own, see `Pace`.

    The budget is that of all matrices at the target rank r, in components and in what A and B have of them, and no step
    exceeds either: the last round opens what is left, and a matrix whose components are too large is passed over. What
    it costs is that budget and n components in reserve at every matrix, which are there from the first step to the
    last: (r + n) (inputs + outputs) + r for each. That is exact where matrices are of one size and the target is
    reached, and the most it can be elsewhere.

    The release (FeiyuZhang98/IncreLoRA @51a2d73) warms up for 100 steps and has a round every 100 of 3,900 on RTE, and
    1,000 of 110,000 on MNLI, with so many matrices at once that a third of the training passes until the target is
    reached. Here these are shares of the steps, of at least one step, and as many matrices grow in each round as reach
    the target after 40 %. Unlike there, the growth of r takes nothing from what was learnt before (`growth: release`
    does as the release), and the budget is not overshot. With a batch in parts, the importances of these add up.
    """

    words = MethodWords(
        name="increlora",
        summary="low-rank products that begin at rank 1 and grow where they matter most",
        source="Zhang et al. 2023, arXiv:2308.12043",
        knobs=(
            Knob("rank", "int", "mean rank in the end", range="2..8 by x2", low=2, relative=("d", "f")),
            Knob("alpha", "float", "the product is scaled by alpha / r, r as it grows", default=32.0, low=1e-6),
            Knob(
                "reserves",
                "int",
                "ranks that a matrix has in reserve and opens at once; half the mean rank when left out",
                optional=True,
                low=1,
            ),
            Knob(
                "warmup",
                "float",
                "share of the steps before the first round, and in which the rate of what came in rises",
                default=0.05,
                low=0.0,
                high=0.9,
            ),
            Knob("interval", "float", "share of the steps between two rounds", default=0.025, low=0.0, high=0.9),
            Knob(
                "top",
                "int",
                "matrices that grow in a round; as many as reach the target after 40% of the steps when left out",
                optional=True,
                low=1,
            ),
            Knob(
                "growth",
                "choice",
                "release: with a rank comes a smaller scale, which takes from what was learnt; repaired: that is made "
                "up for",
                default="repaired",
                choices=("repaired", "release"),
            ),
            Knob("orthogonality", "float", "weight of the loss that keeps ranks apart", default=0.1, low=0.0),
            Knob("dropout", "float", "dropout of its inputs", default=0.0, low=0.0, high=0.95),
            Knob(
                "targets", "roles", "the matrices it adapts", default=("q", "k", "v", "o", "up", "down"), choices=ROLES
            ),
            learning_rate("3e-4..1e-2 log"),
        ),
        excludes=frozenset({"lora", "adalora", "kasa"}),
        alone=True,
    )
    start: Start = "exact"
    grows = True
    compressible = False

    @override
    def peft_config(self, cells: Cells, anatomy: Anatomy) -> LoraConfig:
        """Return a config over full module names; one of plain LoRA for what is stored, which has no reserves."""
        reserves = _reserves(next(iter(cells.values())))
        dropout = shared_knob(cells, "dropout")
        if not reserves:
            return self.config(cells, anatomy, lora_dropout=dropout)
        return self.config(cells, anatomy, IncreLoraConfig, lora_dropout=dropout, reserves=reserves)

    @override
    def stored(self, knobs: Knobs) -> Knobs:
        """Return the knobs of a plain LoRA."""
        return {**knobs, "reserves": 0}

    @override
    def stored_config(self, tuner: Any, cells: Cells, anatomy: Anatomy) -> PeftConfig:
        """Return the config of a plain LoRA with the ranks there are."""
        ranks = {name: layer.r[_NAME] for name, layer in _wrapped(tuner)}
        stored = {
            cell: {**self.stored(knobs), "rank": ranks[self.modules(cell, knobs, anatomy)[0]]}
            for cell, knobs in cells.items()
        }
        return self.peft_config(stored, anatomy)

    @override
    def stored_tensors(self, tuner: Any, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return the factors of that LoRA, without what is in reserve."""
        stored = dict(tensors)
        for name, growing in _growing(tuner):
            stored[_key(name, "lora_A.weight")], stored[_key(name, "lora_B.weight")] = (
                factor.detach() for factor in growing.folded()
            )
            del stored[_key(name, "lora_E")]
        return stored

    @override
    def shape_as(self, tuner: Any, tensors: Mapping[str, Tensor]) -> None:
        """Give each matrix of a plain LoRA the rank that was stored of it."""
        for name, layer in _wrapped(tuner):
            down, up = (tensors.get(_key(name, f"lora_{which}.weight")) for which in "AB")
            if down is None or up is None:
                continue
            for linear, like in ((layer.lora_A[_NAME], down), (layer.lora_B[_NAME], up)):
                linear.weight.data = linear.weight.new_zeros(like.shape)
                linear.out_features, linear.in_features = like.shape
            layer.r[_NAME] = len(down)
            layer.scaling[_NAME] = layer.lora_alpha[_NAME] / len(down)

    @override
    def training_state(self, tuner: Any) -> dict[str, Tensor]:
        """Return the ranks and what matrices are ranked by."""
        state = {}
        for name, growing in _growing(tuner):
            state[f"{name}.rank"] = torch.tensor(growing.rank)
            state[f"{name}.importance"], state[f"{name}.uncertainty"] = growing.importance, growing.uncertainty
        return state

    @override
    def resume(self, tuner: Any, state: Mapping[str, Tensor]) -> None:
        """Give matrices the ranks and the importance that they had."""
        for name, growing in _growing(tuner):
            growing.resize(int(state[f"{name}.rank"]))
            device = growing.down.device
            growing.importance = state[f"{name}.importance"].to(device)
            growing.uncertainty = state[f"{name}.uncertainty"].to(device)

    @override
    def penalty(self, tuner: BaseTuner, cells: Cells) -> Tensor | None:
        """Return the weighted mean distance from orthogonality, of reserves too while they count."""
        weight = shared_knob(cells, "orthogonality")
        terms = []
        for _, growing in _growing(tuner):
            rows = len(growing.down) if growing.watched else growing.rank
            for matrix in (growing.down[:rows], growing.up[:, :rows].T):
                terms.append(torch.linalg.norm(matrix @ matrix.T - torch.eye(rows, device=matrix.device)))
        return weight * torch.stack(terms).mean() if weight and terms else None

    @override
    def optimiser_settings(self, tuner: BaseTuner, cells: Cells) -> dict[str, Any]:
        """Return steps in which each component has its own age and learning rate."""
        dims = {parameter: dim for _, each in _growing(tuner) for parameter, dim in each.components().items()}
        return {"rule": Pace(dims)} if dims else {}

    @override
    def before_backward(self, tuner: BaseTuner, cells: Cells, moment: Moment) -> None:
        """Have the matrices' importance taken in the backward pass, until the target is reached."""
        grows = _Budget(tuner, cells).ranks > 0
        for _, growing in _growing(tuner):
            growing.watched = grows
        for group in moment.optimiser.param_groups:
            if isinstance(group.get("rule"), Pace):
                group["rule"].step, group["rule"].steps = moment.step, moment.steps
                group["rule"].rising = _steps(cells, "warmup", moment)

    @override
    def after_backward(self, tuner: BaseTuner, cells: Cells, moment: Moment) -> None:
        """Take the importance of this step into its moving average."""
        for _, growing in _growing(tuner):
            growing.watched = False
            growing.remember()

    @override
    def after_step(self, tuner: BaseTuner, cells: Cells, moment: Moment) -> None:
        """Let the best matrices grow when a round is due."""
        first, every = _steps(cells, "warmup", moment), _steps(cells, "interval", moment)
        if moment.step < first or (moment.step - first) % every or moment.step == moment.steps:
            return
        left, reserves = _Budget(tuner, cells), _reserves(next(iter(cells.values())))
        if left.ranks <= 0:
            return
        rounds = max(0, round(_GROWN * moment.steps) - moment.step) // every + 1
        top = shared_knob(cells, "top") or -(-left.ranks // (rounds * reserves))
        layers = [growing for _, growing in _growing(tuner)]
        worth = torch.stack([growing.worth for growing in layers]).nan_to_num(nan=-torch.inf).tolist()
        for index in sorted(range(len(layers)), key=lambda index: -worth[index]):
            count = min(reserves, left.of(layers[index]))
            if count > 0 and top > 0:
                top -= 1
                left.take(layers[index], count)
                rescaled = shared_knob(cells, "growth") == "repaired"
                layers[index].grow(count, moment.optimiser, moment.step, rescaled=rescaled)


class _Budget:
    """What may still be opened: in components, and in parameters of A and B.

    Args:
        tuner: What is in the model.
        cells: The places.
    """

    def __init__(self, tuner: BaseTuner, cells: Cells) -> None:
        layers, target = [growing for _, growing in _growing(tuner)], shared_knob(cells, "rank")
        self.ranks: int = sum(target - growing.rank for growing in layers)
        self._parameters: int = sum((target - growing.rank) * growing.size for growing in layers)
        if self._parameters < min((growing.size for growing in layers), default=0):
            self.ranks = 0

    def of(self, growing: Growing) -> int:
        """Return how many components a matrix may open."""
        return min(self.ranks, self._parameters // growing.size)

    def take(self, growing: Growing, count: int) -> None:
        """Note that a matrix opens so many."""
        self.ranks -= count
        self._parameters -= count * growing.size


def _reserves(knobs: Knobs) -> int:
    """Return how many components a matrix has in reserve: as published for mean ranks of 2, 4, 6 and 8, or as asked."""
    found: int = knobs["rank"] // 2 if knobs["reserves"] is None else knobs["reserves"]
    return found


def _steps(cells: Cells, knob: str, moment: Moment) -> int:
    """Return a share of the steps, at least one."""
    return max(1, round(shared_knob(cells, knob) * moment.steps))


def _wrapped(tuner: BaseTuner) -> Iterator[tuple[str, Any]]:
    """Yield the LoRA layers of a model with the full names of their matrices, in the model's order."""
    # PEFT shortens the names in its config where there are many.
    for path, layer in tuner.model.named_modules():
        if isinstance(layer, LoraLayer):
            yield path.replace(".base_layer", ""), layer


def _growing(tuner: BaseTuner) -> Iterator[tuple[str, Growing]]:
    """Yield what grows of each; nothing of a plain LoRA, as which it was stored."""
    for name, layer in _wrapped(tuner):
        variant = layer.lora_variant.get(_NAME)
        if isinstance(variant, Growing):
            yield name, variant


def _key(name: str, what: str) -> str:
    """Return the name of a stored tensor of a matrix."""
    return f"base_model.model.{name}.{what}"
