"""What a task settles: which backbone, the rate of stock LoRA, and which space unless one is named."""

from __future__ import annotations

from pathlib import Path

from autopeft.backbones import Backbone, Quantization, load_backbone, load_decoder
from autopeft.methods import STOCK_LEARNING_RATE, decoder_learning_rate
from autopeft.space import BackboneShape
from autopeft.tasks import CausalTask, Task

__all__ = ["backbone_for", "default_space", "stock_learning_rate"]


def backbone_for(
    task: Task | CausalTask,
    model: str | None,
    revision: str | None = None,
    roles: Path | None = None,
    quantization: Quantization | None = None,
    trust_remote_code: bool = False,
) -> Backbone:
    """Load what is needed to know the pretrained model of a task; further arguments as for `load_backbone`.

    Raises:
        BackboneError: The model cannot be found, read or understood, or cannot do the task.
    """
    load = load_decoder if isinstance(task, CausalTask) else load_backbone
    return load(model, revision, roles, quantization, trust_remote_code)


def default_space(task: Task | CausalTask) -> str:
    """Return the name of the search space of a plan that names none."""
    return "llm" if isinstance(task, CausalTask) else "default"


def stock_learning_rate(task: Task | CausalTask, shape: BackboneShape) -> float:
    """Return the peak learning rate of stock LoRA in trials of a task on a backbone."""
    return decoder_learning_rate(shape.hidden) if isinstance(task, CausalTask) else STOCK_LEARNING_RATE
