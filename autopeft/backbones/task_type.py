"""What PEFT calls the task of a model, by the class that it is of."""

from __future__ import annotations

from transformers import PreTrainedModel

__all__ = ["task_type_of"]


def task_type_of(model: PreTrainedModel) -> str:
    """Return PEFT's name of what a model does; it says which class of PEFT's wraps the model.

    Args:
        model: A task model, with or without weights.
    """
    if model.get_output_embeddings() is not None:
        return "CAUSAL_LM"
    if model.base_model is model:
        return "FEATURE_EXTRACTION"
    # Code that a model brings may have classes of its own, which transformers does not list.
    return "TOKEN_CLS" if type(model).__name__.endswith("ForTokenClassification") else "SEQ_CLS"
