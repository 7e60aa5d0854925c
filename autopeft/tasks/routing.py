"""How rows say of which of several tasks they are."""

from __future__ import annotations

__all__ = ["TASK_COLUMN"]

#: The column that does.
TASK_COLUMN = "task"
