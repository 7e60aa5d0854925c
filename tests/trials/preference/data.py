"""Pairs of a happy and a sad answer, in the forms that they come in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from autopeft.tasks import Task, TaskSpec, load_task
from autopeft.testing.models import TEXTS

ASKED = tuple(" ".join(text.split()[:3]) for text in TEXTS)


def plain(count: int = 60) -> list[dict[str, Any]]:
    """Return rows of texts; answers have different lengths."""
    return [
        {
            "prompt": f"{ASKED[n % 5]} {TEXTS[5].split()[n % 10]} {TEXTS[4].split()[n // 10]}",
            "chosen": f" good happy {' '.join(TEXTS[n % 4].split()[: 2 + n % 5])}",
            "rejected": f" bad sad {' '.join(TEXTS[(n + 1) % 4].split()[: 1 + n % 6])}",
        }
        for n in range(count)
    ]


def said(role: str, content: str) -> dict[str, str]:
    """Return a message."""
    return {"role": role, "content": content}


def talks(count: int = 60) -> list[dict[str, Any]]:
    """Return rows of messages, the prompt of some with a system's and an earlier answer."""
    found = []
    for n, row in enumerate(plain(count)):
        earlier = [said("system", TEXTS[0]), said("user", TEXTS[1]), said("assistant", TEXTS[2])] if n % 3 == 0 else []
        answers = {key: [said("assistant", row[key].strip())] for key in ("chosen", "rejected")}
        found.append({"prompt": [*earlier, said("user", row["prompt"])], **answers})
    return found


def whole_talks(count: int = 60) -> list[dict[str, Any]]:
    """Return rows of two conversations that begin alike."""
    return [{key: [*row["prompt"], *row[key]] for key in ("chosen", "rejected")} for row in talks(count)]


def written(folder: Path, rows: list[dict[str, Any]], name: str = "pairs.jsonl") -> str:
    """Write rows as JSON lines."""
    (folder / name).write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(folder / name)


def task_of(folder: Path, rows: list[dict[str, Any]], **spec: Any) -> Task:
    """Return the task that rows are read as."""
    return load_task(TaskSpec(data=written(folder, rows), **spec))
