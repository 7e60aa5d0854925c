"""IST: which layers' adapters train is drawn by how much the model loses without them."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from typing_extensions import override

from autopeft.backbones import Anatomy
from autopeft.methods.moment import Moment
from autopeft.methods.schedules.places import Place, by_layer
from autopeft.methods.schedules.schedule import LayerSchedule, Sizes
from autopeft.methods.schedules.suppressing import suppressed
from autopeft.space.vocabulary import Knob

if TYPE_CHECKING:
    from autopeft.methods.schedules.running import Running

__all__ = ["Ist"]

#: Examples on which what is suppressed is judged.
_EXAMPLES = 16

#: Draws after which no further set is looked for.
_TRIES = 100


class Ist(LayerSchedule):
    """Importance-aware sparse tuning: in each step a few layers train, those that are dispensable more seldom.

    A layer's score grows where the loss stays small though what the layer has learned is suppressed. As in the release,
    scores begin at 0, only those of suppressed layers move, and what the optimiser remembers of a layer stays. Where
    layers are drawn alike no score moves: the paper's baseline RST.
    """

    name = "ist"
    source = "Yao et al. 2024, arXiv:2410.11772"
    summary = "in each step some layers are drawn that train, by how much the model loses without what they learned"
    knobs = (
        Knob("active", "float", "the share of layers that train in a step", default=0.25, low=0.0, high=1.0),
        Knob("every", "int", "after how many steps scores move", default=10, low=1),
        Knob("candidates", "int", "how many sets of layers are suppressed in turn", default=3, low=1),
        Knob("suppressed", "float", "the share of layers that is suppressed", default=0.5, low=0.0, high=1.0),
        Knob("beta", "float", "what is left of what is suppressed", default=0.25, low=0.0, high=1.0),
        Knob("rate", "float", "how far scores move", default=10.0, low=0.0, high=100.0),
        Knob(
            "draws",
            "choice",
            "by what layers are drawn: their scores, or all alike",
            default="importance",
            range="importance | uniform",
            choices=("importance", "uniform"),
        ),
    )
    suppresses = True
    keeps_moments = True

    @override
    def due(self, moment: Moment, knobs: Mapping[str, Any]) -> bool:
        """Tell that each step has layers of its own."""
        return True

    @override
    def draw(self, running: Running, moment: Moment) -> Collection[Place]:
        """Return what the drawn layers have; every so many steps their scores have moved before."""
        if moment.step > 1 and (moment.step - 1) % running.knobs["every"] == 0:
            self._move(running, moment)
        layers = list(by_layer(running.places).values())
        drawn = _drawn(-_scores(running), _share(running.knobs["active"], len(layers)), running.generator)
        return [place for index in drawn for place in layers[index]]

    @override
    def most(self, sizes: Sizes, anatomy: Anatomy, knobs: Mapping[str, Any]) -> int:
        """Return what the largest layers have."""
        layers = sorted((sum(layer.values()) for layer in by_layer(sizes).values()), reverse=True)
        return sum(layers[: _share(knobs["active"], len(layers))])

    def _move(self, running: Running, moment: Moment) -> None:
        """Suppress some layers and others in turn, and move the scores of each by how little that hurt."""
        knobs, scores = running.knobs, _scores(running)
        if knobs["draws"] == "uniform":
            return
        assert moment.sample is not None
        layers = list(by_layer(running.places))
        loss = moment.sample(_EXAMPLES)
        sets = _candidates(scores, knobs, running.generator)
        rewards = []
        for some in sets:
            with suppressed(running.model, running.anatomy, [layers[index] for index in some], knobs["beta"]):
                rewards.append(math.exp(-loss()))
        if not all(map(math.isfinite, rewards)):
            # The training has diverged, which is for others to say.
            return
        mean = sum(rewards) / len(rewards)
        for some, reward in zip(sets, rewards, strict=True):
            share = torch.sigmoid(scores[some])
            scores[some] += knobs["rate"] * (reward - mean) * share * (1 - share)


def _scores(running: Running) -> Tensor:
    """Return the score of each layer: how dispensable it is, the opposite of its importance."""
    return running.kept.setdefault("scores", torch.zeros(len(by_layer(running.places)), dtype=torch.float64))


def _share(share: float, layers: int) -> int:
    # The release crashes where that is none.
    return min(layers, max(1, math.floor(share * layers + 1e-9)))


def _drawn(logits: Tensor, count: int, generator: torch.Generator) -> list[int]:
    """Draw so many without putting back, with weights that are the sigmoid of these."""
    drawn: list[int] = torch.multinomial(torch.sigmoid(logits), count, generator=generator).tolist()
    return sorted(drawn)


def _candidates(scores: Tensor, knobs: Mapping[str, Any], generator: torch.Generator) -> list[list[int]]:
    """Draw sets of layers, no two the same, as many as asked for or as there are; fewer where hardly any is likely."""
    count = _share(knobs["suppressed"], len(scores))
    wanted = min(knobs["candidates"], math.comb(len(scores), count))
    found: list[list[int]] = []
    for _ in range(_TRIES):
        drawn = _drawn(scores, count, generator)
        if drawn not in found:
            found.append(drawn)
        if len(found) == wanted:
            break
    return found
