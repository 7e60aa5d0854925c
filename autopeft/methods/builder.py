"""The one builder: puts the adapters of a configuration into a model, and takes them out again."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from peft import PeftConfig
from peft.tuners.tuners_utils import BaseTuner, BaseTunerLayer
from torch import nn
from transformers import PreTrainedModel

from autopeft.backbones import Anatomy, head_parameters, quantization_of
from autopeft.errors import ConfigurationError
from autopeft.methods.checks import check_fit, check_parts
from autopeft.methods.context import CONTEXT, Dropper
from autopeft.methods.forward import computing_as_held
from autopeft.methods.method import Cells, Method
from autopeft.methods.pruning import PRUNING, Pruner
from autopeft.methods.registry import METHODS, VOCABULARY
from autopeft.methods.schedules import SCHEDULE, Place, Running, places_of
from autopeft.space import Configuration
from autopeft.space.placement import cells

__all__ = [
    "Applied",
    "Batches",
    "Inserted",
    "Part",
    "adapter_parameters",
    "applied",
    "apply",
    "inject",
    "is_adapted",
    "plan",
    "remove",
    "trainable",
]

_APPLIED = "_autopeft"

#: Types whose steps are too coarse for training.
_HALF = (torch.bfloat16, torch.float16)

#: Inputs of a model with labels.
Batches = Sequence[Mapping[str, torch.Tensor]]


class Part(NamedTuple):
    """What one PEFT config puts in.

    Args:
        name: Name of the method, with a number where the method needs several configs.
        method: The method.
        cells: Its places.
    """

    name: str
    method: Method
    cells: Cells


class Inserted(NamedTuple):
    """A part that is in a model, with PEFT's tuner and what of it trains."""

    part: Part
    tuner: BaseTuner
    parameters: tuple[nn.Parameter, ...]


@dataclass(frozen=True)
class Applied:
    """What `apply` did to a model, so that `remove` can undo it.

    Args:
        configuration: The configuration the model was built to.
        anatomy: The anatomy of the model.
        replaced: Parent, attribute and original module of every module that was wrapped.
        requires_grad: The parameters of the model before, with whether they were trainable.
        weights: Copies of the frozen weights that methods change.
        attention: The attention implementation before.
        stored: Whether what is in the model is what is saved of it.
        inserted: What is in the model, innermost first.
        schedules: What decides when it trains, one at most.
        pruners: What prunes the frozen weights, one at most.
        droppers: What leaves tokens and neurons out of its training passes, one at most.
        packed: The tensors of its parts as they are saved, by the names of the parts, where they are compressed.
    """

    configuration: Configuration
    anatomy: Anatomy
    replaced: tuple[tuple[nn.Module, str, nn.Module], ...]
    requires_grad: tuple[tuple[nn.Parameter, bool], ...]
    weights: tuple[tuple[nn.Parameter, torch.Tensor], ...]
    attention: str | None
    stored: bool = False
    inserted: list[Inserted] = field(default_factory=list)
    schedules: list[Running] = field(default_factory=list)
    pruners: list[Pruner] = field(default_factory=list)
    droppers: list[Dropper] = field(default_factory=list)
    packed: dict[str, dict[str, torch.Tensor]] = field(default_factory=dict)


def plan(configuration: Configuration, stored: bool = False) -> list[Part]:
    """Return the parts of a configuration, nearest to the backbone's weights first.

    Where several wrap the same matrix, LoRA is innermost, then comes the parallel adapter, and the serial
    adapter outermost: it reads the output of the sublayer with all the others in it.

    Args:
        configuration: The configuration.
        stored: Whether to plan for what is saved of it, which some methods store as something else.
    """
    placed = cells(configuration, VOCABULARY)
    steps = sorted(((METHODS[name], places) for name, places in placed.items()), key=lambda item: item[0].order)
    parts = []
    for method, places in steps:
        split = method.parts({cell: method.stored(knobs) for cell, knobs in places.items()} if stored else places)
        name = method.words.name
        parts += [Part(f"{name}-{i}" if len(split) > 1 else name, method, some) for i, some in enumerate(split, 1)]
    return parts


def apply(
    configuration: Configuration,
    model: PreTrainedModel,
    anatomy: Anatomy,
    seed: int | None = None,
    batches: Batches | None = None,
    stored: bool = False,
) -> None:
    """Put the adapters of a configuration into a model; they and the task head are all that trains.

    Args:
        configuration: What to build.
        model: A task model, changed in place.
        anatomy: The resolved anatomy of its backbone.
        seed: Seeds torch's global generator before the adapters are created.
        batches: Training batches with labels, on the model's device, for methods whose start depends on data.
            Without them these start as if they knew none.
        stored: Whether to build what is saved of the configuration.

    Raises:
        ConfigurationError: The model is adapted already, its weights are in too few bits for a method, or the
            adapters do not end up where they should; or one of them would tell a language model what comes next.
    """
    if is_adapted(model):
        raise ConfigurationError("the model has adapters already; call `remove(model)` first")
    parts = plan(configuration, stored)
    check_parts(plan(configuration), configuration, model, anatomy, quantization_of(model), parts if stored else None)
    modules = dict(model.named_modules())
    wrapped = {name: part for part in parts for name in inject_targets(part, anatomy)}
    replaced = [(modules[name.rpartition(".")[0]], name.rpartition(".")[2], modules[name]) for name in wrapped]
    altered = [
        modules[name]
        for name, part in wrapped.items()
        if any(part.method.alters_weights(knobs) for knobs in part.cells.values())
    ]
    done = Applied(
        configuration,
        anatomy,
        tuple(replaced),
        tuple((parameter, parameter.requires_grad) for parameter in model.parameters()),
        tuple((weight, weight.detach().clone()) for module in altered for weight in module.parameters()),
        model.config._attn_implementation,
        stored,
    )
    model.__dict__[_APPLIED] = done
    if seed is not None:
        torch.manual_seed(seed)
    try:
        if not stored:
            _begin_context(model, done)
        for part in parts:
            done.inserted.append(inject(part, model, anatomy, batches))
        if not stored:
            _begin_schedule(model, done)
        _begin_pruning(model, done)
    except Exception:
        remove(model)
        raise
    for parameter, _ in done.requires_grad:
        parameter.requires_grad_(False)
    for parameter in (*adapter_parameters(model).values(), *head_parameters(model).values()):
        parameter.requires_grad_(True)


def _begin_context(model: PreTrainedModel, done: Applied) -> None:
    """Make ready to leave out what a configuration asks for, in the modules as they are before adapters wrap them."""
    asked = CONTEXT.asked(done.configuration.training)
    if asked is not None:
        done.droppers.append(asked.word.begin(model, done.anatomy, asked.knobs))


def _begin_schedule(model: PreTrainedModel, done: Applied) -> None:
    """Begin the layer schedule that a configuration asks for."""
    asked = SCHEDULE.asked(done.configuration.training)
    if asked is None:
        return
    own = {id(parameter) for inserted in done.inserted for parameter in inserted.parameters}
    places: dict[Place, list[nn.Parameter]] = {}
    for parameter, place in places_of(model, own, done.anatomy):
        if place is not None:
            places.setdefault(place, []).append(parameter)
    schedule, knobs = asked
    seed = int(torch.randint(2**31, ()))
    done.schedules.append(Running(schedule, knobs, model, done.anatomy, places, seed))


def _begin_pruning(model: PreTrainedModel, done: Applied) -> None:
    """Make ready to prune the frozen weights, where a configuration asks for it."""
    asked = PRUNING.asked(done.configuration.training)
    if asked is None:
        return
    folding: list[type[nn.Module]] = []
    for part, _, _ in done.inserted:
        if all(map(part.method.merges, part.cells.values())):
            classes = part.method.layer_class
            folding += classes if isinstance(classes, tuple) else (classes,)
    seed = int(torch.randint(2**31, ()))
    done.pruners.append(Pruner(*asked, model, done.anatomy, folding, seed))


def inject_targets(part: Part, anatomy: Anatomy) -> list[str]:
    """Return the full names of the modules a part wraps."""
    with _refusals(part.method):
        return part.method.wraps(part.cells, anatomy)


@contextmanager
def _refusals(method: Method) -> Iterator[None]:
    """Turn what PEFT says to a config or a module it does not take into our error."""
    try:
        yield
    except (ValueError, TypeError, AttributeError, NotImplementedError, ImportError) as error:
        reason = " ".join(str(error).split())
        raise ConfigurationError(f"{method.words.name}: PEFT refuses it here: {reason}") from error


def inject(
    part: Part,
    model: nn.Module,
    anatomy: Anatomy,
    batches: Batches | None = None,
    config: PeftConfig | None = None,
) -> Inserted:
    """Let PEFT put one part into a model, or a piece of one, and check that it wrapped the right modules.

    Args:
        part: The part.
        model: The model, changed in place.
        anatomy: The resolved anatomy of its backbone.
        batches: Training batches, for methods whose start depends on data.
        config: Its config, where it was read from a file; else the method makes it.

    Raises:
        ConfigurationError: PEFT refuses, or wrapped other modules than the configuration says.
    """
    method = part.method
    expected = set(inject_targets(part, anatomy))
    check_fit(part, model, anatomy)
    before = {id(tensor) for tensor in _tensors(model)}
    layers = {id(module) for module in model.modules() if isinstance(module, method.layer_class)}
    with _refusals(method):
        config = method.peft_config(part.cells, anatomy) if config is None else config
        prepared = None
        if any(method.needs_batches(knobs) for knobs in part.cells.values()):
            if batches is None:
                method.without_batches(config)
            else:
                with computing_as_held(model):
                    prepared = method.prepare(config, model, part.cells, batches)
        tuner = method.insert(config, model)
    # PEFT notes its config on the model and takes the next method's for a second adapter of the first.
    model.__dict__.pop("peft_config", None)
    found = {
        original_name(name)
        for name, module in model.named_modules()
        if isinstance(module, method.layer_class) and id(module) not in layers
    }
    if expected and not found:
        raise ConfigurationError(f"{method.words.name}: PEFT refuses it here: it leaves {sorted(expected)[0]} as it is")
    if found != expected:
        raise ConfigurationError(
            f"{method.words.name}: adapted {sorted(found - expected)} unasked and left out {sorted(expected - found)}"
        )
    with _refusals(method):
        method.freeze(tuner, part.cells, anatomy, prepared)
    for tensor in _tensors(model):
        if id(tensor) not in before and tensor.dtype in _HALF:
            # As in `get_peft_model`: PEFT's tuners take the type that frozen weights are computed in.
            tensor.data = tensor.data.float()
    before |= {id(parameter) for parameter in method.in_head(tuner)}
    new = tuple(
        parameter for parameter in model.parameters() if parameter.requires_grad and id(parameter) not in before
    )
    return Inserted(part, tuner, new)


def _tensors(model: nn.Module) -> Iterator[torch.Tensor]:
    return itertools.chain(model.parameters(), model.buffers())


def remove(model: PreTrainedModel) -> None:
    """Take all adapters out of a model: the same modules, weights, hooks and settings as before `apply`.

    Raises:
        ConfigurationError: The model has no adapters by `apply`.
    """
    done = applied(model)
    for pruner in done.pruners:
        pruner.masks.take_off()
    for dropper in done.droppers:
        dropper.take_off()
    for layer in tuner_layers(model):
        detach = getattr(layer, "detach_from_model", None)
        if detach is not None:
            detach()
    for parent, attribute, original in done.replaced:
        parent._modules[attribute] = original
    for inserted in done.inserted:
        inserted.part.method.extract(inserted.tuner, model)
    with torch.no_grad():
        for parameter, value in done.weights:
            parameter.copy_(value)
    for parameter, requires_grad in done.requires_grad:
        parameter.requires_grad_(requires_grad)
        parameter.grad = None
    model.config._attn_implementation = done.attention
    del model.__dict__[_APPLIED]


def is_adapted(model: PreTrainedModel) -> bool:
    """Tell whether `apply` has adapted a model, and it was not undone."""
    return _APPLIED in model.__dict__


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
    """Return the trainable parameters of the adapters by full name, the task head excluded."""
    own = {id(parameter) for inserted in applied(model).inserted for parameter in inserted.parameters}
    return {name: parameter for name, parameter in model.named_parameters() if id(parameter) in own}


def trainable(model: PreTrainedModel) -> dict[str, nn.Parameter]:
    """Return the parameters that train, adapters and task head, by full name."""
    return {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}


def tuner_layers(model: nn.Module) -> Iterator[BaseTunerLayer]:
    """Yield the PEFT layers in a model, outer before inner."""
    return (module for module in model.modules() if isinstance(module, BaseTunerLayer))


def original_name(name: str) -> str:
    """Return the name a module had before modules around it were wrapped."""
    return ".".join(part for part in name.split(".") if part != "base_layer")
