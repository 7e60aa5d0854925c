"""How good learning rates go with the length of a training."""

from __future__ import annotations

from typing import Any

from autopeft.space import Configuration

__all__ = ["rate_factor", "suited", "suited_note"]

#: The best learning rate of LoRA goes with the number of steps to this power (studies/lengths).
_EXPONENT = -0.5


def rate_factor(found_at: int, steps: int) -> float:
    """Return by what a learning rate that was found good at one length is multiplied at another, 1 at most.

    Shorter trainings than those that found it were not measured.

    Args:
        found_at: Optimiser steps of the trainings that found it.
        steps: Optimiser steps of the training that is to be.
    """
    return float(max(1.0, steps / found_at) ** _EXPONENT)


def suited(configuration: Configuration, found_at: int, steps: int) -> Configuration:
    """Return a configuration with the learning rates that suit another length of training; see `rate_factor`."""
    factor = rate_factor(found_at, steps)

    def moved(knobs: dict[str, Any]) -> dict[str, Any]:
        rate = knobs.get("learning_rate")
        return knobs if rate is None else {**knobs, "learning_rate": float(f"{factor * rate:.4g}")}

    data = configuration.to_dict()
    modules = {name: moved(knobs) for name, knobs in data["modules"].items()}
    return Configuration.from_dict({**data, "modules": modules, "training": moved(data["training"])})


def suited_note(configuration: Configuration, found_at: int, steps: int) -> str:
    """Say which learning rates suit another length of training, and which they were; empty where they are the same.

    Args:
        configuration: The configuration as it was found.
        found_at: Optimiser steps of the trainings that found it.
        steps: Optimiser steps of the training that is to be.
    """
    before, after = _rates(configuration), _rates(suited(configuration, found_at, steps))
    if before == after:
        return ""
    return (
        f"learning rate {', '.join(after)}, which suits {steps:,} steps; "
        f"as found in {found_at:,} steps it was {', '.join(before)}"
    )


def _rates(configuration: Configuration) -> list[str]:
    own = {name: knobs.get("learning_rate") for name, knobs in configuration.modules.items()}
    shared = configuration.training.get("learning_rate")
    return [
        *([] if shared is None else [f"{shared:g}"]),
        *(f"{rate:g} of {name}" for name, rate in own.items() if rate is not None),
    ]
