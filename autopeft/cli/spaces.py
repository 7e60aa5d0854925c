"""`autopeft spaces`: list, show and check search spaces."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from autopeft.cli import options
from autopeft.cli.echo import echo

if TYPE_CHECKING:
    from autopeft.backbones import Backbone
    from autopeft.space import BoundSpace, SearchSpace

__all__ = ["app"]

app = typer.Typer(help="List, show and check search spaces.", no_args_is_help=True)

_Model = Annotated[str | None, typer.Option(help="Hub id or folder; default: the packaged MiniLM.")]
_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command("list")
def list_(json: _Json = False) -> None:
    """List the shipped spaces, and say what each is for."""
    from autopeft.cli.json_output import documents
    from autopeft.space import purpose_of, shipped_spaces

    names = shipped_spaces()
    with documents(json) as write:
        if json:
            write(names)
            return
    for name in names:
        echo(f"{name:<{max(map(len, names))}}  {purpose_of(name)}")


@app.command()
def show(
    space: Annotated[str, typer.Argument(help="Name of a shipped space, or a YAML file.")],
    model: _Model = None,
    roles: options.Roles = None,
    trust_remote_code: options.TrustRemoteCode = False,
    plugin: options.Plugin = None,
    python: Annotated[bool, typer.Option("--python", help="Print it as Python, and nothing else.")] = False,
    json: _Json = False,
) -> None:
    """Show a space: its text, and its knobs, size and costs on a model."""
    from autopeft.space import load_space

    parsed = load_space(space)
    if python:
        echo(parsed.to_python())
        return
    from autopeft.backbones import load_backbone
    from autopeft.cli.json_output import documents
    from autopeft.cli.quiet import quiet
    from autopeft.methods import VOCABULARY
    from autopeft.plugins import load_plugin

    quiet()
    with documents(json) as write:
        if plugin is not None:
            load_plugin(plugin)
        backbone = load_backbone(model, None, roles, trust_remote_code=trust_remote_code)
        bound = parsed.bind(VOCABULARY, backbone.shape)
        found = _facts(parsed, bound, backbone)
        if json:
            write(found)
        else:
            _print(parsed, bound, found)


@app.command()
def check(
    file: Annotated[str, typer.Argument(help="YAML file of a space, or the name of a shipped one.")],
    model: Annotated[str | None, typer.Option(help="Check it on this model too.")] = None,
    roles: options.Roles = None,
    trust_remote_code: options.TrustRemoteCode = False,
    plugin: options.Plugin = None,
) -> None:
    """Check a space and report all its errors at once, and the constraints that forbid nothing."""
    from autopeft.errors import SpaceError
    from autopeft.methods import VOCABULARY
    from autopeft.plugins import load_plugin
    from autopeft.space import load_space

    if plugin is not None:
        load_plugin(plugin)
    space = load_space(file)
    problems = space.problems(VOCABULARY)
    if problems:
        raise SpaceError(problems)
    if model is None and roles is None:
        idle, faults = space.idle(VOCABULARY)
        if faults:
            raise SpaceError(faults)
        for warning in idle:
            echo(f"note: {warning}")
        echo(f"{file}: no errors")
        return
    from autopeft.backbones import load_backbone
    from autopeft.cli.quiet import quiet

    quiet()
    backbone = load_backbone(model, None, roles, trust_remote_code=trust_remote_code)
    bound = space.bind(VOCABULARY, backbone.shape)
    idle, faults = _idle(space, bound, backbone) if space.budgets else ([], [])
    if faults:
        raise SpaceError([f"{file}: constraints: {fault}" for fault in faults])
    for warning in (*bound.warnings, *idle):
        echo(f"note: {warning}")
    echo(f"{file}: no errors on {backbone.name}")


def _idle(space: SearchSpace, bound: BoundSpace, backbone: Backbone) -> tuple[list[str], list[str]]:
    """Return what is to be said of the space's limits on parameters: warnings, and faults."""
    from functools import partial

    from autopeft.costs import Costs, idle_budgets
    from autopeft.space.extremes import extremes

    ends = extremes(bound, partial(Costs(backbone).price, refused=0))
    return idle_budgets(space.budgets, *ends, backbone.num_parameters)


def _facts(parsed: SearchSpace, bound: BoundSpace, backbone: Backbone) -> dict[str, Any]:
    """Return what is known of a space on a model, as plain data."""
    import itertools
    from dataclasses import asdict
    from functools import partial

    from autopeft.costs import Costs, idle_budgets
    from autopeft.launch import refusals
    from autopeft.space.counting import count_configurations
    from autopeft.space.extremes import extremes
    from autopeft.space.overview import knob_lines, places_in_words

    count = count_configurations(bound)
    costs = Costs(backbone)
    ends = extremes(bound, partial(costs.price, refused=0))
    idle = itertools.chain(*idle_budgets(parsed.budgets, *ends, backbone.num_parameters))
    trainable = {
        end: {
            "params": extreme.cost,
            "share": extreme.cost / backbone.num_parameters,
            "exact": extreme.exact,
            "configuration": extreme.configuration.to_dict(),
        }
        for end, extreme in zip(("cheapest", "dearest"), ends, strict=True)
    }
    return {
        "space": parsed.to_dict(),
        "model": backbone.name,
        "backbone_params": backbone.num_parameters,
        "knobs": {line.name: {"values": line.values, "when": line.when} for line in knob_lines(bound)},
        "configurations": asdict(count) | {"words": str(count)},
        "trainable": trainable,
        "places": places_in_words(bound),
        "warnings": [*bound.warnings, *idle, *refusals(bound, costs)],
    }


def _print(parsed: SearchSpace, bound: BoundSpace, facts: dict[str, Any]) -> None:
    from autopeft.space.overview import knob_lines, shortened

    lines = shortened(knob_lines(bound))
    echo(parsed.to_yaml())
    echo(f"on {facts['model']}: {len(bound.parameters)} knobs, {facts['configurations']['words']}")
    names, values = (max((len(text) for text in column), default=0) for column in _columns(lines))
    for line in lines:
        when = f"when {line.when}" if line.when else ""
        echo(f"  {line.name:<{names}}  {line.values:<{values}}  {when}".rstrip())
    for method, places in facts["places"].items():
        echo(f"{method}: {places}")
    cheapest, dearest = (_amount(facts["trainable"][end], end) for end in ("cheapest", "dearest"))
    echo(f"trainable parameters: {cheapest} to {dearest} of {facts['backbone_params']:,}")
    for warning in facts["warnings"]:
        echo(f"note: {warning}")


def _columns(lines: list[Any]) -> tuple[list[str], list[str]]:
    return [line.name for line in lines], [line.values for line in lines]


def _amount(extreme: dict[str, Any], end: str) -> str:
    from autopeft.reporting import percent

    found = {"cheapest": "at most ", "dearest": "at least "}[end]
    return f"{'' if extreme['exact'] else found}{extreme['params']:,} ({percent(extreme['share'])})"
