"""SFT: positions drop out where the change is least, and others grow in, by gradients (AG) or by SM3's moments (MA)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from peft.tuners.tuners_utils import BaseTuner
from torch import Tensor
from typing_extensions import override

from autopeft.backbones import Anatomy
from autopeft.methods.method import Cells, learning_rate, shared_knob
from autopeft.methods.moment import Moment
from autopeft.methods.sparse.aged_adam import aged_adam
from autopeft.methods.sparse.choosing import best
from autopeft.methods.sparse.layer import SparseLinear
from autopeft.methods.sparse.method import SparseMethod, density, targets
from autopeft.methods.sparse.resizing import exchange
from autopeft.methods.sparse.sm3 import expected, sm3
from autopeft.space.vocabulary import Knob, MethodWords

__all__ = ["SftAg", "SftMa"]

_SOURCE = "Ansell et al. 2024, arXiv:2401.16405"


def _knobs(rates: str, *more: Knob) -> tuple[Knob, ...]:
    return (
        density(0.01, placed=False),
        Knob("every", "int", "steps between two choices", default=20, range="10..100 by x2", low=2),
        Knob("share", "float", "share of the scalars that is replaced at first", default=0.2, low=0.0, high=1.0),
        Knob(
            "policy",
            "choice",
            "how that share falls to 0",
            default="linear",
            choices=("linear", "cosine"),
        ),
        *more,
        targets,
        learning_rate(rates),
    )


class _Sft(SparseMethod):
    """Scaling sparse fine-tuning: of each matrix a fixed number of weights trains, at random positions at first.

    Weight decay pulls changes, not weights, towards 0, as in the release (AlanAnsell/peft @73b455b).
    """

    @override
    def freeze(self, tuner: BaseTuner, cells: Cells, anatomy: Anatomy, prepared: Any) -> None:
        """Choose the first positions at random."""
        for _, layer in self.layers(tuner):
            size = layer.get_base_layer().weight.numel()
            if not layer.values.is_meta:
                layer.place(best(torch.rand(size, device=layer.values.device), len(layer.values)))

    @staticmethod
    def share(cells: Cells, moment: Moment) -> float:
        """Return the share of a matrix's scalars that may be replaced after a step."""
        done = moment.step / moment.steps
        first: float = shared_knob(cells, "share")
        return first * (1 - done if shared_knob(cells, "policy") == "linear" else (1 + math.cos(math.pi * done)) / 2)


class _Window:
    """Adds up the gradients of a matrix's shortlist.

    Args:
        layer: The layer of the matrix.
        state: What another one had added up.
    """

    def __init__(self, layer: SparseLinear, state: Mapping[str, Tensor] | None = None) -> None:
        device = layer.values.device
        found = {name: value.to(device) for name, value in (state or {}).items()}
        nothing = torch.empty(0, device=device)
        self._layer = layer
        self.seen = int(found.get("seen", torch.zeros(())))
        self.positions = found.get("positions", layer.positions[:0])
        self.sums, self.squares = found.get("sums", nothing), found.get("squares", nothing)

    def state(self) -> dict[str, Tensor]:
        """Return what it has added up."""
        return {
            "seen": torch.tensor(self.seen),
            "positions": self.positions,
            "sums": self.sums,
            "squares": self.squares,
        }

    def __call__(self, gradient: Tensor, weight: Tensor) -> None:
        """Take the positions of the largest gradients at first, then add up theirs."""
        flat = gradient.flatten()
        if not self.seen:
            self.positions = best(flat.abs(), len(self._layer.values))
            self.sums = self.squares = torch.zeros(len(self.positions), device=flat.device)
        self.seen += 1
        at = flat[self.positions]
        self.sums, self.squares = self.sums + at, self.squares + at**2


class SftAg(_Sft):
    """SFT with accumulated gradients.

    Every S steps the positions of the largest gradients of one part of a batch are shortlisted, and their gradients
    added up for a few steps; then those scalars drop out that have changed least, and as many of the shortlist grow in
    whose gradients add up to most. What both drops out and would grow in stays, with what Adam remembers of it; what
    grows in begins as if Adam had seen the gradients that were added up, and each coordinate has its own age. The first
    choice comes when the first gradients are added up; under the linear policy it replaces everything.
    """

    words = MethodWords(
        name="sft_ag",
        summary="scalars that move to where gradients add up to most",
        source=_SOURCE,
        knobs=_knobs(
            "1e-4..1e-2 log", Knob("accumulate", "int", "steps for which gradients are added up", default=5, low=1)
        ),
        alone=True,
    )

    @override
    def optimiser_settings(self, tuner: BaseTuner, cells: Cells) -> dict[str, Any]:
        """Return Adam with an age for each coordinate."""
        return {"rule": aged_adam}

    @override
    def before_backward(self, tuner: BaseTuner, cells: Cells, moment: Moment) -> None:
        """Look at gradients while a window is open: it opens at first and at each S-th step."""
        every, length = shared_knob(cells, "every"), self._length(cells)
        phase = moment.step % every
        open_now = moment.step <= length or (moment.step >= every and phase <= length)
        for _, layer in self.layers(tuner):
            if not open_now:
                layer.watch = None
            elif moment.step == 1 or (moment.step >= every and phase == 0):
                layer.watch = _Window(layer)

    @override
    def after_step(self, tuner: BaseTuner, cells: Cells, moment: Moment) -> None:
        """Choose anew when a window closes."""
        length = self._length(cells)
        if moment.step % shared_knob(cells, "every") != length or moment.step == moment.steps:
            return
        first = moment.step == length and shared_knob(cells, "policy") == "linear"
        share = 1.0 if first else self.share(cells, moment)
        betas = next(group["betas"] for group in moment.optimiser.param_groups if group.get("rule") is aged_adam)
        for _, layer in self.layers(tuner):
            window, layer.watch = layer.watch, None
            if isinstance(window, _Window) and window.seen:
                steps = length if moment.step == length else length + 1
                _move(layer, window, int(len(layer.values) * share), steps, betas, moment)

    @override
    def training_state(self, tuner: Any) -> dict[str, Tensor]:
        """Return which positions train, and what has been added up in windows that are open."""
        state = super().training_state(tuner)
        for name, layer in self.layers(tuner):
            if isinstance(layer.watch, _Window):
                state |= {f"{name}.window.{what}": value for what, value in layer.watch.state().items()}
        return state

    @override
    def resume(self, tuner: Any, state: Mapping[str, Tensor]) -> None:
        """Let the same positions train as before, and the same windows be open."""
        super().resume(tuner, state)
        for name, layer in self.layers(tuner):
            begins = f"{name}.window."
            found = {key.removeprefix(begins): value for key, value in state.items() if key.startswith(begins)}
            layer.watch = _Window(layer, found) if found else None

    @staticmethod
    def _length(cells: Cells) -> int:
        length: int = min(shared_knob(cells, "accumulate"), shared_knob(cells, "every") - 1)
        return length


def _move(
    layer: SparseLinear, window: _Window, count: int, steps: int, betas: tuple[float, float], moment: Moment
) -> None:
    """Let at most so many scalars of a matrix move to the best of its shortlist."""
    positions = layer.positions
    dropped = best(-layer.values.detach().abs(), count)
    stays = torch.ones(len(positions), dtype=torch.bool, device=positions.device)
    stays[dropped] = False
    free = (~torch.isin(window.positions, positions[stays])).nonzero().flatten()
    grown = free[best(window.sums[free].abs(), count)]
    # What drops out and would grow in at once stays, as do of the others those that have changed most.
    both = torch.isin(positions, window.positions[grown]) & ~stays
    added = grown[~torch.isin(window.positions[grown], positions[both])]
    going = dropped[~both[dropped]]
    going = going[best(-layer.values.detach().abs()[going], len(added))]
    stays[:] = True
    stays[going] = False
    mean, square = window.sums[added] / steps, window.squares[added] / steps
    age = torch.full_like(mean, float(steps))
    seeds = {"exp_avg": mean * (1 - betas[0] ** age), "exp_avg_sq": square * (1 - betas[1] ** age), "age": age}
    exchange(layer, moment.optimiser, stays.nonzero().flatten(), window.positions[added], seeds=seeds)


class SftMa(_Sft):
    """SFT with momentum approximation: SM3 steps the scalars, and its moments of rows and columns say what grows in.

    Every S steps as many scalars as the policy says drop out, those that have changed least, and as many grow in.
    """

    words = MethodWords(
        name="sft_ma",
        summary="scalars that move to where SM3 expects large gradients; its state is of rows and columns",
        source=_SOURCE,
        knobs=_knobs("1e-3..3e-2 log"),
        alone=True,
    )

    @override
    def optimiser_settings(self, tuner: BaseTuner, cells: Cells) -> dict[str, Any]:
        """Return SM3."""
        return {"rule": sm3({layer.values: layer for _, layer in self.layers(tuner)}), "eps": 1e-8}

    @override
    def after_step(self, tuner: BaseTuner, cells: Cells, moment: Moment) -> None:
        """Choose anew every S steps."""
        if moment.step % shared_knob(cells, "every") or moment.step == moment.steps:
            return
        for _, layer in self.layers(tuner):
            count = int(len(layer.values) * self.share(cells, moment))
            scores = expected(moment.optimiser.state[layer.values]).flatten()
            scores[layer.positions] = -torch.inf
            count = min(count, int((scores > -torch.inf).sum()))
            stays = torch.ones(len(layer.values), dtype=torch.bool, device=scores.device)
            stays[best(-layer.values.detach().abs(), count)] = False
            exchange(layer, moment.optimiser, stays.nonzero().flatten(), best(scores, count))
