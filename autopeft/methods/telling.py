"""Of which of several tasks the examples of a forward pass are, for adapters that differ from task to task."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from autopeft.errors import ConfigurationError

__all__ = ["TASKS", "TASK_IDS", "Told", "listening", "telling", "told_apart"]

#: What a model is told them as, among its inputs; PEFT calls them so too.
TASK_IDS = "task_ids"

#: The knob by which a method says how many tasks its adapters tell apart.
TASKS = "tasks"

_TOLD = "_autopeft_told"


class Told:
    """What a model was told when it was last called; it hands on to the model all else that it is called with.

    Args:
        model: The model that is called.
    """

    def __init__(self, model: nn.Module) -> None:
        self.within: torch.Tensor | None = None
        self._now: torch.Tensor | None = None
        self._copied = False
        # A pass that breaks off, as one does that is needed up to a layer, leaves nothing behind either.
        self._hooks = (
            model.register_forward_pre_hook(self._begin, with_kwargs=True),
            model.register_forward_hook(self._end, always_call=True),
        )
        model.__dict__[_TOLD] = self

    def _begin(self, module: nn.Module, args: Any, inputs: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        # Copies on several GPUs run at once, and all of them come here.
        self._copied = bool(getattr(module, "_is_replica", False))
        told = inputs.get(TASK_IDS)
        self._now = self.within if told is None else _read(told)
        left = {name: value for name, value in inputs.items() if name != TASK_IDS}
        tensors = [each for each in (*args, *left.values()) if isinstance(each, torch.Tensor) and each.ndim]
        examples = len(tensors[0]) if tensors else None
        if self._now is not None and self._now.ndim and examples not in (None, len(self._now)):
            raise ConfigurationError(
                f"{TASK_IDS}: found those of {len(self._now)} examples, expected those of {examples}"
            )
        return args, left

    def _end(self, _module: nn.Module, _args: Any, _output: Any) -> None:
        # Layers may be computed again for the backward pass, and need it then.
        if not torch.is_grad_enabled():
            self._now = None

    def remove(self, model: nn.Module) -> None:
        """Take the hooks out of the model."""
        for hook in self._hooks:
            hook.remove()
        del model.__dict__[_TOLD]

    def tasks_of(self, hidden: torch.Tensor, count: int) -> torch.Tensor:
        """Return the number of the task of each example.

        Args:
            hidden: Hidden states, `[examples, ..., features]`, or those of all examples one after the other.
            count: How many tasks there are.

        Returns:
            Numbers from 0, int64 `[examples]`.

        Raises:
            ConfigurationError: When it was not told, or of other examples or tasks than there are.
        """
        if self._copied:
            raise ConfigurationError(
                "adapters that tell tasks apart cannot be in copies of a model, as transformers makes them where it "
                "sees several GPUs; let it see one, by CUDA_VISIBLE_DEVICES"
            )
        told, rows = self._now, len(hidden)
        if told is None:
            raise ConfigurationError(
                f"these adapters tell {count} tasks apart, and were not told of which task each example is; expected "
                f"`{TASK_IDS}` among the inputs of the model, or a call within `autopeft.methods.telling(model, ...)`"
            )
        told = told.to(hidden.device)
        # A GPU refuses them by itself, and is not waited for.
        if told.device.type == "cpu" and not bool(((told >= 0) & (told < count)).all()):
            raise ConfigurationError(f"{TASK_IDS}: found {told.tolist()}; expected numbers from 0 to {count - 1}")
        if told.ndim == 0:
            return told.expand(rows)
        if rows != len(told) and (hidden.ndim > 2 or rows % len(told)):
            raise ConfigurationError(
                f"adapters that tell tasks apart need hidden states of whole examples, and found {tuple(hidden.shape)} "
                f"of {len(told)} examples; expected another method for this architecture"
            )
        return told


def _read(told: Any) -> torch.Tensor:
    """Return numbers of tasks as one for each example, or one for all.

    Raises:
        ConfigurationError: When they are no such thing.
    """
    found = torch.as_tensor(told)
    if (
        found.is_floating_point()
        or found.dtype == torch.bool
        or found.ndim > 2
        or (found.ndim == 2 and len(found.T) != 1)
    ):
        raise ConfigurationError(f"{TASK_IDS}: found {told!r}; expected the number of the task of each example")
    return (found.flatten() if found.ndim else found).long()


def listening(model: nn.Module) -> tuple[Told, bool]:
    """Let a model be told of which tasks examples are, whatever is in it.

    Args:
        model: The model that is called; changed in place.

    Returns:
        What it is told, and whether it could not be told before.
    """
    known = model.__dict__.get(_TOLD)
    return (Told(model), True) if known is None else (known, False)


@contextmanager
def telling(model: nn.Module, task_ids: torch.Tensor | Sequence[int] | int) -> Iterator[None]:
    """Tell adapters of which tasks the examples are that a model is called with inside.

    The inputs of the model can say so themselves, as `task_ids`, unless what PEFT puts around it keeps that back.

    Args:
        model: The model, or what PEFT has put around it.
        task_ids: The number of the task of each example, or one for all of them.

    Raises:
        ConfigurationError: When they are no numbers of tasks.
    """
    told = _read(task_ids)
    listeners: list[Told] = [vars(each)[_TOLD] for each in model.modules() if _TOLD in vars(each)]
    before = [each.within for each in listeners]
    for each in listeners:
        each.within = told
    try:
        yield
    finally:
        for each, earlier in zip(listeners, before, strict=True):
            each.within = earlier


def told_apart(modules: Mapping[str, Mapping[str, Any]]) -> dict[str, int]:
    """Return the methods of a configuration whose adapters differ by task, with how many tasks they tell apart.

    Args:
        modules: The methods with their knobs.
    """
    counts = {name: int(knobs.get(TASKS, 1)) for name, knobs in modules.items()}
    return {name: count for name, count in counts.items() if count > 1}
