"""Starts of LoRA that need more than a matrix: training batches (EVA, CorDA, LoRA-GA), or bitsandbytes (LoftQ)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch
from peft import LoraConfig
from peft.import_utils import is_xpu_available
from peft.tuners.lora import LoraLayer
from peft.tuners.lora.config import CordaConfig, EvaConfig, LoftQConfig, LoraGAConfig
from peft.tuners.lora.corda import preprocess_corda
from peft.tuners.lora.eva import get_eva_state_dict
from peft.tuners.lora.loraga import preprocess_loraga
from peft.tuners.tuners_utils import BaseTuner
from torch import nn
from torch.overrides import TorchFunctionMode

from autopeft.backbones.quantization import MISSING_BITSANDBYTES

__all__ = ["DATA_STARTS", "LACKING", "START", "config_fields", "look_at", "quantising", "set_start"]

Batches = Iterable[Mapping[str, torch.Tensor]]

DATA_STARTS = ("eva", "corda", "lora_ga")

#: Where modules keep the hooks that PEFT looks through.
_HOOKS = ("_forward_hooks", "_backward_hooks")

#: Starts that need what is not installed here.
LACKING = {"loftq": MISSING_BITSANDBYTES} if MISSING_BITSANDBYTES else {}

#: Attribute of a tuner with the first A and B of every layer whose start was taken out of the frozen weight.
START = "_autopeft_start"


def config_fields(init: str) -> dict[str, Any]:
    """Return what a `LoraConfig` needs beside the name of a start."""
    if init == "eva":
        # Ranks stay where the configuration puts them, so that its cost is known.
        return {"eva_config": EvaConfig(rho=1.0)}
    if init == "corda":
        return {"corda_config": CordaConfig(corda_method="ipm", prune_temporary_fields=True)}
    if init == "loftq":
        return {"loftq_config": LoftQConfig()}
    return {"lora_ga_config": LoraGAConfig()} if init == "lora_ga" else {}


class _OnCpu(TorchFunctionMode):
    """Keeps on the CPU what code would bring to a GPU."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Bring tensors to the CPU that should go to `cuda`."""
        kwargs = dict(kwargs or {})
        if func is torch.Tensor.to:
            args = tuple(_cpu_for(value) for value in args)
            kwargs = {name: _cpu_for(value) for name, value in kwargs.items()}
        return func(*args, **kwargs)


def _cpu_for(value: Any) -> Any:
    return "cpu" if isinstance(value, str | torch.device) and torch.device(value).type == "cuda" else value


def quantising() -> AbstractContextManager[Any]:
    """Return what LoftQ is put in under: PEFT quantises on a GPU only, bitsandbytes on the CPU as well."""
    return nullcontext() if torch.cuda.is_available() or is_xpu_available() else _OnCpu()


def look_at(init: str, config: LoraConfig, model: Any, batches: Batches) -> Any:
    """Let PEFT look at training batches, before LoRA is put in.

    Args:
        init: One of `DATA_STARTS`.
        config: The config that will be put in.
        model: The model, in eval mode; PEFT leaves notes on the modules, which the insertion uses.
        batches: Inputs with labels.

    Returns:
        What `set_start` is handed: EVA's matrices A by module name.
    """
    before = [(parameter, parameter.requires_grad) for parameter in model.parameters()]
    try:
        with _undone_if_it_fails(model):
            return _looked_at(init, config, model, batches)
    finally:
        for parameter, requires_grad in before:
            parameter.requires_grad_(requires_grad)
            parameter.grad = None


def _looked_at(init: str, config: LoraConfig, model: Any, batches: Batches) -> Any:
    if init == "eva":
        return get_eva_state_dict(
            model,
            [_inputs(batch) for batch in batches],
            config,
            prepare_model_inputs_fn=lambda batch, _: batch.get("attention_mask"),
            prepare_layer_inputs_fn=_tokens,
            show_progress_bar=False,
        )
    if init == "corda":
        preprocess_corda(model, config, run_model=lambda: _one_by_one(model, batches))
    else:
        preprocess_loraga(model, config, train_step=lambda: _gradients(model, batches))
    return None


@contextmanager
def _undone_if_it_fails(model: nn.Module) -> Iterator[None]:
    """Take PEFT's hooks and notes off a model again where memory runs out under it: it would leave them there."""
    before = [
        (module, module.training, set(vars(module)), {name: set(vars(module)[name]) for name in _HOOKS})
        for module in model.modules()
    ]
    try:
        yield
    except BaseException:
        for module, training, notes, hooks in before:
            for name, known in hooks.items():
                for key in vars(module)[name].keys() - known:
                    del vars(module)[name][key]
            for note in vars(module).keys() - notes:
                del vars(module)[note]
            module.training = training
        raise


@torch.no_grad()
def set_start(init: str, tuner: BaseTuner, prepared: Any) -> None:
    """Finish the start of a LoRA that was put in.

    Args:
        init: How it starts.
        tuner: What PEFT put in.
        prepared: What `look_at` returned.
    """
    layers = {name: layer for name, layer in tuner.model.named_modules() if isinstance(layer, LoraLayer)}
    if init == "eva" and prepared is not None:
        for name, components in prepared.items():
            weight: Any = layers[name].lora_A["default"].weight
            weight.copy_(components.to(weight))
    if init in ("corda", "lora_ga"):
        tuner.__dict__[START] = {
            name: (layer.lora_A["default"].weight.clone(), layer.lora_B["default"].weight.clone())
            for name, layer in layers.items()
        }
        for layer in layers.values():
            for note in ("eigens", "_peft_loraga_grad"):
                layer.get_base_layer().__dict__.pop(note, None)


def _inputs(batch: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name: value for name, value in batch.items() if name != "labels"}


def _tokens(layer_input: Any, mask: torch.Tensor | None, _name: str) -> torch.Tensor:
    """Return the inputs of a layer at tokens that are no padding, `n x d`."""
    found: torch.Tensor = layer_input[0] if isinstance(layer_input, tuple) else layer_input
    if mask is not None and mask.shape == found.shape[:2]:
        return found[mask.bool()]
    return found.reshape(-1, found.shape[-1])


def _one_by_one(model: Any, batches: Batches) -> None:
    # CorDA takes the covariance of one text at a time.
    for batch in batches:
        for row in range(len(batch["labels"])):
            one = {name: value[row : row + 1] for name, value in _inputs(batch).items()}
            if "attention_mask" in one:
                length = int(one["attention_mask"].sum())
                one = {name: value[:, :length] for name, value in one.items()}
            model(**one)


def _gradients(model: Any, batches: Batches) -> None:
    model.eval()
    for batch in batches:
        model(**batch).loss.backward()
