"""Copies a script beside the files of an export."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from peft import PeftConfig

from autopeft.export.adapter import is_stock

__all__ = ["SCRIPT", "write_script"]

#: Name of the script in an export.
SCRIPT = "train.py"

_FIRST = "from __future__ import annotations\n"


def write_script(name: str, config: PeftConfig, folder: Path) -> list[str]:
    """Write a script of `autopeft.export.scripts` as `train.py`.

    Args:
        name: Its name there.
        config: The adapter's config; one that PEFT lacks is entered by importing autopeft.
        folder: Where to write.

    Returns:
        The line that says how to run it.
    """
    text = (files("autopeft.export.scripts") / f"{name}.py").read_text(encoding="utf8")
    if not is_stock(config):
        text = text.replace(_FIRST, f"{_FIRST}\nimport autopeft  # noqa: F401  (PEFT lacks {config.peft_type})\n", 1)
    (folder / SCRIPT).write_text(text, encoding="utf8")
    return [f"python {SCRIPT}"]
