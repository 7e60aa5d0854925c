"""The training loop of a trial."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import LambdaLR

from autopeft.trials.setting import TrialSetting

__all__ = ["DivergedError", "OutOfTimeError", "fit"]

_MAX_GRADIENT_NORM = 1.0
#: Points of the curve.
_POINTS = 8


class DivergedError(ArithmeticError):
    """A loss or logit is not finite."""


class OutOfTimeError(TimeoutError):
    """The deadline has passed."""


def fit(
    model: nn.Module,
    *,
    groups: list[dict[str, Any]],
    batches: Iterable[list[dict[str, Tensor]]],
    setting: TrialSetting,
    deadline: float | None,
) -> list[dict[str, float]]:
    """Train with AdamW, linear warm-up and linear decay, gradients clipped to norm 1.

    Args:
        model: The model, adapters in place.
        groups: Parameter groups with their peak learning rates.
        batches: The batches of one epoch after another; no more is taken than the setting's steps need.
        setting: Steps, precision, warm-up, weight decay.
        deadline: Seconds since the epoch at which to give up.

    Returns:
        The mean training loss over each eighth of the steps, as `{"step", "loss"}`.

    Raises:
        DivergedError: When the loss is not finite.
        OutOfTimeError: When the deadline has passed.
    """
    total = setting.steps
    warmup = max(1, round(setting.warmup * total))
    parameters = [parameter for group in groups for parameter in group["params"]]
    optimizer = torch.optim.AdamW(groups, weight_decay=setting.weight_decay, fused=True)
    schedule = LambdaLR(optimizer, lambda step: min((step + 1) / warmup, (total - step) / max(1, total - warmup)))
    device = parameters[0].device.type
    marks = {round(total * point / _POINTS) for point in range(1, _POINTS + 1)}
    curve: list[dict[str, float]] = []
    losses: list[Tensor] = []
    steps = (batch for epoch in batches for batch in epoch)
    for step, batch in zip(range(1, total + 1), steps, strict=False):
        if deadline is not None and time.time() > deadline:
            raise OutOfTimeError(f"the time limit was reached after {step - 1} of {total} steps")
        inputs = {key: value for key, value in batch.items() if key != "labels"}
        with torch.autocast(device, torch.bfloat16, enabled=setting.precision == "bf16"):
            logits = model(**inputs).logits
        loss = nn.functional.cross_entropy(logits.float(), batch["labels"])
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, _MAX_GRADIENT_NORM)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad(set_to_none=True)
        losses.append(loss.detach())
        if step in marks:
            mean = float(torch.stack(losses).mean())
            if mean != mean or mean in (float("inf"), float("-inf")):
                raise DivergedError(f"the loss was not finite by step {step} of {total}")
            curve.append({"step": step, "loss": mean})
            losses.clear()
    return curve
