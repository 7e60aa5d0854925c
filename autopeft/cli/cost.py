"""`autopeft cost`: what a configuration costs, without training it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from autopeft.cli import options
from autopeft.cli.echo import echo

if TYPE_CHECKING:
    from autopeft.costs import Objective

__all__ = ["cost"]


def cost(
    configuration: Annotated[Path, typer.Argument(help="Configuration, JSON or YAML, or PEFT's adapter_config.json.")],
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
    """Count exactly what a configuration costs: parameters, bytes, FLOPs; no weights are loaded."""
    from autopeft.cli.json_output import documents
    from autopeft.cli.quiet import quiet
    from autopeft.costs import OBJECTIVES, Costs
    from autopeft.launch import read_written
    from autopeft.methods import VOCABULARY
    from autopeft.plugins import load_plugin
    from autopeft.space import canonical
    from autopeft.tasks import KINDS, kind_named
    from autopeft.trials import TRIALS

    quiet()
    with documents(json) as write:
        if plugin is not None:
            load_plugin(plugin)
        named = next(iter(KINDS)) if kind is None else kind_named(kind).name
        backbone = TRIALS[named].load_backbone(model, revision, roles, trust_remote_code=trust_remote_code)
        exact = canonical(read_written(configuration, backbone), VOCABULARY, backbone.shape)
        costs = Costs(backbone)
        params, share = costs.params(exact), costs.share(exact)
        further = {name: getattr(costs, name)(exact) for name, each in OBJECTIVES.items() if _counted(each)}
        if json:
            row = {
                "params": params,
                **further,
                "share": share,
                "backbone_params": backbone.num_parameters,
                "head_inputs": costs.head_inputs(exact),
            }
            write(row | {"configuration": exact.to_dict()})
            return
    from autopeft.reporting import percent

    echo(exact.describe())
    echo(f"{params:,} trainable parameters, {percent(share)} of {backbone.name} ({backbone.num_parameters:,})")
    if more := costs.head_inputs(exact):
        echo(f"{more:,} parameters more of the task head for each of its outputs, which are not counted")
    for name, value in further.items():
        echo(f"{name:<8} {OBJECTIVES[name].shown(value):>14}  {OBJECTIVES[name].meaning}")
    echo("memory and time are measured: `autopeft search --dry-run` says those of a search")


def _counted(objective: Objective) -> bool:
    return objective.known == "exact" and objective.name != "params"
