"""What a model has no embedding for, looked for before anything is computed."""

from __future__ import annotations

from collections import Counter
from itertools import chain
from typing import Any

from torch import nn
from transformers import PreTrainedModel

from autopeft.backbones import Backbone
from autopeft.errors import AutopeftError, BackboneError
from autopeft.tasks import Task, pad_id_of
from autopeft.trials.kinds import kind_of
from autopeft.trials.setting import TrialSetting

__all__ = ["check_limits"]

#: Last parts of the names of embeddings of positions.
_POSITIONS = ("position_embeddings", "wpe", "embed_positions")

#: Tokens past the embeddings that a message names.
_NAMED = 3


def check_limits(backbone: Backbone, task: Task, setting: TrialSetting) -> None:
    """Check that a model has an embedding for every token and position of the data.

    Args:
        backbone: The backbone; its weights are not loaded.
        task: The data.
        setting: How trials train.

    Raises:
        AutopeftError: When it has not.
    """
    if not backbone.modality.tokenizes:
        return
    model = backbone.meta()
    positions = _positions(model)
    if positions is not None and setting.max_length > positions:
        raise AutopeftError(
            f"texts are cut at {setting.max_length} tokens, but {backbone.name} has embeddings for {positions} "
            f"positions; expected --max-length {positions} or less"
        )
    tokenizer = backbone.tokenizer()
    rows = _rows(model)
    # Most tokenizers cannot write a token past the embeddings, so that no text need be looked at.
    if max(tokenizer.get_vocab().values()) < rows:
        return
    mend = "resize its embeddings (model.resize_token_embeddings(len(tokenizer))) and save it"
    pad = pad_id_of(tokenizer)
    if pad >= rows:
        end = tokenizer.eos_token
        other = (
            f"set pad_token in its tokenizer_config.json to {end!r}, or "
            if end not in (None, tokenizer.pad_token)
            else ""
        )
        raise BackboneError(
            f"{backbone.name} pads texts with {tokenizer.pad_token!r}, which is token {pad}, but it has embeddings for "
            f"tokens 0 to {rows - 1}; {other}{mend}"
        )
    past = _past(task, tokenizer, setting, rows)
    if past:
        named = ", ".join(
            f"{tokenizer.convert_ids_to_tokens(token)!r} (token {token}, {count} times)"
            for token, count in past.most_common(_NAMED)
        )
        more = f" and {len(past) - _NAMED} more" if len(past) > _NAMED else ""
        raise BackboneError(
            f"{backbone.name} has embeddings for tokens 0 to {rows - 1}, but its tokenizer writes {named}{more} in the "
            f"texts of {task.name}; take the tokenizer that it was trained with, or {mend}"
        )


def _positions(model: PreTrainedModel) -> int | None:
    """Return for how many positions a model has embeddings; None where it computes them."""
    found = []
    for name, module in model.named_modules():
        if isinstance(module, nn.Embedding) and name.rpartition(".")[2] in _POSITIONS:
            # RoBERTa counts from the padding token on, OPT from an offset.
            first = getattr(module, "offset", 0) if module.padding_idx is None else module.padding_idx + 1
            found.append(module.num_embeddings - first)
    return min(found, default=None)


def _rows(model: PreTrainedModel) -> int:
    """Return how many tokens a model can read and, where it writes, write."""
    ends = (model.get_input_embeddings(), model.get_output_embeddings())
    return min(int(each.weight.shape[0]) for each in ends if each is not None)


def _past(task: Task, tokenizer: Any, setting: TrialSetting, rows: int) -> Counter[int]:
    """Count the tokens past the embeddings in all texts of a task, as trials read them."""
    found: Counter[int] = Counter()
    for each, how in kind_of(task).each_of(task, tokenizer, setting) or [(task, setting)]:
        for split in each.splits.values():
            ids = kind_of(each).encode(split, tokenizer, how.max_length).inputs["input_ids"]
            found.update(token for token in chain.from_iterable(ids) if token >= rows)
    return found
