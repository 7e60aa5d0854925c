"""A trained model takes on what is kept of its adapters, and packed adapters come back into a model."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from transformers import PreTrainedModel

from autopeft.backbones import Anatomy
from autopeft.errors import ConfigurationError
from autopeft.methods.builder import applied, apply, remove
from autopeft.methods.compression import COMPRESSION, CompressionAsked
from autopeft.methods.tensors import restore, stored_tensors
from autopeft.space import Configuration

__all__ = ["Starts", "compress", "compress_as", "is_packed", "pack", "starts_of", "unpack"]

#: What adapters are before they are trained, by the names of their parts and of their tensors.
Starts = Mapping[str, Mapping[str, Tensor]]

#: What the names of packed tensors begin with in a file that holds others too.
_PACKED = "packed."


def compress(model: PreTrainedModel) -> None:
    """Put in place of the adapters of a model what its configuration says is to be kept of them.

    Nothing is done where that has been done, or the configuration asks for no compression.

    Args:
        model: A model that `apply` adapted, trained.
    """
    done = applied(model)
    if not done.stored:
        compress_as(done.configuration, model)


@torch.no_grad()
def compress_as(configuration: Configuration, model: PreTrainedModel) -> int:
    """Put in place of the adapters of a model what a configuration says is to be kept of them.

    Args:
        configuration: That of the model, with what it says of compression; nothing is done where it asks for none.
        model: A model with trained adapters that are not compressed yet.

    Returns:
        The bytes of what is kept, and of the masks of what is pruned beside it.
    """
    done, asked = applied(model), COMPRESSION.asked(configuration.training)
    if asked is None:
        return 0
    trained = {
        each.part.name: {name: value.clone() for name, value in stored_tensors(each, done.anatomy).items()}
        for each in done.inserted
    }
    masks = [pruner.stored() for pruner in done.pruners]
    remove(model)
    try:
        starts = starts_of(configuration, model, done.anatomy)
        packed = {part: pack(tensors, starts[part], asked) for part, tensors in trained.items()}
    except Exception:
        # Whoever takes adapters out again shall find some.
        apply(done.configuration, model, done.anatomy, stored=True)
        raise
    with _same_chance(model):
        apply(configuration, model, done.anatomy, stored=True)
    again = applied(model)
    for each in again.inserted:
        part = each.part.name
        restore(each, done.anatomy, unpack(packed[part], starts[part], asked, Path(part)), Path(part))
    for pruner, stored in zip(again.pruners, masks, strict=True):
        pruner.restore(stored)
    again.packed.update(packed)
    return sum(value.nbytes for tensors in (*packed.values(), *masks) for value in tensors.values())


def starts_of(configuration: Configuration, model: PreTrainedModel, anatomy: Anatomy) -> Starts:
    """Return what adapters start from that is the same each time, and 0 for what is drawn at random.

    Changes are counted from it, so of LoRA's factors both are changes as they are, of a trained copy what was added to
    the weights, of (IA)3's vectors what was added to 1 (Yadav et al. 2023, section 2).

    Args:
        configuration: The configuration of the adapters.
        model: A model without adapters; it has none again.
        anatomy: The resolved anatomy of its backbone.
    """
    builds = []
    with _same_chance(model):
        for seed in (0, 1):
            apply(configuration, model, anatomy, seed=seed, stored=True)
            builds.append(
                {
                    each.part.name: {name: value.clone() for name, value in stored_tensors(each, anatomy).items()}
                    for each in applied(model).inserted
                }
            )
            remove(model)
    first, second = builds
    return {
        part: {
            name: value if torch.equal(value, second[part][name]) else torch.zeros_like(value)
            for name, value in tensors.items()
        }
        for part, tensors in first.items()
    }


def _same_chance(model: PreTrainedModel) -> AbstractContextManager[None]:
    """Leave the generators of random numbers as they are."""
    device = next(model.parameters()).device
    return torch.random.fork_rng(devices=[device] if device.type == "cuda" else [])


def pack(tensors: Mapping[str, Tensor], starts: Mapping[str, Tensor], asked: CompressionAsked) -> dict[str, Tensor]:
    """Pack the tensors of a part; those that are no numbers stay as they are.

    Args:
        tensors: What was trained, by name.
        starts: What it was before, by the same names.
        asked: How.

    Raises:
        ConfigurationError: When the sizes changed in training.
    """
    names = _names(tensors)
    if names != _names(starts) or any(tensors[name].shape != starts[name].shape for name in names):
        raise ConfigurationError(
            "adapters that are of another size once they are trained cannot be compressed; expected no compression"
        )
    changes = _flat([tensors[name].float() - starts[name].to(tensors[name]).float() for name in names])
    packed = asked.word.pack(changes, asked.knobs)
    others = {name: value for name, value in tensors.items() if name not in names}
    return {**others, **{_PACKED + name: value.contiguous() for name, value in packed.items()}}


def unpack(
    packed: Mapping[str, Tensor], starts: Mapping[str, Tensor], asked: CompressionAsked, source: Path
) -> dict[str, Tensor]:
    """Return the tensors of a part, as they are with what was kept.

    Args:
        packed: What `pack` returned; tensors of other names are left as they are.
        starts: What the part was before it was trained.
        asked: How it was packed.
        source: Where it is from, for messages.

    Raises:
        ConfigurationError: When something else is packed.
    """
    names = _names(starts)
    own = {name.removeprefix(_PACKED): value for name, value in packed.items() if name.startswith(_PACKED)}
    try:
        changes = asked.word.unpack(own, sum(starts[name].numel() for name in names))
    except ValueError as error:
        raise ConfigurationError(f"{source} does not hold what was packed: {error}; save the adapters again") from error
    found, at = {name: value for name, value in packed.items() if not name.startswith(_PACKED)}, 0
    for name in names:
        start = starts[name]
        change = torch.from_numpy(changes[at : at + start.numel()]).reshape(start.shape)
        found[name] = start.float() + change.to(start.device)
        at += start.numel()
    return found


def is_packed(tensors: Mapping[str, Tensor]) -> bool:
    """Tell whether tensors of a file are packed."""
    return any(name.startswith(_PACKED) for name in tensors)


def _names(tensors: Mapping[str, Tensor]) -> list[str]:
    """Return the names of tensors of numbers in the order in which they are packed."""
    return sorted(name for name, value in tensors.items() if value.is_floating_point())


def _flat(tensors: list[Tensor]) -> NDArray[np.float32]:
    if not tensors:
        return np.zeros(0, dtype=np.float32)
    found: NDArray[np.float32] = torch.cat([value.flatten().cpu() for value in tensors]).numpy()
    return found
