"""`autopeft cost`: what a configuration costs, without training it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from autopeft.cli import options
from autopeft.cli.echo import echo

__all__ = ["cost"]


def cost(
    configuration: Annotated[Path, typer.Argument(help="Configuration, JSON or YAML.")],
    model: Annotated[str | None, typer.Option(help="Hub id or folder; default: the packaged MiniLM.")] = None,
    revision: options.Revision = None,
    roles: options.Roles = None,
    trust_remote_code: options.TrustRemoteCode = False,
    kind: Annotated[
        str | None, typer.Option(help="Kind of task, see `autopeft tasks`; default: one that trains a new head.")
    ] = None,
    plugin: options.Plugin = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Count a configuration's trainable parameters exactly; no weights are loaded."""
    from autopeft.cli.json_output import documents
    from autopeft.cli.quiet import quiet
    from autopeft.costs import Costs
    from autopeft.methods import VOCABULARY
    from autopeft.plugins import load_plugin
    from autopeft.space import canonical, read_configuration
    from autopeft.tasks import KINDS, kind_named
    from autopeft.trials import TRIALS

    quiet()
    with documents(json) as write:
        if plugin is not None:
            load_plugin(plugin)
        named = next(iter(KINDS)) if kind is None else kind_named(kind).name
        backbone = TRIALS[named].load_backbone(model, revision, roles, trust_remote_code=trust_remote_code)
        exact = canonical(read_configuration(configuration), VOCABULARY, backbone.shape)
        costs = Costs(backbone)
        params, share, active = costs.params(exact), costs.share(exact), costs.active(exact)
        if json:
            row = {
                "params": params,
                "active": active,
                "share": share,
                "backbone_params": backbone.num_parameters,
                "head_inputs": costs.head_inputs(exact),
            }
            write(row | {"configuration": exact.to_dict()})
            return
    from autopeft.report import percent

    echo(exact.describe())
    echo(f"{params:,} trainable parameters, {percent(share)} of {backbone.name} ({backbone.num_parameters:,})")
    if more := costs.head_inputs(exact):
        echo(f"{more:,} parameters more of the task head for each of its outputs, which are not counted")
    if active != params:
        echo(f"{active:,} of its parameters train at some time together")
