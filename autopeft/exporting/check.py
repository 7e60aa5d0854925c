"""The check before an export: do its files build the model that our own builder builds?"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from peft import PeftModel
from torch import nn

from autopeft.backbones import Anatomy
from autopeft.errors import ConfigurationError
from autopeft.exporting.data import alike
from autopeft.exporting.job import ExportJob
from autopeft.exporting.rebuilt import Rebuilt, Tensors
from autopeft.exporting.target import Target
from autopeft.methods import adapter_parameters, apply, load, remove
from autopeft.methods.builder import Inserted, applied, inject_targets
from autopeft.methods.prompts import prompt_of
from autopeft.methods.tensors import PLACED, built_tensors, stored_tensors
from autopeft.tasks import pad_id_of
from autopeft.trials import TrialKind

__all__ = ["check", "randomise"]

#: Tokens of the text that is computed.
_TOKENS = 32

#: Examples that are tokenised as the tool does.
_EXAMPLES = 3

#: Largest difference of answers, as a share of their size, that is rounding.
_CLOSE = 1e-4

#: How far adapters are moved; further, and deep models answer rounding with other logits.
_MOVED = 0.05


class _Own(NamedTuple):
    """What our own builder built.

    Args:
        modules: Full names of the modules that were adapted.
        trainable: Trainable parameters, the task head not counted.
        tensors: The adapters' tensors.
        answer: What it answers one text with.
        growing: The methods in it that grow while they train.
    """

    modules: frozenset[str]
    trainable: int
    tensors: Tensors
    answer: torch.Tensor
    growing: tuple[str, ...]


def check(target: Target, job: ExportJob, folder: Path) -> None:
    """Build a model of exported files and compare it with our own: modules, parameters, answers, and what is learned.

    Both get the same random adapter weights, for at their start a lost rank or alpha would not show.

    Args:
        target: What wrote the files.
        job: What was exported.
        folder: The files.

    Raises:
        ConfigurationError: Saying what differs.
    """
    kind = job.kind
    tokenizer = job.backbone.tokenizer()
    encoded = kind.encode(job.task.train.take([0]), tokenizer, job.setting.max_length)
    batch = kind.collate(encoded, np.array([0]), pad_id_of(tokenizer))
    inputs = {key: value[:, :_TOKENS] for key, value in batch.items() if key != "labels"}
    _check_data(target, job, folder)
    for rebuild in target.rebuilds(folder):
        model = kind.model(job.backbone, torch.device("cpu"))
        own = _build(target, job, model, inputs)
        _compare(target, own, rebuild(folder, model, job.backbone), inputs, job)


def _check_data(target: Target, job: ExportJob, folder: Path) -> None:
    """Compare what the tool makes of the first examples with what trials do: the same tokens, the same labels."""
    found = target.read(job, folder, _EXAMPLES)
    if not found:
        return
    # Some of the first examples may be left out, with nothing to learn once they are cut.
    encoded = job.kind.encode(job.task.train, job.backbone.tokenizer(), job.setting.max_length)
    labels = encoded.inputs["labels"] if encoded.labels is None else encoded.labels.tolist()
    own = zip(encoded.inputs["input_ids"][: len(found)], labels[: len(found)], strict=True)
    for number, (its, ours) in enumerate(zip(found, own, strict=True), start=1):
        if not alike(its, ours):
            raise _differs(target, f"make other tokens or labels of example {number}")


def _compare(target: Target, own: _Own, rebuilt: Rebuilt, inputs: Mapping[str, torch.Tensor], job: ExportJob) -> None:
    if rebuilt.modules != own.modules:
        odd = sorted(rebuilt.modules ^ own.modules)
        raise _differs(target, f"adapt {len(rebuilt.modules)} modules, not {len(own.modules)}: see {odd[0]}")
    # What is trained already is whole in its files; how much of it would go on training is PEFT's affair.
    if job.trained is None and rebuilt.trainable != own.trainable:
        if own.growing:
            raise ConfigurationError(
                f"{' and '.join(own.growing)}: grows while it trains, which the files for {target.name} cannot say; "
                "expected what has been trained, as finalists are, another method, or --to autopeft"
            )
        raise _differs(target, f"train {rebuilt.trainable:,} parameters, not {own.trainable:,}")
    rebuilt.load(own.tensors)
    apart = job.kind.apart(own.answer, _answer(job.kind, rebuilt.model, {**inputs, **rebuilt.inputs}))
    if not apart <= _CLOSE:
        raise _differs(target, f"compute other answers, by up to {apart:.2g} of their size")


def _build(target: Target, job: ExportJob, model: Any, inputs: Mapping[str, torch.Tensor]) -> _Own:
    anatomy = job.backbone.anatomy
    if job.trained is not None and target.carries_weights:
        load(job.trained, model, anatomy)
    else:
        apply(job.configuration, model, anatomy, seed=0)
        randomise(model, _MOVED)
    inserted = applied(model).inserted
    own = _Own(
        frozenset(name for each in inserted for name in inject_targets(each.part, anatomy)),
        sum(parameter.numel() for parameter in adapter_parameters(model).values()),
        [{key: value.clone() for key, value in _tensors(each, model, anatomy).items()} for each in inserted],
        _answer(job.kind, model, inputs),
        tuple(sorted({each.part.method.words.name for each in inserted if each.part.method.grows})),
    )
    remove(model)
    return own


def _tensors(inserted: Inserted, model: nn.Module, anatomy: Anatomy) -> Mapping[str, torch.Tensor]:
    """Return the tensors of a part; of a prompt those of its encoder, for a network that makes it is not stored.

    Nor is one that makes a prefix: of what is stored as something else, the tensors are those it is built of. With them
    come those that it adds to the task head.
    """
    if isinstance(inserted.tuner, PeftModel):
        state: Mapping[str, torch.Tensor] = prompt_of(inserted.tuner).state_dict()
        return state
    method, cells = inserted.part.method, inserted.part.cells
    if any(method.stored(knobs) != knobs for knobs in cells.values()):
        return built_tensors(inserted, anatomy)
    in_head = {id(each) for each in method.in_head(inserted.tuner)}
    added = {PLACED + name: each.detach() for name, each in model.named_parameters() if id(each) in in_head}
    return {**stored_tensors(inserted, anatomy), **added}


@torch.no_grad()
def _answer(kind: TrialKind, model: nn.Module, inputs: Mapping[str, torch.Tensor]) -> torch.Tensor:
    """Return what a model answers in eval mode."""
    return kind.answered(model.eval(), inputs)


@torch.no_grad()
def randomise(model: Any, scale: float = 0.3) -> None:
    """Move every adapter tensor at random, so that a lost scale, size or place shows.

    Args:
        model: A model that `autopeft.methods.apply` adapted.
        scale: Standard deviation of what is added.
    """
    generator = torch.Generator().manual_seed(0)
    for parameter in adapter_parameters(model).values():
        parameter.add_(scale * torch.randn(parameter.shape, generator=generator).to(parameter))


def _differs(target: Target, how: str) -> ConfigurationError:
    return ConfigurationError(
        f"the files for {target.name} would {how}, unlike the configuration; nothing was written. "
        "This is a fault of the target: please report it with the configuration"
    )
