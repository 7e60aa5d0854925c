"""Which kind of trial a task needs."""

from __future__ import annotations

from autopeft.tasks import CausalTask, Task
from autopeft.trials.causal import CausalLM
from autopeft.trials.classification import Classification
from autopeft.trials.kind import Kind

__all__ = ["kind_of"]


def kind_of(task: Task | CausalTask) -> Kind:
    """Return what trials of a task have of their own."""
    return CausalLM(task.form) if isinstance(task, CausalTask) else Classification(task.labels)
