"""What of a task model is its head."""

from __future__ import annotations

from torch import nn
from transformers import PreTrainedModel

from autopeft.backbones.task_type import task_type_of

__all__ = ["head_parameters", "last_of_head"]


def head_parameters(model: PreTrainedModel) -> dict[str, nn.Parameter]:
    """Return the parameters of the task head: what the model has outside its `base_model`.

    A causal language model has none: its `lm_head` belongs to the backbone.
    """
    if model.get_output_embeddings() is not None:
        return {}
    backbone = {id(parameter) for parameter in model.base_model.parameters()}
    return {name: parameter for name, parameter in model.named_parameters() if id(parameter) not in backbone}


def last_of_head(model: PreTrainedModel) -> str:
    """Return the full name of the linear layer of the task head that makes the logits of an input.

    Empty for a model without such a head, and for one that answers every token by itself.
    """
    if task_type_of(model) != "SEQ_CLS":
        return ""
    names = dict.fromkeys(name.rpartition(".")[0] for name in head_parameters(model))
    modules = {name: model.get_submodule(name) for name in names}
    outputs = model.config.num_labels
    found = [name for name, each in modules.items() if isinstance(each, nn.Linear) and each.out_features == outputs]
    return found[-1] if found else ""
