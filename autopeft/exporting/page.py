"""The page of an export: where it comes from, the one command, and what every file is."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import yaml

from autopeft.exporting.guide import Guide
from autopeft.exporting.job import ExportJob

__all__ = ["PAGE", "escaped", "write_page"]

#: Name of the page; forges and hubs show a file of this name.
PAGE = "README.md"

#: What Markdown or HTML would take for its own.
_SPECIAL = re.compile(r"([\\`*_\[\]<>|#])")


def escaped(text: str) -> str:
    """Return text as it stands in a line or a table's cell of Markdown."""
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))


def write_page(job: ExportJob, target: str, guide: Guide, left_out: Sequence[str], folder: Path) -> None:
    """Write `README.md` into an export.

    Args:
        job: What was exported.
        target: Name of the target.
        guide: What it says of its files.
        left_out: What it cannot express.
        folder: The export.
    """
    blocks = [
        f"# {escaped(job.backbone.name)} on {escaped(job.task.name)}, for {target}",
        f"From {escaped(job.came_from)}.",
        escaped(job.configuration.describe() if job.configuration.modules else "No adapters: the head alone."),
    ]
    if guide.command:
        blocks += ["## Run it", f"In this folder, on the machine that searched:\n\n    {guide.command}"]
    if guide.code:
        blocks += ["## Load it", f"```python\n{guide.code}\n```"]
    if guide.notes or left_out:
        lines = [*guide.notes, *(f"Left out: {each}" for each in left_out)]
        blocks += ["## To know", "\n".join(f"- {escaped(line)}" for line in lines)]
    rows = "\n".join(f"| `{path}` | {escaped(what)} |" for path, what in _files(guide).items())
    blocks += ["## Files", f"| file | what it is |\n| --- | --- |\n{rows}"]
    plain = yaml.safe_dump(job.configuration.to_dict(), sort_keys=False, allow_unicode=True).strip()
    blocks += ["## Configuration", f"```yaml\n{plain}\n```"]
    (folder / PAGE).write_text("\n\n".join(blocks) + "\n", encoding="utf8")


def _files(guide: Guide) -> dict[str, str]:
    return {
        **guide.files,
        PAGE: "this page",
        "written.json": "the names of all files here, by which autopeft knows them",
    }
