"""The short fine-tune: fit, then measure."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn.functional import cross_entropy
from transformers import PreTrainedModel

from autopeft.methods import after_step, before_step, penalty, switch_training
from autopeft.tasks import Encoded, collate, grouped
from autopeft.trials.hardware import autocast
from autopeft.trials.prefix import Feed
from autopeft.trials.setting import TrialSetting
from autopeft.trials.stopwatch import Stopwatch

__all__ = ["DivergedError", "OutOfTimeError", "fit", "predict", "schedule"]

Batch = dict[str, torch.Tensor]

_CLIP = 1.0

# Reading the loss waits for a GPU, so it is looked at only now and then.
_LOOK_EVERY = 16


class DivergedError(Exception):
    """A loss or a logit is not finite."""


class OutOfTimeError(Exception):
    """The deadline has passed."""


def schedule(steps: int, warmup: float) -> Callable[[int], float]:
    """Return the factor on the learning rates at each step: linearly up, then linearly down to 0.

    Args:
        steps: Steps in all.
        warmup: Share of them in which it rises.
    """
    rising = round(warmup * steps)

    def factor(step: int) -> float:
        if step < rising:
            return (step + 1) / (rising + 1)
        return (steps - step) / max(1, steps - rising)

    return factor


def fit(
    model: PreTrainedModel,
    train: Encoded,
    setting: TrialSetting,
    groups: Sequence[dict[str, Any]],
    *,
    pad_id: int,
    seed: int,
    feed: Feed,
    busy: Stopwatch,
    at_once: int,
    deadline: float | None = None,
) -> Iterator[int]:
    """Train the parameters of the groups.

    The backbone stays in eval mode: with its dropout off, the frozen part gives each text the same features in
    every epoch and trial. Dropout that belongs to an adapter is on.

    Args:
        model: A classification model that `autopeft.methods.apply` adapted, on its device.
        train: The training texts.
        setting: Steps, batches, precision.
        groups: Parameter groups of AdamW: `params` and `lr` (peak).
        pad_id: Token id that fills short texts.
        seed: Seed of the order of texts.
        feed: Called before each forward pass.
        busy: Runs during steps.
        at_once: Texts that go through the model together; the gradients of a batch are added up from such parts.
        deadline: Time (`time.time()`) at which to give up.

    Yields:
        The number of steps done, at each rung of the setting and at the end; training goes on when asked for more.

    Raises:
        DivergedError: When the loss is not finite.
        OutOfTimeError: When the deadline has passed.
    """
    device = next(model.parameters()).device
    parameters = [parameter for group in groups for parameter in group["params"]]
    optimiser = torch.optim.AdamW(groups, weight_decay=setting.weight_decay, fused=True)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimiser, schedule(setting.steps, setting.warmup))
    rng = np.random.default_rng(seed)
    step = 0
    switch_training(model, True)
    while step < setting.steps:
        epoch = grouped(train, setting.batch_size, rng)
        for rows in islice(epoch, setting.steps - step):
            if deadline is not None and time.time() > deadline:
                raise OutOfTimeError
            parts = np.array_split(rows, math.ceil(len(rows) / at_once))
            collated = [(part, collate(train, part, pad_id)) for part in parts]
            with busy:
                loss = torch.zeros((), device=device)
                for part, batch in collated:
                    feed(part, batch["input_ids"].shape[1])
                    share = _loss(model, batch, device, setting.precision) * (len(part) / len(rows))
                    share.backward()
                    loss += share.detach()
                extra = penalty(model)
                if extra is not None:
                    extra.backward()
                nn.utils.clip_grad_norm_(parameters, _CLIP)
                before_step(model)
                optimiser.step()
                step += 1
                after_step(model, step, setting.steps)
                optimiser.zero_grad()
                scheduler.step()
            if step % _LOOK_EVERY == 0 and not math.isfinite(loss.item()):
                raise DivergedError(f"the training loss is {loss.item()} at step {step}")
            if step in setting.rungs or step == setting.steps:
                switch_training(model, False)
                yield step
                switch_training(model, True)


def _loss(model: nn.Module, batch: Batch, device: torch.device, precision: str) -> torch.Tensor:
    """Return the mean cross-entropy of a batch."""
    inputs = {key: value.to(device, non_blocking=True) for key, value in batch.items()}
    labels = inputs.pop("labels")
    with autocast(device, precision):
        logits = model(**inputs).logits
    return cross_entropy(logits.float(), labels)


@torch.inference_mode()
def predict(
    model: nn.Module, split: Sequence[tuple[np.ndarray, Batch]], precision: str, feed: Feed
) -> tuple[np.ndarray, np.ndarray, float]:
    """Run a model over batches.

    Args:
        model: A classification model, on its device.
        split: The batches, each with the rows it holds.
        precision: `bf16` or `fp32`.
        feed: Called before each forward pass.

    Returns:
        Labels `[n]`, predictions `[n]` and the mean cross-entropy.

    Raises:
        DivergedError: When a logit is not finite.
    """
    device = next(model.parameters()).device
    labels, logits = [], []
    for rows, batch in split:
        feed(rows, batch["input_ids"].shape[1])
        inputs = {key: value.to(device, non_blocking=True) for key, value in batch.items()}
        labels.append(inputs.pop("labels"))
        with autocast(device, precision):
            logits.append(model(**inputs).logits.float())
    truth, scores = torch.cat(labels), torch.cat(logits)
    if not torch.isfinite(scores).all():
        raise DivergedError("the logits on validation are not finite")
    loss = cross_entropy(scores, truth).item()
    return truth.cpu().numpy(), scores.argmax(dim=1).cpu().numpy(), loss
