"""`autopeft cost`: what a configuration costs, without training it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["cost"]


def cost(
    configuration: Annotated[Path, typer.Argument(help="Configuration, JSON or YAML.")],
    model: Annotated[str | None, typer.Option(help="Hub id or folder; default: the packaged MiniLM.")] = None,
    revision: Annotated[str | None, typer.Option(help="Revision of a hub model.")] = None,
    roles: Annotated[Path | None, typer.Option(help="YAML mapping roles of an unknown architecture.")] = None,
    plugin: Annotated[Path | None, typer.Option(help="Python file that registers further methods.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Count a configuration's trainable parameters exactly; no weights are loaded."""
    from autopeft.backbones import load_backbone
    from autopeft.cli.quiet import quiet
    from autopeft.costs import Costs
    from autopeft.methods import VOCABULARY, load_plugin
    from autopeft.space import canonical, read_configuration

    quiet()
    if plugin is not None:
        load_plugin(plugin)
    backbone = load_backbone(model, revision, roles)
    exact = canonical(read_configuration(configuration), VOCABULARY, backbone.shape)
    costs = Costs(backbone)
    params, share = costs.params(exact), costs.share(exact)
    if json:
        from json import dumps

        row = {"params": params, "share": share, "backbone_params": backbone.num_parameters}
        typer.echo(dumps(row | {"configuration": exact.to_dict()}, indent=2))
        return
    from autopeft.report import percent

    typer.echo(exact.describe())
    typer.echo(f"{params:,} trainable parameters, {percent(share)} of {backbone.name} ({backbone.num_parameters:,})")
