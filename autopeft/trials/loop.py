"""The short fine-tune: fit, then measure."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import count
from typing import Any

import numpy as np
import torch
from torch import nn
from transformers import PreTrainedModel

from autopeft.backbones import head_parameters
from autopeft.methods import (
    ForwardOnly,
    Moment,
    after_backward,
    after_step,
    before_backward,
    before_step,
    optimiser_of,
    penalty,
    prune_when_due,
    switch_training,
    train_beforehand,
    trains_beforehand,
)
from autopeft.tasks import Encoded
from autopeft.trials.faults import DivergedError, OutOfTimeError
from autopeft.trials.kind import Batch, Feed, TrialKind, width_of
from autopeft.trials.setting import TrialSetting
from autopeft.trials.stopwatch import Stopwatch

__all__ = ["fit", "schedule", "train_first"]

_CLIP = 1.0

# Reading the loss waits for a GPU, so it is looked at only now and then.
_LOOK_EVERY = 16

#: Parts of a batch: which examples, and their tensors.
_Collated = Sequence[tuple[np.ndarray, Batch]]


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
    kind: TrialKind,
    pad_id: int,
    seed: int,
    feed: Feed,
    busy: Stopwatch,
    at_once: int,
    deadline: float | None = None,
    beforehand: bool = False,
) -> Iterator[int]:
    """Train the parameters of the groups.

    The backbone stays in eval mode: with its dropout off, the frozen part gives each text the same features in
    every epoch and trial. Dropout that belongs to an adapter is on.

    Args:
        model: A model that `autopeft.methods.apply` adapted, on its device.
        train: The training texts.
        setting: Steps, batches, precision.
        groups: Parameter groups as `optimiser_of` takes them; without any, nothing is done.
        kind: What the task is.
        pad_id: Token id that fills short texts.
        seed: Seed of the order of texts.
        feed: Called before each forward pass.
        busy: Runs during steps.
        at_once: Texts that go through the model together; the gradients of a batch are added up from such parts.
        deadline: Time (`time.time()`) at which to give up.
        beforehand: Whether a method trains something before training begins: the methods' hooks wait.

    Yields:
        The number of steps done, at each rung of the setting and at the end; training goes on when asked for more.

    Raises:
        DivergedError: When the loss is not finite.
        OutOfTimeError: When the deadline has passed.
    """
    if not groups:
        yield setting.steps
        return
    if not beforehand:
        settings = {"kind": kind, "pad_id": pad_id, "seed": seed, "feed": feed, "busy": busy, "at_once": at_once}
        train_first(model, train, setting, groups, **settings, deadline=deadline)
    parameters = [parameter for group in groups for parameter in group["params"]]
    optimiser = optimiser_of(model, groups, setting.weight_decay, seed, fused=True)
    # What is compared must differ by its weights alone, not by what dropout drew.
    dropping = not isinstance(optimiser, ForwardOnly)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimiser, schedule(setting.steps, setting.warmup))
    source = _Source(model, train, kind, pad_id, setting.precision, feed, at_once, dropping, seed)
    step = 0
    switch_training(model, dropping)
    for epoch, rows in source.batches(setting.batch_size, setting.steps):
        if deadline is not None and time.time() > deadline:
            raise OutOfTimeError
        collated = source.parted(rows)
        moment = Moment(step + 1, setting.steps, optimiser, epoch, sample=source.sample)
        if not beforehand:
            # Once, so that it is no part of what a step takes.
            prune_when_due(model, moment)
        with busy:
            loss = _step(model, partial(source.add_up, collated), moment, parameters, hooked=not beforehand)
            step += 1
            scheduler.step()
        # Nothing measures what trains beforehand at its end.
        if (step % _LOOK_EVERY == 0 or (beforehand and step == setting.steps)) and not math.isfinite(loss.item()):
            raise DivergedError(f"the training loss is {loss.item()} at step {step}")
        if step in setting.rungs or step == setting.steps:
            switch_training(model, False)
            yield step
            switch_training(model, dropping)


@dataclass
class _Source:
    """Where a training takes its batches from, and what is computed of them; see `fit`."""

    model: PreTrainedModel
    train: Encoded
    kind: TrialKind
    pad_id: int
    precision: str
    feed: Feed
    at_once: int
    dropping: bool
    seed: int

    def __post_init__(self) -> None:
        self._rng, self._others = np.random.default_rng(self.seed), np.random.default_rng((self.seed, 1))

    def batches(self, size: int, steps: int) -> Iterator[tuple[int, np.ndarray]]:
        """Yield an epoch and the rows of a batch, so many times."""
        left = steps
        for epoch in count():
            for rows in self.kind.grouped(self.train, size, self._rng):
                if left == 0:
                    return
                left -= 1
                yield epoch, rows

    def parted(self, rows: np.ndarray) -> _Collated:
        """Return the parts of a batch that go through the model together."""
        parts = self.kind.parted(self.train, rows, self.at_once)
        return [(part, self.kind.collate(self.train, part, self.pad_id)) for part in parts]

    def sample(self, size: int) -> Callable[[], float]:
        """Return what tells the loss on a few examples."""
        some = self.parted(next(iter(self.kind.grouped(self.train, size, self._others))))

        def loss() -> float:
            switch_training(self.model, False)
            try:
                return self.add_up(some, backward=False).item()
            finally:
                switch_training(self.model, self.dropping)

        return loss

    def add_up(self, collated: _Collated, *, backward: bool = True) -> torch.Tensor:
        """Add up the gradients of the parts of a batch, and of what methods add to the loss; return the batch's loss.

        Without `backward` none are computed, and what methods add is part of the loss.
        """
        model, kind = self.model, self.kind
        device = next(model.parameters()).device
        loss = torch.zeros((), device=device)
        terms = sum(kind.terms(batch) for _, batch in collated)
        for part, batch in collated:
            self.feed(part, width_of(batch))
            with torch.set_grad_enabled(backward):
                share = kind.loss(model, batch, device, self.precision) * (kind.terms(batch) / terms)
            if backward:
                share.backward()
            loss += share.detach()
        with torch.set_grad_enabled(backward):
            extra = penalty(model)
        if extra is None:
            return loss
        if not backward:
            return loss + extra
        extra.backward()
        return loss


def _step(
    model: PreTrainedModel,
    add_up: Callable[..., torch.Tensor],
    moment: Moment,
    parameters: Sequence[nn.Parameter],
    *,
    hooked: bool,
) -> torch.Tensor:
    """Make a step and return the loss of its batch.

    Args:
        model: The adapted model.
        add_up: `_Source.add_up` of the batch.
        moment: Which step this is.
        parameters: All that trains.
        hooked: Whether schedule and methods have a say.
    """
    optimiser = moment.optimiser
    if hooked:
        before_backward(model, moment)
    if isinstance(optimiser, ForwardOnly):
        loss = torch.tensor(optimiser.step(partial(add_up, backward=False)))
    else:
        loss = add_up()
        if hooked:
            after_backward(model, replace(moment, loss=loss))
        nn.utils.clip_grad_norm_(parameters, _CLIP)
        if hooked:
            before_step(model)
        optimiser.step()
    if hooked:
        after_step(model, moment)
    optimiser.zero_grad()
    return loss


def train_first(
    model: PreTrainedModel,
    train: Encoded,
    setting: TrialSetting,
    groups: Sequence[dict[str, Any]],
    **settings: Any,
) -> None:
    """Let the methods train what they want to before training begins; the head is put back after each time.

    Args:
        model: The adapted model.
        train: The training texts.
        setting: That of the training to come.
        groups: Its parameter groups.
        settings: Its further arguments of `fit`.
    """
    if not trains_beforehand(model):
        return
    heads = {id(parameter) for parameter in head_parameters(model).values()}
    beside = [group for group in groups if heads.issuperset(map(id, group["params"]))]

    def run(parameters: Sequence[nn.Parameter], rate: float, length: float) -> None:
        trained = [parameter for group in beside for parameter in group["params"]]
        before = [parameter.detach().clone() for parameter in trained]
        brief = replace(setting, epochs=setting.epochs * length, early_stopping=False)
        both = [*map(dict, beside), {"params": list(parameters), "lr": rate}]
        for _ in fit(model, train, brief, both, **settings, beforehand=True):
            pass
        for parameter, value in zip(trained, before, strict=True):
            parameter.data = value

    train_beforehand(model, run)
