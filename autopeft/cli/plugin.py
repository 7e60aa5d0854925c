"""`autopeft plugin`: a file to begin one's own method or kind of task with."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from autopeft.cli.echo import echo

__all__ = ["plugin"]


class Sort(StrEnum):
    """What a plugin can add."""

    method = "method"
    kind = "kind"


#: The examples that show how.
_FILES = {Sort.method: "own_method.py", Sort.kind: "own_task.py"}


def plugin(
    sort: Annotated[Sort, typer.Argument(help="A way to adapt a model, or a kind of task.")],
    output: Annotated[Path | None, typer.Option("--output", "-o", help="File to write; default: print it.")] = None,
) -> None:
    """Print a working plugin to begin with; every verb takes it by --plugin."""
    from autopeft.errors import AutopeftError

    package = Path(__file__).resolve().parents[1]
    places = [root / "examples" / _FILES[sort] for root in (package.parent, package)]
    text = next(path for path in places if path.is_file()).read_text(encoding="utf8")
    if output is None:
        typer.echo(text, nl=False)
        return
    try:
        with output.open("x", encoding="utf8") as file:
            file.write(text)
    except OSError as error:
        raise AutopeftError(f"cannot write {output}: {error.strerror}; name a file that is not there yet") from error
    echo(f"{output} holds a working {sort}; change it, and name it by --plugin {output}")
