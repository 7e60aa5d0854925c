"""`autopeft schema`: what editors complete and check searches and spaces by."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from autopeft.cli import options

__all__ = ["schema"]


class Sort(StrEnum):
    """What people write in YAML."""

    plan = "plan"
    space = "space"


def schema(
    sort: Annotated[Sort, typer.Argument(help="The YAML of a search, or that of a search space.")],
    plugin: options.Plugin = None,
) -> None:
    """Print a JSON Schema, by which editors complete and check YAML.

    Editors with the YAML language server read it where the file begins with `# yaml-language-server: $schema=FILE`.
    """
    from autopeft.cli.json_output import documents
    from autopeft.cli.quiet import quiet
    from autopeft.launch import plan_schema
    from autopeft.methods import VOCABULARY
    from autopeft.plugins import load_plugin
    from autopeft.space import space_schema

    quiet()
    with documents(True) as write:
        if plugin is not None:
            load_plugin(plugin)
        write(plan_schema(VOCABULARY) if sort is Sort.plan else space_schema(VOCABULARY))
