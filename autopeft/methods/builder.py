"""The one builder: puts the adapters of a configuration into a model, and takes them out again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from peft import inject_adapter_in_model
from peft.tuners.tuners_utils import BaseTunerLayer
from torch import nn
from transformers import PreTrainedModel

from autopeft.backbones import Anatomy, head_parameters
from autopeft.errors import ConfigurationError
from autopeft.methods.method import Cells, Method
from autopeft.methods.registry import METHODS, VOCABULARY
from autopeft.space import Configuration
from autopeft.space.placement import cells

__all__ = ["Applied", "adapter_parameters", "applied", "apply", "inject", "plan", "remove", "trainable"]

_APPLIED = "_autopeft"


@dataclass(frozen=True)
class Applied:
    """What `apply` did to a model, so that `remove` can undo it.

    Args:
        configuration: The configuration the model was built to.
        anatomy: The anatomy of the model.
        replaced: Parent, attribute and original module of every module that was wrapped.
        requires_grad: The parameters of the model before, with whether they were trainable.
        attention: The attention implementation before.
    """

    configuration: Configuration
    anatomy: Anatomy
    replaced: tuple[tuple[nn.Module, str, nn.Module], ...]
    requires_grad: tuple[tuple[nn.Parameter, bool], ...]
    attention: str | None


def plan(configuration: Configuration) -> list[tuple[Method, Cells]]:
    """Return the methods of a configuration with their places, nearest to the backbone's weights first.

    Where several wrap the same matrix, LoRA is innermost, then comes the parallel adapter, and the serial
    adapter outermost: it reads the output of the sublayer with all the others in it.
    """
    placed = cells(configuration, VOCABULARY)
    return sorted(((METHODS[name], places) for name, places in placed.items()), key=lambda item: item[0].order)


def apply(configuration: Configuration, model: PreTrainedModel, anatomy: Anatomy, seed: int | None = None) -> None:
    """Put the adapters of a configuration into a model; they and the task head are all that trains.

    Args:
        configuration: What to build.
        model: A task model, changed in place.
        anatomy: The resolved anatomy of its backbone.
        seed: Seeds torch's global generator before the adapters are created.

    Raises:
        ConfigurationError: The model is adapted already, or the adapters do not end up where they should.
    """
    if _APPLIED in model.__dict__:
        raise ConfigurationError("the model has adapters already; call `remove(model)` first")
    steps = plan(configuration)
    modules = dict(model.named_modules())
    names = [name for method, places in steps for name in inject_targets(method, places, anatomy)]
    replaced = []
    for name in dict.fromkeys(names):
        parent, _, attribute = name.rpartition(".")
        replaced.append((modules[parent], attribute, modules[name]))
    before = tuple((parameter, parameter.requires_grad) for parameter in model.parameters())
    model.__dict__[_APPLIED] = Applied(
        configuration, anatomy, tuple(replaced), before, model.config._attn_implementation
    )
    if seed is not None:
        torch.manual_seed(seed)
    try:
        for method, places in steps:
            inject(method, places, model, anatomy)
    except Exception:
        remove(model)
        raise
    for parameter, _ in before:
        parameter.requires_grad_(False)
    for parameter in (*adapter_parameters(model).values(), *head_parameters(model).values()):
        parameter.requires_grad_(True)


def inject_targets(method: Method, places: Cells, anatomy: Anatomy) -> list[str]:
    """Return the full names of the modules a method wraps at these places."""
    return sorted(method.peft_config(places, anatomy).target_modules)


def inject(method: Method, places: Cells, model: nn.Module, anatomy: Anatomy) -> None:
    """Let PEFT put one method into a model, or a part of one, and check that it wrapped the right modules.

    Raises:
        ConfigurationError: Other modules were wrapped than the configuration says.
    """
    expected = set(inject_targets(method, places, anatomy))
    inject_adapter_in_model(method.peft_config(places, anatomy), model)
    # PEFT notes its config on the model and takes the next method's for a second adapter of the first.
    model.__dict__.pop("peft_config", None)
    found = {original_name(name) for name, module in model.named_modules() if isinstance(module, method.layer_class)}
    if found != expected:
        raise ConfigurationError(
            f"{method.words.name}: adapted {sorted(found - expected)} unasked and left out {sorted(expected - found)}"
        )


def remove(model: PreTrainedModel) -> None:
    """Take all adapters out of a model: the same modules, hooks and settings as before `apply`.

    Raises:
        ConfigurationError: The model has no adapters by `apply`.
    """
    done = applied(model)
    for layer in tuner_layers(model):
        detach = getattr(layer, "detach_from_model", None)
        if detach is not None:
            detach()
    for parent, attribute, original in done.replaced:
        parent._modules[attribute] = original
    for parameter, requires_grad in done.requires_grad:
        parameter.requires_grad_(requires_grad)
        parameter.grad = None
    model.config._attn_implementation = done.attention
    del model.__dict__[_APPLIED]


def applied(model: PreTrainedModel) -> Applied:
    """Return what `apply` did to a model.

    Raises:
        ConfigurationError: Nothing was applied.
    """
    done: Applied | None = model.__dict__.get(_APPLIED)
    if done is None:
        raise ConfigurationError("the model has no adapters; call `apply(configuration, model, anatomy)` first")
    return done


def adapter_parameters(model: PreTrainedModel) -> dict[str, nn.Parameter]:
    """Return the parameters of the adapters by full name, the task head excluded."""
    backbone = {id(parameter) for parameter, _ in applied(model).requires_grad}
    return {name: parameter for name, parameter in model.named_parameters() if id(parameter) not in backbone}


def trainable(model: PreTrainedModel) -> dict[str, nn.Parameter]:
    """Return the parameters that train, adapters and task head, by full name."""
    return {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}


def tuner_layers(model: nn.Module) -> Iterator[BaseTunerLayer]:
    """Yield the PEFT layers in a model, outer before inner."""
    return (module for module in model.modules() if isinstance(module, BaseTunerLayer))


def original_name(name: str) -> str:
    """Return the name a module had before modules around it were wrapped."""
    return ".".join(part for part in name.split(".") if part != "base_layer")
