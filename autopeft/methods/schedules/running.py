"""A schedule at work in a model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from autopeft.backbones import Anatomy
from autopeft.errors import ConfigurationError
from autopeft.methods.moment import Moment
from autopeft.methods.schedules.places import Place
from autopeft.methods.schedules.schedule import LayerSchedule

__all__ = ["Running"]

#: Names of what a checkpoint holds beside `kept`.
_GENERATOR, _ACTIVE = "generator", "active"


class Running:
    """Switches what trains on and off as a schedule draws it.

    Args:
        schedule: The schedule.
        knobs: Its knobs.
        model: The adapted model.
        anatomy: The resolved anatomy of its backbone.
        places: What trains at each place of the layers; all else that trains always does.
        seed: Seed of its draws.

    Attributes:
        generator: Draws.
        kept: What the schedule remembers from step to step.

    Raises:
        ConfigurationError: When nothing in the layers trains.
    """

    def __init__(
        self,
        schedule: LayerSchedule,
        knobs: Mapping[str, Any],
        model: nn.Module,
        anatomy: Anatomy,
        places: Mapping[Place, Sequence[nn.Parameter]],
        seed: int,
    ) -> None:
        if not places:
            raise ConfigurationError(
                f"{schedule.name}: nothing that trains is in a layer; expected methods placed in layers beside it, or "
                "no schedule"
            )
        self.schedule = schedule
        self.knobs = knobs
        self.model = model
        self.anatomy = anatomy
        self.places = {place: places[place] for place in sorted(places)}
        self.generator = torch.Generator().manual_seed(seed)
        self.kept: dict[str, Tensor] = {}
        self._active = set(self.places)
        self._over = False

    @property
    def active(self) -> frozenset[Place]:
        """The places that train now."""
        return frozenset(self._active)

    def before_backward(self, moment: Moment) -> None:
        """Draw anew where that is due."""
        if self.schedule.due(moment, self.knobs):
            self._active = set(self.schedule.draw(self, moment))
            self._switch(moment)

    def after_step(self, moment: Moment) -> None:
        """Let all train again after the last step."""
        if moment.step == moment.steps:
            self._over = True
            for parameters in self.places.values():
                for parameter in parameters:
                    parameter.requires_grad_(True)

    def state(self) -> dict[str, Tensor]:
        """Return what a checkpoint holds."""
        active = torch.tensor([place in self._active for place in self.places])
        return {_GENERATOR: self.generator.get_state(), _ACTIVE: active, **self.kept}

    def resume(self, state: Mapping[str, Tensor]) -> None:
        """Go on from what `state` returned; after the last step, when the best state is read, all could train."""
        self.generator.set_state(state[_GENERATOR].cpu())
        self._active = {place for place, on in zip(self.places, state[_ACTIVE].tolist(), strict=True) if on}
        self.kept = {name: value.clone() for name, value in state.items() if name not in (_GENERATOR, _ACTIVE)}
        if not self._over:
            self._switch(None)

    def _switch(self, moment: Moment | None) -> None:
        for place, parameters in self.places.items():
            for parameter in parameters:
                parameter.requires_grad_(place in self._active)
                if place in self._active:
                    continue
                parameter.grad = None
                if moment is not None and not self.schedule.keeps_moments:
                    moment.optimiser.forget(parameter)
