"""`autopeft evaluate`: measure saved adapters."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from autopeft.cli import options
from autopeft.cli.data_options import DATA, named_by, takes
from autopeft.cli.echo import echo
from autopeft.cli.header import announce, shown

if TYPE_CHECKING:
    from rich.table import Table

    from autopeft.training import Evaluation

__all__ = ["evaluate"]

#: So many labels are listed; `--json` has all.
_LISTED = 50


class Split(StrEnum):
    """The splits that adapters can be measured on."""

    validation = "validation"
    test = "test"


@takes([name for name in DATA if name not in ("data", "pool")])
def evaluate(
    adapter: Annotated[Path, typer.Argument(help="Folder of saved adapters.")],
    data: options.OneOrMore = None,
    split: Annotated[Split, typer.Option(help="Which split.")] = Split.test,
    model: Annotated[
        str | None, typer.Option(help="Hub id, folder or smollm2; default: the one they were trained on.")
    ] = None,
    revision: options.Revision = None,
    roles: options.Roles = None,
    trust_remote_code: options.TrustRemoteCode = False,
    generate: options.Generate = None,
    seed: options.Seed = None,
    batch_size: options.BatchSize = None,
    max_length: options.MaxLength = None,
    precision: options.Precision = None,
    load_in_4bit: options.LoadIn4bit = None,
    load_in_8bit: options.LoadIn8bit = None,
    json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
    **settings: Any,
) -> None:
    """Measure saved adapters on the test split, or on validation, of a task."""
    flags = {
        name: value
        for name, value in locals().items()
        if value is not None and name not in ("adapter", "data", "split", "json", "settings")
    }
    flags |= settings | named_by(data)
    from autopeft.cli.json_output import documents
    from autopeft.cli.quiet import quiet
    from autopeft.cli.terminal import Terminal
    from autopeft.plugins import load_plugin
    from autopeft.training import evaluate as measure
    from autopeft.training import evaluation_ground
    from autopeft.trials import kind_of

    quiet()
    with documents(json) as write:
        if "plugin" in settings:
            load_plugin(settings["plugin"])
        ground = evaluation_ground(adapter, flags)
        setting = ground.setting
        how = f"{split.value}, {kind_of(ground.task).cut} {setting.max_length} tokens, {setting.precision}"
        announce(Terminal(stderr=json), ground.backbone, ground.task, "measure", [how, *ground.notes])
        found = measure(adapter, ground.backbone, ground.task, setting, split.value)
        warning = found.warning()
        if warning:
            echo(warning, err=True)
        if json:
            write(found.to_dict())
            return
    echo(f"{found.configuration}, of {ground.backbone.name}")
    figures = ", ".join(f"{name} {value:.4f}" for name, value in found.figures.items())
    echo(f"on {found.examples:,} examples of {split.value} of {ground.task.name}: {figures}")
    if found.labels:
        Terminal().print(_by_label(found))
        if len(found.labels) > _LISTED:
            echo(f"and {len(found.labels) - _LISTED} more labels; --json has all, and which is taken for which")


def _by_label(found: Evaluation) -> Table:
    """Return a table of the labels, those of most support first."""
    from rich.table import Table
    from rich.text import Text

    table = Table("label", "precision", "recall", "support", box=None, pad_edge=False)
    for one in sorted(found.labels, key=lambda each: -each.support)[:_LISTED]:
        shares = ("-" if share is None else f"{share:.4f}" for share in (one.precision, one.recall))
        table.add_row(Text(shown(one.label)), *shares, f"{one.support:,}")
    return table
