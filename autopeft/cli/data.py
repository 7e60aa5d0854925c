"""`autopeft data`: what a search would read, before anything trains."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from autopeft.cli import options
from autopeft.cli.data_options import DATA, takes
from autopeft.cli.header import shown

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["data"]

#: Options of this verb that are no settings of a search.
_NO_SETTINGS = ("file", "tokens", "json", "settings")

#: So many labels are listed; `--json` has all.
_LISTED = 50


@takes([name for name in DATA if name != "data"])
def data(
    file: Annotated[
        str | None, typer.Argument(help="File, folder, pattern of files, or a `datasets` name.", metavar="FILE")
    ] = None,
    model: options.Model = None,
    revision: options.Revision = None,
    trust_remote_code: options.TrustRemoteCode = False,
    seed: options.Seed = None,
    tokens: Annotated[bool, typer.Option("--tokens", help="Show the examples token by token.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    **settings: Any,
) -> None:
    """Show what a search would read: rows, what is dropped, labels, lengths, and what decoders learn."""
    flags = {
        name: value for name, value in locals().items() if value is not None and name not in _NO_SETTINGS
    } | settings
    from autopeft.cli.json_output import documents
    from autopeft.cli.quiet import quiet
    from autopeft.cli.terminal import Terminal
    from autopeft.launch import SearchPlan, look

    quiet()
    with documents(json) as write:
        found = look(SearchPlan.of({"data": file, **flags} if file is not None else flags, "flags"))
        if json:
            write(found.data)
            return
    _show(Terminal(), found.lines, found.data, tokens)


def _show(console: Console, lines: list[str], found: dict[str, Any], tokens: bool) -> None:
    def say(line: str) -> None:
        console.print(line, highlight=False, markup=False, soft_wrap=True)

    for line in lines:
        say(line)
    lengths = found["lengths"]
    say(
        f"lengths in {lengths['unit']}: {lengths['shortest']} to {lengths['longest']}, median {lengths['median']:g}, "
        f"95 % up to {lengths['95th percentile']:g}"
    )
    if "labels" in found:
        console.print(_label_table(found))
        if len(found["labels"]) > _LISTED:
            say(f"and {len(found['labels']) - _LISTED} more labels; --json lists all")
    for example in found["examples"]:
        _show_example(console, example, tokens)


def _label_table(found: dict[str, Any]) -> Any:
    from rich.table import Table
    from rich.text import Text

    table = Table("label", *found["splits"], box=None, pad_edge=False)
    for label, counts in list(found["labels"].items())[:_LISTED]:
        table.add_row(Text(shown(label)), *map(str, counts.values()))
    return table


def _show_example(console: Console, example: Any, tokens: bool) -> None:
    """Show an example; what is learned of it stands in brackets, bold where there is colour."""
    from rich.text import Text

    shown = Text("\n")
    if isinstance(example, dict):
        # A text, two of them, or what a picture is called.
        text = next(iter(example.values()))
        shown.append("  |  ".join(text) if isinstance(text, tuple | list) else text)
        shown.append(f"  ->  {example['label']}")
        console.print(shown, soft_wrap=True)
        return
    for part in example:
        if "role" in part:
            shown.append(f"{part['role']}: {part['content']}\n")
            continue
        learned = part["learned"]
        words = [token["text"] for token in part["tokens"]] if tokens else [part["text"]]
        shown.append("[[" if learned else "")
        shown.append("|".join(words), style="bold green" if learned else "")
        shown.append("]]" if learned else "|" if tokens else "")
    console.print(shown, soft_wrap=True)
