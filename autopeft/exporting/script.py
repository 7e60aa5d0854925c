"""Writes a script beside the files of an export."""

from __future__ import annotations

import ast
import shutil
import sys
from collections import defaultdict
from importlib.resources import files
from pathlib import Path

from peft import PeftConfig

from autopeft.exporting.adapter import is_stock
from autopeft.exporting.job import ExportJob
from autopeft.saved.companions import plugin_files

__all__ = ["SCRIPT", "composed", "write_script"]

#: Name of the script in an export.
SCRIPT = "train.py"

_FIRST = "from __future__ import annotations\n"
_MAIN = 'if __name__ == "__main__":\n'

#: What scripts of kinds of task import of modules here as long as they are here.
_HERE = "autopeft."

#: Libraries of Python's own, whose imports come first.
_OWN = sys.stdlib_module_names


def write_script(package: str, name: str, config: PeftConfig, job: ExportJob, folder: Path) -> None:
    """Write a script as `train.py`.

    Args:
        package: The package that holds it.
        name: Its name there.
        config: The adapter's config; one that PEFT lacks is entered by importing autopeft.
        job: What is exported.
        folder: Where to write.
    """
    text = composed((files(package) / name).read_text(encoding="utf8"))
    if not is_stock(config):
        lines = [f"import autopeft  # noqa: F401  (PEFT lacks {config.peft_type})"]
        for file in plugin_files(job.configuration):
            shutil.copyfile(file, folder / file.name)
            text = text.replace(_MAIN, f"{_MAIN}    load_plugin(HERE / {file.name!r})\n", 1)
            lines.append("from autopeft.plugins import load_plugin")
        text = text.replace(_FIRST, "\n".join([_FIRST, *dict.fromkeys(lines), ""]), 1)
    (folder / SCRIPT).write_text(f"# {job.came_from}\n{text}", encoding="utf8")


def composed(script: str) -> str:
    """Return a script with the modules that it imports of autopeft, which need nothing of it themselves."""
    own = ast.parse(script)
    imported = [node.module for node in own.body if isinstance(node, ast.ImportFrom) and node.module is not None]
    sources = [_source(module) for module in imported if module.startswith(_HERE)]
    if not sources:
        return script
    shared = [ast.parse(source) for source in sources]
    plain: set[str] = set()
    named: dict[str, set[str]] = defaultdict(set)
    for statement in (*own.body, *(statement for tree in shared for statement in tree.body)):
        if isinstance(statement, ast.Import):
            plain.update(map(ast.unparse, statement.names))
        elif isinstance(statement, ast.ImportFrom) and not str(statement.module).startswith((_HERE, "__future__")):
            named[str(statement.module)].update(map(ast.unparse, statement.names))
    head = script[: script.index(_FIRST)] + _FIRST
    body, tail = _code(script, own).split(_MAIN)
    common = "\n\n".join(map(_code, sources, shared))
    return "\n".join([head, _imports(plain, named), "", common, "", body.rstrip(), "", "", _MAIN]) + tail


def _source(module: str) -> str:
    package, _, name = module.rpartition(".")
    return (files(package) / f"{name}.py").read_text(encoding="utf8")


def _code(source: str, tree: ast.Module) -> str:
    """Return what follows the imports of a module, without the list of its public names."""
    last = max(node.end_lineno or 0 for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom))
    text = "\n".join(source.splitlines()[last:]).strip()
    public = "".join(
        ast.get_source_segment(source, node) or ""
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
    )
    return text.replace(public, "", 1).strip() + "\n"


def _imports(plain: set[str], named: dict[str, set[str]]) -> str:
    """Write imports as they are sorted: Python's own first, plain ones before those of names."""
    lines = {f"import {name}": name for name in sorted(plain)}
    for name in sorted(named, key=str.lower):
        line = f"from {name} import {', '.join(sorted(named[name], key=_constant_first))}"
        if len(line) > 120:
            inner = "".join(f"    {each},\n" for each in sorted(named[name], key=_constant_first))
            line = f"from {name} import (\n{inner})"
        lines[line] = name
    groups: tuple[list[str], list[str]] = ([], [])
    for line, name in lines.items():
        groups[name.partition(".")[0] not in _OWN].append(line)
    return "\n\n".join("\n".join(group) for group in groups if group)


def _constant_first(name: str) -> tuple[bool, bool, str]:
    return (not name.isupper(), not name[:1].isupper(), name)
