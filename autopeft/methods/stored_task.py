"""What a stored config tells PEFT of the task of a model."""

from __future__ import annotations

from peft import PeftConfig
from transformers import PreTrainedModel

from autopeft.backbones import reads_tokens, task_type_of

__all__ = ["mixes_tasks", "stored_task_type"]


def stored_task_type(model: PreTrainedModel, config: PeftConfig) -> str | None:
    """Return the task type to store in a config of adapters; None for PEFT to hand on what a model is given, alone.

    Its classes for tasks hand on token ids and embeddings too, as None, which towers of pictures do not take.

    Args:
        model: A task model, with or without weights.
        config: The config, which may be of a prompt, or of what is mixed by task: these need such a class.
    """
    return task_type_of(model) if config.is_prompt_learning or mixes_tasks(config) or reads_tokens(model) else None


def mixes_tasks(config: PeftConfig) -> bool:
    """Tell whether PEFT asks of which task each input is; with us all are of one."""
    return any(hasattr(config, name) for name in ("num_tasks", "n_tasks"))
