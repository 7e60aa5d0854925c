"""What turns a Trainer into one of ours: the methods' hooks, our metrics, and checkpoints of adapters alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from accelerate.utils import AutocastKwargs
from torch.utils.data import Sampler
from transformers import PreTrainedModel, Trainer
from transformers.trainer_callback import TrainerCallback
from transformers.trainer_utils import PREFIX_CHECKPOINT_DIR

from autopeft.methods import (
    ForwardOnly,
    Moment,
    after_backward,
    after_step,
    before_backward,
    before_step,
    is_settled,
    penalty,
    prune_when_due,
    switch_training,
)
from autopeft.training.checkpoints import seal
from autopeft.training.state import read_state, write_state
from autopeft.trials import Batch, TrialKind

__all__ = ["Hooks", "ours", "train_adapters_only"]


class _ByEpoch(Sampler[int]):
    """A sampler whose order is another one in each epoch, whatever was drawn before.

    Args:
        inner: A sampler that draws by its `generator`.
        seed: Seed of all epochs.
    """

    def __init__(self, inner: Any, seed: int) -> None:
        self._inner = inner
        self._seed = seed
        self._epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Tell which epoch begins; accelerate does."""
        self._epoch = epoch

    def __iter__(self) -> Iterator[int]:
        drawn = np.random.SeedSequence((self._seed, self._epoch)).generate_state(1)
        self._inner.generator = torch.Generator().manual_seed(int(drawn[0]))
        return iter(self._inner)

    def __len__(self) -> int:
        return len(self._inner)


class Ours(Trainer if TYPE_CHECKING else object):  # type: ignore[misc]
    """A Trainer's other half, before it in the order of bases."""

    kind: TrialKind
    held_out: Sequence[tuple[np.ndarray, Batch]]
    precision: str
    control: Any
    _parts_done = 0
    _waiting: Sequence[Any] = ()
    _loss: torch.Tensor | None = None

    def train(self, *args: Any, **kwargs: Any) -> Any:
        """Train; forward-only steps keep no casts of what trains, as in trials."""
        if isinstance(self.optimizer, ForwardOnly):
            self.accelerator.autocast_handler = AutocastKwargs(cache_enabled=False)
        return super().train(*args, **kwargs)

    def compute_loss(self, model: Any, inputs: Any, return_outputs: bool = False, **kwargs: Any) -> Any:
        """Return the loss with what the methods add to it."""
        loss = super().compute_loss(model, inputs, return_outputs=return_outputs, **kwargs)
        extra = penalty(self.accelerator.unwrap_model(model)) if model.training else None
        if extra is None:
            return loss
        return (loss[0] + extra, loss[1]) if return_outputs else loss + extra

    def _get_train_sampler(self, train_dataset: Any = None) -> Any:
        """Return the Trainer's own sampler, its order told by seed and epoch, so that a resumed epoch has it too."""
        return _ByEpoch(super()._get_train_sampler(train_dataset), self.args.seed)

    def training_step(self, model: Any, *args: Any, **kwargs: Any) -> Any:
        """Add the gradients of some examples up; let the methods know before the first and after the last of a step."""
        plain = self.accelerator.unwrap_model(model)
        moment = replace(_moment(self.state, self.optimizer), sample=self._sample)
        if self._parts_done == 0:
            prune_when_due(plain, moment)
            before_backward(plain, moment)
        if isinstance(moment.optimiser, ForwardOnly):
            return self._forward_only(moment.optimiser, args[0])
        loss = super().training_step(model, *args, **kwargs)
        self._parts_done, self._loss = self._parts_done + 1, loss if self._loss is None else self._loss + loss
        if self.accelerator.sync_gradients:
            after_backward(plain, replace(moment, loss=self._loss))
            self._parts_done, self._loss = 0, None
        return loss

    def _forward_only(self, optimiser: ForwardOnly, inputs: Any) -> torch.Tensor:
        """Make the step of a batch, or wait until its last part is there; the Trainer's own step does nothing then."""
        self._waiting = [*self._waiting, self._prepare_inputs(inputs)]
        self._parts_done += 1
        nothing = torch.zeros((), device=self.args.device)
        if not self.accelerator.sync_gradients:
            return nothing
        measure, model = self._measuring(self._waiting), self.accelerator.unwrap_model(self.model)
        self._waiting, self._parts_done = (), 0

        def loss() -> float:
            extra = penalty(model)
            return measure() + (0.0 if extra is None else float(extra))

        return nothing + optimiser.step(loss)

    def _sample(self, count: int) -> Callable[[], float]:
        """Draw training examples to measure the loss on, see `Moment`."""
        rng = np.random.default_rng((self.args.seed, self.state.global_step))
        rows = rng.choice(len(self.train_dataset), min(count, len(self.train_dataset)), replace=False)
        size = self.args.per_device_train_batch_size
        parts = [rows[start : start + size] for start in range(0, len(rows), size)]
        collated = (self.data_collator([self.train_dataset[int(row)] for row in part]) for part in parts)
        return self._measuring([self._prepare_inputs(inputs) for inputs in collated])

    def _measuring(self, parts: Sequence[Any]) -> Callable[[], float]:
        """Return what measures the mean loss on parts of a batch of the model as it is, in eval mode."""
        model = self.accelerator.unwrap_model(self.model)

        def loss() -> float:
            model.eval()
            try:
                with torch.no_grad(), self.compute_loss_context_manager():
                    return sum(float(self.compute_loss(model, dict(inputs))) for inputs in parts) / len(parts)
            finally:
                model.train()

        return loss

    def evaluate(self, eval_dataset: Any = None, ignore_keys: Any = None, metric_key_prefix: str = "eval") -> Any:
        """Measure the model on the validation examples as trials do."""
        model = self.accelerator.unwrap_model(self.model)
        model.eval()
        found = self.kind.measure(model, self.held_out, self.precision, lambda rows, longest: None).figures
        metrics = {f"{metric_key_prefix}_{name}": value for name, value in found.items()}
        self.log(dict(metrics))
        self.control = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
        return metrics

    def _determine_best_metric(self, metrics: Any, trial: Any) -> bool:
        """Find the best state of what the configuration says, settled; of equally good ones that of the least loss."""
        if not is_settled(self.accelerator.unwrap_model(self.model)):
            return False
        if super()._determine_best_metric(metrics, trial):
            return True
        equal = metrics[self.args.metric_for_best_model] == self.state.best_metric
        if equal and metrics["eval_loss"] < self._loss_after(self.state.best_global_step):
            self.state.best_global_step = self.state.global_step
            return True
        return False

    def _loss_after(self, step: int) -> float:
        """Return the loss on validation after so many steps, from the log, which checkpoints keep."""
        logged = (each for each in self.state.log_history if each["step"] == step)
        return float(next(each["eval_loss"] for each in logged if "eval_loss" in each))

    def _save(self, output_dir: str | None = None, state_dict: Any = None) -> None:
        write_state(self.model, Path(output_dir or self.args.output_dir))

    def _save_checkpoint(self, *args: Any, **kwargs: Any) -> None:
        super()._save_checkpoint(*args, **kwargs)
        seal(Path(self.args.output_dir) / f"{PREFIX_CHECKPOINT_DIR}-{self.state.global_step}")

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        read_state(self.model, Path(resume_from_checkpoint))

    def _load_best_model(self) -> None:
        read_state(self.model, Path(self.state.best_model_checkpoint))


def _moment(state: Any, optimiser: Any) -> Moment:
    """Return which step comes next, made by which optimiser, accelerate's wrapper taken off."""
    own = getattr(optimiser, "optimizer", optimiser)
    return Moment(state.global_step + 1, state.max_steps, own, int(state.epoch or 0))


def ours(base: type[Trainer]) -> type[Trainer]:
    """Return a Trainer's class with our half before it."""
    return type(f"Our{base.__name__}", (Ours, base), {})


class Hooks(TrainerCallback):
    """Lets the methods see each optimiser step, and has the last one measured."""

    def on_pre_optimizer_step(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Let the methods see the gradients, clipped already."""
        before_step(kwargs["model"])

    def on_optimizer_step(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Let the methods do what they do after a step."""
        after_step(kwargs["model"], _moment(state, kwargs["optimizer"]))

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Ask for measuring and saving after the last step."""
        if state.global_step >= state.max_steps:
            control.should_evaluate = control.should_save = True


def train_adapters_only(model: PreTrainedModel) -> None:
    """Let `model.train()` switch the adapters only: as in trials, the backbone's dropout stays off."""
    model.eval()

    def train(mode: bool = True) -> PreTrainedModel:
        model.training = mode
        switch_training(model, mode)
        return model

    model.train = train
