"""Copies a script beside the files of an export."""

from __future__ import annotations

import shutil
from importlib.resources import files
from pathlib import Path

from peft import PeftConfig

from autopeft.export.adapter import is_stock
from autopeft.export.job import ExportJob
from autopeft.saved.companions import plugin_files

__all__ = ["SCRIPT", "write_script"]

#: Name of the script in an export.
SCRIPT = "train.py"

_FIRST = "from __future__ import annotations\n"
_MAIN = 'if __name__ == "__main__":\n'


def write_script(package: str, name: str, config: PeftConfig, job: ExportJob, folder: Path) -> None:
    """Write a script as `train.py`.

    Args:
        package: The package that holds it.
        name: Its name there.
        config: The adapter's config; one that PEFT lacks is entered by importing autopeft.
        job: What is exported.
        folder: Where to write.
    """
    text = (files(package) / name).read_text(encoding="utf8")
    if not is_stock(config):
        lines = [f"import autopeft  # noqa: F401  (PEFT lacks {config.peft_type})"]
        for file in plugin_files(job.configuration):
            shutil.copyfile(file, folder / file.name)
            text = text.replace(_MAIN, f"{_MAIN}    load_plugin(HERE / {file.name!r})\n", 1)
            lines.append("from autopeft.methods import load_plugin")
        text = text.replace(_FIRST, "\n".join([_FIRST, *dict.fromkeys(lines), ""]), 1)
    (folder / SCRIPT).write_text(f"# {job.came_from}\n{text}", encoding="utf8")
