"""Open a trained small decoder, what it was without its adapters, and the large one that takes its shift."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from transformers import PreTrainedTokenizerBase

from autopeft.backbones import Backbone
from autopeft.errors import ConfigurationError
from autopeft.launch import SearchPlan, open_run
from autopeft.methods.storage import MANIFEST
from autopeft.saved import USE_FILE, Opened, Use, open_saved
from autopeft.selection import choice_of, pick, selected_front
from autopeft.training.fusion.fused import Fused
from autopeft.training.fusion.vocabulary import check_one_vocabulary
from autopeft.trials import kind_of, pick_device

__all__ = ["OpenedFused", "open_fused", "trained_pick"]


@dataclass(frozen=True)
class OpenedFused:
    """Three decoders as one.

    Args:
        model: All of them.
        tokenizer: That of the small one, whose tokens are the large one's.
        small: The small one with what was trained, as its folder holds it.
        backbone: The small one without.
        large: The large one.
        notes: Lines on what they are, for people.
    """

    model: Fused
    tokenizer: PreTrainedTokenizerBase
    small: Opened
    backbone: Backbone
    large: Backbone
    notes: tuple[str, ...]


def trained_pick(
    source: Path, chosen: str, *, trust_remote_code: bool = False, plugin: Path | None = None
) -> tuple[Path, SearchPlan | None]:
    """Return the folder of what was trained, and of a run its plan.

    Args:
        source: A run folder, or a folder of saved adapters.
        chosen: Of a run, the pick.
        trust_remote_code: Whether code that the model brings may run.
        plugin: The plugin that a run was searched with; one that only the run names is not run.

    Raises:
        AutopeftError: When there is no such run or pick.
        ConfigurationError: When the pick of a run was not trained and kept.
    """
    if (source / MANIFEST).is_file() or (source / USE_FILE).is_file():
        return source, None
    result = open_run(source, trust_remote_code, plugin=plugin)
    row = pick(selected_front(result), result.scale, chosen)
    trained = choice_of(result, row).trained
    if trained is None:
        raise ConfigurationError(
            f"no trained adapters of trial {row.trial} are in {source}, as trials keep none and it is no finalist; run "
            f"`autopeft train {source} --pick {row.trial} -o FOLDER`, and name that folder in place of the run"
        )
    return trained, result.plan


def open_fused(
    folder: Path,
    on: str,
    *,
    weight: float | None = None,
    model: str | None = None,
    trust_remote_code: bool = False,
) -> OpenedFused:
    """Load a trained small decoder, the same untrained, and the large one that takes its shift.

    Args:
        folder: Saved adapters of a decoder.
        on: The large model: a hub id, a folder or `smollm2`.
        weight: How much of the shift each token takes, in [0, 2]; solved for each when left out.
        model: Where the small model is now; where it was when left out.
        trust_remote_code: Whether code that the models bring may run.

    Raises:
        ConfigurationError: When the folder holds no adapters of a decoder that writes, or the vocabularies differ.
        BackboneError: When a model cannot be loaded.
    """
    kind = kind_of(Use.read(folder).empty_task())
    if not kind.writes:
        raise ConfigurationError(
            f"what is in {folder} {kind.does}; expected adapters of a decoder that writes text, for the logits of the "
            "next token are what is fused"
        )
    small = open_saved(folder, model, trust_remote_code=trust_remote_code)
    if small.backbone is None:
        raise ConfigurationError(
            f"{folder} holds a whole model; expected adapters, so that the model without them is known too"
        )
    large = kind.load_backbone(on, trust_remote_code=trust_remote_code)
    own, theirs = large.tokenizer(), small.backbone.tokenizer()
    check_one_vocabulary(own, theirs, (large.name, small.backbone.name))
    notes = small.notes
    if own.chat_template != theirs.chat_template:
        notes += (f"prompts go through the chat template of {small.backbone.name}, which {large.name} does not have",)
    device = pick_device()
    models = (kind.model(large, device), small.ready.model, kind.model(small.backbone, device))
    tokenizer = small.ready.tokenizer
    tokenizer.model_max_length = min(tokenizer.model_max_length, own.model_max_length)
    return OpenedFused(Fused(*models, weight=weight), tokenizer, small, small.backbone, large, notes)
