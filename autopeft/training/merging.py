"""Adapters folded into the weights: a plain model that needs neither PEFT nor autopeft."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import torch
from transformers import PreTrainedModel

from autopeft.backbones import Backbone, quantization_of
from autopeft.errors import ConfigurationError
from autopeft.methods import load
from autopeft.methods.builder import applied, plan
from autopeft.saved import CARD, task_config, task_tokenizer, use_of, write_card
from autopeft.space import Configuration
from autopeft.tasks import Task, pad_id_of
from autopeft.training.card import card_of
from autopeft.training.result import MERGED, FineTuned
from autopeft.trials import TrialKind, TrialSetting, kind_of, pick_device
from autopeft.trials.settled import read_settled, settle, write_settled
from autopeft.whole_folder import WRITTEN, whole_folder

__all__ = ["add_merged", "check_mergeable", "merge"]

#: Largest difference of answers, as a share of their size, that is rounding.
_CLOSE = 1e-3

#: Training examples on which a merged model is checked.
_FEW = 4


def check_mergeable(configuration: Configuration, quantization: str | None = None) -> None:
    """Check, before anything is trained, that a configuration can be folded into the weights.

    Args:
        configuration: The configuration.
        quantization: In how few bits the weights are held.

    Raises:
        ConfigurationError: Naming the methods that cannot, or weights that take nothing in.
    """
    if quantization is not None:
        raise ConfigurationError(
            f"weights in {quantization} take no adapters in without loss; train without --load-in-{quantization} "
            "to merge, or leave --merge out"
        )
    stuck = sorted(
        {
            part.method.words.name
            for part in plan(configuration)
            if not all(map(part.method.merges, part.cells.values()))
        }
    )
    if stuck:
        raise ConfigurationError(
            f"{' and '.join(stuck)} cannot be folded into the backbone's weights; leave --merge out, or pick a "
            "configuration of methods that can, such as plain LoRA"
        )


@torch.no_grad()
def merge(model: PreTrainedModel, inputs: Mapping[str, torch.Tensor], kind: TrialKind) -> None:
    """Fold the adapters of a model into its weights, in place; it cannot be adapted or saved as adapters any more.

    Args:
        model: A model that `autopeft.methods.apply` adapted.
        inputs: A batch without labels, by the answers to which the outcome is checked.
        kind: What the task is.

    Raises:
        ConfigurationError: When a method cannot be folded in, the weights are in few bits, or the merged model
            computes something else.
    """
    done = applied(model)
    check_mergeable(done.configuration, quantization_of(model))
    model.eval()
    expected = kind.answered(model, inputs)
    for inserted in done.inserted:
        inserted.tuner.merge_and_unload()
    for pruner in done.pruners:
        pruner.masks.merged()
    apart = kind.apart(expected, kind.answered(model, inputs))
    if not apart <= _CLOSE:
        raise ConfigurationError(
            f"the merged model answers otherwise, by up to {apart:.2g} of the size of answers: these methods sit in "
            "each other's way; leave --merge out"
        )


def add_merged(
    configuration: Configuration,
    backbone: Backbone,
    task: Task,
    setting: TrialSetting,
    seed: int,
    found: FineTuned,
    origin: str = "",
) -> FineTuned:
    """Write, beside trained adapters, a plain model with them folded in; arguments as `fine_tune` took and gave them.

    Returns:
        What was found, with the merged model. The folder holds all of it, or what it held before.

    Raises:
        ConfigurationError: When they cannot be folded in.
    """
    kind, tokenizer = kind_of(task), task_tokenizer(backbone, task)
    model = kind.model(backbone, pick_device())
    load(found.folder, model, backbone.anatomy)
    settled = read_settled(kind.settles, found.folder)
    settle(model.config, settled)
    few = kind.encode(task.train.take(range(min(_FEW, len(task.train)))), tokenizer, setting.max_length)
    batch = kind.collate(few, np.arange(len(few)), pad_id_of(tokenizer))
    merge(model, {name: value.to(model.device) for name, value in batch.items() if name != "labels"}, kind)
    config = task_config(backbone, task)
    for name in ("problem_type", "pad_token_id"):
        setattr(model.config, name, getattr(config, name, None))
    done = replace(found, merged=found.folder / MERGED)
    with whole_folder(found.folder) as new:
        shutil.copytree(found.folder, new, copy_function=_link, dirs_exist_ok=True)
        model.save_pretrained(new / MERGED)
        tokenizer.save_pretrained(new / MERGED)
        write_settled(settled, new / MERGED)
        use_of(backbone, task, setting, whole=True).write(new / MERGED)
        kind.write_beside(new / MERGED, tokenizer, task, generation=getattr(model, "generation_config", None))
        for place, merged in ((new / MERGED, True), (new, False)):
            # What is a link would be written into where it is from.
            (place / CARD).unlink(missing_ok=True)
            card = card_of(configuration, backbone, task, setting, seed, done, origin, merged=merged)
            write_card(card, place, () if merged else (WRITTEN,))
    return done


def _link(source: str, target: str) -> None:
    """Give a file a second name, where the file system can; else copy it."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
