"""Steps from forward passes alone: no gradient is computed and nothing is remembered of a parameter."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, overload

import torch
from torch import Tensor, nn

from autopeft.space.vocabulary import Knob
from autopeft.space.word_knobs import WordKnob

__all__ = ["OPTIMISER", "ForwardOnly", "Spsa", "forward_only_knobs", "forward_only_of"]


@dataclass(frozen=True)
class _Estimate:
    """A way to make steps without gradients."""

    name: str
    source: str
    summary: str
    knobs: tuple[Knob, ...] = ()


_DENSE = _Estimate(
    "mezo", "Malladi et al. 2023, arXiv:2305.17333", "steps along a random direction, by the loss on either side"
)
_SPARSE = _Estimate(
    "sparse_mezo", "Liu et al. 2024, arXiv:2402.15751", "such steps of the smaller weights of each tensor alone"
)

#: The knob of training that says what makes steps.
OPTIMISER = WordKnob[_Estimate](
    "optimiser",
    "what makes steps: AdamW, or forward passes alone",
    {each.name: each for each in (_DENSE, _SPARSE)},
    nothing="adamw",
)

#: Numbers that are drawn at once; a large matrix is perturbed in pieces, so that little is held beside it.
_PIECE = 2**20


class Spsa(NamedTuple):
    """How gradients are estimated: by the difference of the loss at two opposite points.

    Args:
        pace: By what learning rates are multiplied.
        epsilon: How far the points are, in standard deviations of what is drawn.
        frozen: The share of each tensor that does not train, its largest weights at the start.
    """

    pace: float
    epsilon: float
    frozen: float = 0.0


def forward_only_knobs(excludes: tuple[str, ...]) -> Iterator[Knob]:
    """Yield the knobs of training that say what makes steps.

    Args:
        excludes: Methods that need gradients.
    """
    yield from OPTIMISER.knobs(excludes)
    every = (OPTIMISER.name, tuple(OPTIMISER.words))
    yield Knob(
        "mezo_pace",
        "float",
        "by what learning rates are multiplied where steps are forward-only",
        default=0.01,
        range="1e-3..1 log",
        low=1e-6,
        high=10.0,
        given=every,
    )
    yield Knob(
        "mezo_epsilon",
        "float",
        "how far apart the loss is measured",
        default=1e-3,
        range="1e-3 | 1e-2 | 1e-1",
        low=1e-6,
        high=1.0,
        given=every,
    )
    yield Knob(
        "mezo_frozen",
        "float",
        "the share of each tensor that does not train, its largest weights",
        default=0.75,
        range="0.5 | 0.75 | 0.8",
        low=0.0,
        high=0.99,
        given=(OPTIMISER.name, (_SPARSE.name,)),
    )


def forward_only_of(training: Mapping[str, Any]) -> Spsa | None:
    """Return how a configuration wants gradients estimated; None where it wants them computed.

    Args:
        training: The configuration's knobs of training.
    """
    if OPTIMISER.asked(training) is None:
        return None
    return Spsa(training["mezo_pace"], training["mezo_epsilon"], training.get("mezo_frozen", 0.0))


class ForwardOnly(torch.optim.Optimizer):
    """MeZO, and Sparse MeZO where some of each tensor is frozen.

    In each step one direction is drawn for all that trains; the loss is measured forth and back along it, and the step
    goes along it by the difference. What is drawn is never held: it is drawn again from the step's seed. Thresholds
    of a sparse one are taken at the first step and stay; its mask is that of the weights as they are before each step,
    so that one which grows above its threshold stops.

    Args:
        groups: Parameter groups with `params`, `lr` (which is multiplied by the pace) and maybe `origins`, as those of
            `AdapterAdamW`.
        spsa: How far apart, and what is frozen.
        seed: Seed of all directions.
        weight_decay: Of what moves, as AdamW's.
    """

    def __init__(self, groups: Sequence[dict[str, Any]], spsa: Spsa, seed: int, weight_decay: float = 0.0) -> None:
        own = [
            {
                "params": group["params"],
                "lr": spsa.pace * group["lr"],
                "weight_decay": group.get("weight_decay", weight_decay),
                "steps": 0,
            }
            for group in groups
        ]
        super().__init__(own, {"lr": spsa.pace, "weight_decay": weight_decay})
        self._spsa = spsa
        self._seed = seed
        # Code, which no checkpoint holds.
        self._origins = [group.get("origins") for group in groups]

    def forget(self, parameter: nn.Parameter) -> None:
        """Remember what there is: thresholds are those of the start."""

    @overload
    def step(self, closure: None = None) -> None: ...

    @overload
    def step(self, closure: Callable[[], Any]) -> float: ...

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> float | None:
        """Make a step and return the mean of the losses it saw; without what measures a loss nothing happens.

        Args:
            closure: Returns the loss of the model as it is.
        """
        if closure is None:
            return None
        steps = self.param_groups[0]["steps"]
        moving = [(group, each) for group in self.param_groups for each in group["params"] if each.requires_grad]
        parameters = [each for _, each in moving]
        masks = [self._mask(each) for each in parameters]
        seed, epsilon = hash((self._seed, steps)) % 2**63, self._spsa.epsilon
        self._move(parameters, masks, seed, [epsilon] * len(parameters))
        # What a loss leaves to chance, as how examples are mixed, must be the same both times.
        chance = torch.get_rng_state()
        forth = _measured(closure)
        self._move(parameters, masks, seed, [-2 * epsilon] * len(parameters))
        torch.set_rng_state(chance)
        back = _measured(closure)
        slope = (forth - back) / (2 * epsilon)
        # Where the loss is no number the weights are put back, and whoever looks at the loss sees it.
        slope = slope if math.isfinite(slope) else 0.0
        if all(group["weight_decay"] == 0 for group, _ in moving):
            self._move(parameters, masks, seed, [epsilon - group["lr"] * slope for group, _ in moving])
        else:
            self._move(parameters, masks, seed, [epsilon] * len(parameters))
            for (group, each), mask in zip(moving, masks, strict=True):
                origins = self._origins[next(n for n, other in enumerate(self.param_groups) if other is group)]
                pulled = each if origins is None else each + origins(each).to(each)
                each.sub_(pulled if mask is None else pulled * mask, alpha=group["lr"] * group["weight_decay"])
            self._move(parameters, masks, seed, [-group["lr"] * slope for group, _ in moving])
        for group in self.param_groups:
            group["steps"] = steps + 1
        return (forth + back) / 2

    def _mask(self, parameter: nn.Parameter) -> Tensor | None:
        """Return which of a tensor's weights may move, by what they are now; None for all."""
        if self._spsa.frozen == 0.0:
            return None
        state = self.state[parameter]
        if "threshold" not in state:
            count = max(1, math.floor((1 - self._spsa.frozen) * parameter.numel()))
            threshold = parameter.abs().flatten().kthvalue(count).values
            # What begins at 0, as LoRA's B does, has no small weights yet.
            state["threshold"] = torch.where(threshold > 0, threshold, torch.inf)
        return parameter.abs() <= state["threshold"]

    @staticmethod
    def _move(
        parameters: Sequence[nn.Parameter], masks: Sequence[Tensor | None], seed: int, lengths: Sequence[float]
    ) -> None:
        """Move along the direction of a seed."""
        generators: dict[torch.device, torch.Generator] = {}
        for parameter, mask, length in zip(parameters, masks, lengths, strict=True):
            device = parameter.device
            if device not in generators:
                generators[device] = torch.Generator(device).manual_seed(seed)
            # A start from a decomposition may have left a transposed view.
            parameter.data = parameter.data.contiguous()
            flat = parameter.data.view(-1)
            for start in range(0, len(flat), _PIECE):
                piece = flat[start : start + _PIECE]
                drawn = torch.randn(len(piece), generator=generators[device], device=device, dtype=piece.dtype)
                if mask is not None:
                    drawn *= mask.view(-1)[start : start + _PIECE]
                piece.add_(drawn, alpha=length)


def _measured(closure: Callable[[], Any]) -> float:
    """Return a loss; casts of what trains, which autocast keeps for a backward pass, are not kept."""
    kept = torch.is_autocast_cache_enabled()
    torch.set_autocast_cache_enabled(False)
    try:
        return float(closure())
    finally:
        torch.set_autocast_cache_enabled(kept)
