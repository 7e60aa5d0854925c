"""The reference of the command line, made of the application itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from typer.core import TyperArgument, TyperOption
from typer.main import get_command

from autopeft.cli import app

__all__ = ["commands", "reference"]


def commands() -> Iterator[tuple[str, Any]]:
    """Yield every verb with its command, verbs of groups after their group: `spaces`, `spaces list`, ..."""
    yield from _below("", get_command(app))


def reference() -> str:
    """Return the Markdown of every verb: what it does, how it is called, its arguments and options."""
    return "\n\n".join(_section(name, command) for name, command in commands())


def _below(prefix: str, group: Any) -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        path = f"{prefix}{name}"
        yield path, command
        if hasattr(command, "commands"):
            yield from _below(f"{path} ", command)


def _section(name: str, command: Any) -> str:
    context = command.context_class(command)
    arguments = [each for each in command.params if isinstance(each, TyperArgument)]
    options = [each for each in command.params if isinstance(each, TyperOption) and not each.hidden]
    words = {each: " ".join(each.get_usage_pieces(context)) for each in arguments}
    usage = " ".join(["autopeft", name, *(["[OPTIONS]"] if options else []), *words.values()])
    rows = [
        *(f"| `{written.strip('[]')}` | {_cell(each.help or '')} |" for each, written in words.items()),
        *map(_option, options),
    ]
    table = "\n".join(["| | |", "| --- | --- |", *rows])
    parts = [f"## {name}", f"    {usage}", _paragraphs(command.help), table if rows else ""]
    return "\n\n".join(part for part in parts if part)


def _option(option: TyperOption) -> str:
    names = ", ".join(f"`{name}`" for name in (*option.opts, *option.secondary_opts))
    return f"| {names} | {_cell(option.help or '')} |"


def _cell(text: str) -> str:
    """Return text as the cell of a table; `\\[` keeps brackets from being read as markup of the terminal."""
    return " ".join(text.replace("\\[", "[").split()).replace("|", "\\|").replace("[", "\\[").replace("<", "&lt;")


def _paragraphs(text: str | None) -> str:
    return "\n\n".join(" ".join(part.split()) for part in (text or "").split("\n\n"))
