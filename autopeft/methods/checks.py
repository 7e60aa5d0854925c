"""What is looked at before adapters are put into a model: whether they fit it, each other and how they are trained."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from torch import nn
from transformers import PreTrainedModel

from autopeft.backbones import Anatomy, Quantization, features
from autopeft.errors import ConfigurationError
from autopeft.methods.compression import COMPRESSION
from autopeft.methods.context import CONTEXT
from autopeft.methods.forward_only import OPTIMISER, forward_only_of
from autopeft.methods.layer import plain
from autopeft.methods.pruning import PRUNING, heads_of, matrices_of
from autopeft.methods.schedules import SCHEDULE
from autopeft.space import Configuration

if TYPE_CHECKING:
    from autopeft.methods.builder import Part

__all__ = ["check_fit", "check_parts"]


def check_parts(
    parts: Sequence[Part],
    configuration: Configuration,
    model: PreTrainedModel,
    anatomy: Anatomy,
    quantization: Quantization | None,
    built: Sequence[Part] | None = None,
) -> None:
    """Check what can be told of parts before they are built.

    Args:
        parts: Those of the configuration.
        configuration: The configuration.
        model: The model without them, on the meta device maybe.
        anatomy: The resolved anatomy of its backbone.
        quantization: In how few bits its frozen weights are held.
        built: What is built of the parts, where that is what is saved of them and does not train.

    Raises:
        ConfigurationError: Saying what stands in the way.
    """
    check_quantization(parts if built is None else built, quantization)
    check_order(parts, model)
    check_stepping(parts, configuration)
    check_compression(parts, configuration)
    check_pruning(parts, configuration, model, anatomy, quantization)
    if built is None:
        check_context(parts, configuration, model, anatomy, quantization)


def check_fit(part: Part, model: nn.Module, anatomy: Anatomy) -> None:
    """Check knobs against the matrices they are for, where PEFT would quietly build something else.

    Raises:
        ConfigurationError: Saying what does not fit.
    """
    if part.method.words.placement != "role":
        return
    for cell, knobs in part.cells.items():
        for name in part.method.modules(cell, knobs, anatomy):
            module = model.get_submodule(name)
            reason = part.method.misfit(knobs, *features(plain(module)))
            if reason:
                raise ConfigurationError(f"{part.method.words.name}: {reason}, at {name}")


def check_quantization(parts: Iterable[Part], quantization: Quantization | None) -> None:
    """Check that parts work beside the frozen weights of a backbone.

    Raises:
        ConfigurationError: Naming the first that does not.
    """
    if quantization is None:
        return
    for part in parts:
        if not all(part.method.works_beside(quantization, knobs) for knobs in part.cells.values()):
            raise ConfigurationError(
                f"{part.method.words.name}: not known to work beside weights in {quantization} with these knobs; "
                f"expected another method, or a backbone loaded without --load-in-{quantization}"
            )


def check_order(parts: Iterable[Part], model: PreTrainedModel) -> None:
    """Check that nothing lets a language model see, in what it is to learn, the tokens that come next.

    Raises:
        ConfigurationError: Naming the first part that looks at tokens to come.
    """
    if model.get_output_embeddings() is None:
        return
    for part in parts:
        if any(part.method.sees_padding(knobs) for knobs in part.cells.values()):
            raise ConfigurationError(
                f"{part.method.words.name}: with these knobs what it makes of a token depends on those after it, which "
                "are to be predicted, as by a mean over all tokens of a text, a convolution or queries that read all, "
                "so that a decoder cannot be tuned with it; expected no gate, or another method"
            )


def check_stepping(parts: Iterable[Part], configuration: Configuration) -> None:
    """Check that methods can be trained in the steps that a configuration asks for.

    Raises:
        ConfigurationError: Naming the first that has its own say in what of it trains when beside a schedule, or needs
            gradients where none are computed.
    """
    scheduled = SCHEDULE.asked(configuration.training)
    forward_only = forward_only_of(configuration.training) is not None
    for part in parts:
        name, method = part.method.words.name, part.method
        if scheduled and not method.schedulable:
            raise ConfigurationError(
                f"{name} has no layers to schedule, or its own rules; expected no schedule beside it"
            )
        if scheduled and scheduled.word.suppresses and not method.suppressible:
            raise ConfigurationError(
                f"{name} cannot be suppressed for a while; expected another schedule than ist for it"
            )
        if forward_only and any(map(method.steps_by_gradients, part.cells.values())):
            raise ConfigurationError(
                f"{name} needs gradients with these knobs; expected `{OPTIMISER.name}: {OPTIMISER.nothing}` for it"
            )


def check_compression(parts: Iterable[Part], configuration: Configuration) -> None:
    """Check that what a configuration asks to be compressed can be.

    Raises:
        ConfigurationError: Naming the first method that stores what cannot be.
    """
    if COMPRESSION.asked(configuration.training) is None:
        return
    for part in parts:
        name, method = part.method.words.name, part.method
        if not all(map(method.can_be_compressed, part.cells.values())):
            raise ConfigurationError(
                f"{name}: its adapters hold more than is trained, are of a size not known before, or are none with "
                "zeros in them, so that they cannot be compressed; expected no compression beside it"
            )
        if any(map(method.alters_weights, part.cells.values())):
            raise ConfigurationError(
                f"{name} begins with a part of the weights themselves with these knobs, which cannot be compressed; "
                "expected no compression, or a start that leaves the weights as they are"
            )


def check_pruning(
    parts: Iterable[Part],
    configuration: Configuration,
    model: PreTrainedModel,
    anatomy: Anatomy,
    quantization: Quantization | None,
) -> None:
    """Check that a model can be pruned as a configuration asks, beside its methods.

    Raises:
        ConfigurationError: Saying what stands in the way.
    """
    asked = PRUNING.asked(configuration.training)
    if asked is None:
        return
    if quantization is not None:
        raise ConfigurationError(
            f"weights in {quantization} cannot be pruned; expected `pruning: none`, or a backbone in full"
        )
    for part in parts:
        name, method = part.method.words.name, part.method
        if not method.prunable or any(map(method.alters_weights, part.cells.values())):
            raise ConfigurationError(
                f"{name} puts other weights in place of the frozen ones with these knobs, so that these cannot be "
                "pruned; expected `pruning: none` beside it"
            )
    try:
        asked.word.saved(matrices_of(model, anatomy), heads_of(model, anatomy), asked.knobs, 1)
    except ValueError as error:
        raise ConfigurationError(str(error)) from error


def check_context(
    parts: Iterable[Part],
    configuration: Configuration,
    model: PreTrainedModel,
    anatomy: Anatomy,
    quantization: Quantization | None,
) -> None:
    """Check that training can leave out of a model what a configuration asks for, beside its methods.

    Raises:
        ConfigurationError: Saying what stands in the way.
    """
    asked = CONTEXT.asked(configuration.training)
    if asked is None:
        return
    word, knobs, nothing = asked.word, asked.knobs, f"`{CONTEXT.name}: {CONTEXT.nothing}`"
    said = f"training.{CONTEXT.name}: {word.name}"
    reason = word.misfit(model, anatomy, knobs, quantized=quantization is not None)
    if reason is not None:
        raise ConfigurationError(f"{said}: {reason}; expected {nothing} or another model")
    if forward_only_of(configuration.training) is not None:
        raise ConfigurationError(
            f"{said}: it saves what waits for backward passes, which forward-only steps have none of; expected "
            f"{nothing}, or `{OPTIMISER.name}: {OPTIMISER.nothing}`"
        )
    closed = tuple(f"{name}." for name in word.closed(anatomy, knobs))
    for part in parts:
        name, method = part.method.words.name, part.method
        if not all(map(method.drops_beside, part.cells.values())):
            raise ConfigurationError(
                f"{name}: with these knobs it has keys and values of its own in the attention, or follows it and reads "
                f"of all tokens, some of which {word.name} leaves out; expected {nothing} beside it"
            )
        touched = (each for cell, own in part.cells.items() for each in method.modules(cell, own, anatomy))
        inside = next((each for each in touched if each.startswith(closed)), None)
        if inside is not None:
            raise ConfigurationError(
                f"{name}: it trains in {inside}, through which {word.name} lets no gradient but of some neurons; "
                f"expected `{word.opened}`, or nothing that trains there"
            )
