"""`autopeft init`: the YAML of a search to begin with."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from autopeft.cli import options
from autopeft.cli.data_options import DATA, takes
from autopeft.cli.echo import echo
from autopeft.errors import AutopeftError

if TYPE_CHECKING:
    from autopeft.launch import Preparation

__all__ = ["init"]

#: Options of this verb that are no settings of a search.
_NO_SETTINGS = ("file", "output", "yes", "settings")


@takes([name for name in DATA if name != "data"])
def init(
    file: Annotated[
        str | None, typer.Argument(help="File, folder, pattern of files, or a `datasets` name.", metavar="DATA")
    ] = None,
    model: options.Model = None,
    revision: options.Revision = None,
    budget: Annotated[str | None, typer.Option(help="Limit on trainable parameters: 1%, 300k, 2M.")] = None,
    space: Annotated[str | None, typer.Option(help="Shipped space or YAML file.")] = None,
    output: Annotated[Path, typer.Option("--output", "-o", help="File to write.")] = Path("search.yaml"),
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Never ask.")] = False,
    **settings: Any,
) -> None:
    """Look at data and model, say what is found, and write a commented YAML of a search.

    Without data it is that of the packaged default job. Beside it the JSON Schema is written by which editors complete.
    """
    flags = {
        name: value for name, value in locals().items() if value is not None and name not in _NO_SETTINGS
    } | settings
    from json import dumps

    from autopeft.cli.quiet import quiet
    from autopeft.launch import outline, plan_schema
    from autopeft.methods import VOCABULARY
    from autopeft.whole_file import write_text

    quiet()
    if output.exists():
        raise AutopeftError(f"{output} is there already; name another file by --output, or move it away")
    named = {"data": file, **flags} if file is not None else flags
    prepared, given = _prepared(named, asks=not yes and sys.stdin.isatty())
    for line in prepared.task.describe():
        echo(line)
    schema = output.with_suffix(".schema.json")
    output.parent.mkdir(parents=True, exist_ok=True)
    write_text(schema, dumps(plan_schema(VOCABULARY)))
    write_text(output, outline(prepared, {name: _plain(value) for name, value in given.items()}, schema.name))
    echo(f"{output} is written; see what it takes by `autopeft search {output} --dry-run`")


def _prepared(given: Mapping[str, Any], *, asks: bool) -> tuple[Preparation, Mapping[str, Any]]:
    """Prepare a search, asking for what its data does not show."""
    from autopeft.launch import SearchPlan, default_study, prepare

    if not {"data", "task"} & given.keys():
        given = {"task": SearchPlan.from_file(default_study()).task, **given}
    while True:
        try:
            return prepare(SearchPlan.of(given, "flags")), given
        except AutopeftError as error:
            if not asks:
                raise
            echo(str(error))
        said = typer.prompt("What is missing, such as `text=review label=stars`; nothing to stop", default="")
        if not said.strip():
            raise AutopeftError("nothing was written")
        given = {**given, **_read(said)}


def _read(said: str) -> dict[str, str]:
    pairs = [word.partition("=") for word in said.split()]
    return {name.lstrip("-").replace("-", "_"): value for name, _, value in pairs}


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, Path) else value
