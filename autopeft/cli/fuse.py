"""`autopeft fuse`: what training gave a small decoder, added to a large one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from autopeft.cli import options
from autopeft.cli.data_options import DATA, takes
from autopeft.cli.echo import echo
from autopeft.cli.evaluate import Split
from autopeft.cli.header import announce, say_on

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.table import Table

    from autopeft.training import FusedRow

__all__ = ["fuse"]

#: Options of this verb that are no settings of a search.
_NO_SETTINGS = ("source", "on", "pick", "split", "json", "settings")


@takes([name for name in DATA if name != "pool"])
def fuse(
    source: Annotated[
        Path, typer.Argument(help="Run folder, or folder of saved adapters of a decoder.", metavar="RUN|ADAPTERS")
    ],
    on: Annotated[
        str, typer.Option(help="The large model, untrained, of the same vocabulary: hub id, folder or smollm2.")
    ],
    pick: Annotated[str, typer.Option(help=f"Of a run, among its finalists: {options.PICKS}.")] = "best",
    split: Annotated[Split, typer.Option(help="Which split.")] = Split.test,
    model: Annotated[
        str | None, typer.Option(help="Where the small model is now; default: where it was trained.")
    ] = None,
    trust_remote_code: options.TrustRemoteCode = False,
    generate: options.Generate = None,
    seed: options.Seed = None,
    batch_size: options.BatchSize = None,
    max_length: options.MaxLength = None,
    precision: options.Precision = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    **settings: Any,
) -> None:
    """Measure a large decoder with the shift that training gave to a small one, beside both alone.

    The logits of the large model are moved by those of the small one trained less those of it untrained: by all of that
    (weight 1, proxy tuning), and by a weight for each token with which the large model moves as far as the small one
    did. A run's data and settings are its own unless they are given; of adapters the data has to be named. The document
    of --json has `metric`, `split`, `examples`, `trained_on`, `configuration` and `models`, each with `name`,
    `figures`, `seconds`, `forwards` and `flops` a token, and the mean `weight`.
    """
    flags = {name: value for name, value in locals().items() if value is not None and name not in _NO_SETTINGS}
    flags |= settings
    from autopeft.cli.json_output import documents
    from autopeft.cli.quiet import quiet
    from autopeft.cli.terminal import Terminal
    from autopeft.plugins import load_plugin
    from autopeft.training import fuse as measure
    from autopeft.training import fusion_ground
    from autopeft.trials import kind_of

    quiet()
    with documents(json) as write:
        if "plugin" in settings:
            load_plugin(settings["plugin"])
        found = fusion_ground(source, on, flags, chosen=pick)
        ground, large, console = found.ground, found.opened.large, Terminal(stderr=json)
        setting = ground.setting
        lines = [
            *found.opened.notes,
            f"on {large.name}, {large.num_parameters:,} parameters, three forward passes a token",
            f"{split.value}, {kind_of(ground.task).cut} {setting.max_length} tokens, {setting.precision}",
            *ground.notes,
        ]
        announce(console, ground.backbone, ground.task, "fuse", lines)
        rows = []
        for row in measure(found, split.value):
            rows.append(row)
            figures = ", ".join(f"{name} {value:.4f}" for name, value in row.figures.items())
            say_on(console)(f"{row.name}: {figures}")
        told = found.on(split.value, rows[1].figures)
        warning = told.warning()
        if warning:
            echo(warning, err=True)
        if json:
            document = {"metric": ground.task.metric, "split": told.split, "examples": told.examples}
            document |= {"trained_on": told.seen, "configuration": told.configuration}
            write(document | {"models": [row.to_dict() for row in rows]})
            return
    console.print(_table(rows, ground.task.metric))
    echo(f"on {told.examples:,} examples of {told.split} of {ground.task.name}; forwards and GFLOPs are of a token")


def _table(rows: Sequence[FusedRow], metric: str) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("model", overflow="fold")
    shown = dict.fromkeys((metric, "loss"))
    for name in (*shown, "weight", "forwards", "GFLOPs", "seconds"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in rows:
        table.add_row(
            Text(row.name),
            *(f"{row.figures[name]:.4f}" for name in shown),
            "" if row.weight is None else f"{row.weight:.2f}",
            str(row.forwards),
            "" if row.flops is None else f"{row.flops / 1e9:.3g}",
            f"{row.seconds:.1f}",
        )
    return table
