"""`autopeft methods`: what a space can search, and which published systems that offers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from autopeft.cli import options

if TYPE_CHECKING:
    from autopeft.methods import Method
    from autopeft.methods.schedules import LayerSchedule
    from autopeft.space.vocabulary import Knob

__all__ = ["methods"]


def methods(
    name: Annotated[str | None, typer.Argument(help="Show this method and all its knobs.")] = None,
    systems: Annotated[
        bool, typer.Option("--systems", help="List published systems, and what offers them; with a name, its own.")
    ] = False,
    plugin: options.Plugin = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List methods and layer schedules with their source, methods with costs; with a name, one of them with its knobs.

    Costs are those of an example on the packaged MiniLM: trained parameters, bytes stored, and what FLOPs in matrix
    products each token of a text of 128 costs more, once all is merged that can be.
    """
    from autopeft.cli.json_output import documents
    from autopeft.cli.quiet import quiet
    from autopeft.cli.systems import print_systems, rows_of_systems
    from autopeft.errors import AutopeftError
    from autopeft.methods import METHODS, VOCABULARY
    from autopeft.methods.schedules import SCHEDULES
    from autopeft.plugins import load_plugin
    from autopeft.space.canonical import nearest

    quiet()
    with documents(json) as write:
        if plugin is not None:
            load_plugin(plugin)
        known = [*METHODS, *SCHEDULES]
        if name is not None and name not in known:
            raise AutopeftError(f"no method {name!r}{nearest(name, known)}")
        if systems:
            rows = rows_of_systems(name)
            write(rows) if json else print_systems(rows, whole=name is not None)
            return
        chosen = {each: method for each, method in METHODS.items() if name in (None, each)}
        schedules = {each: schedule for each, schedule in SCHEDULES.items() if name in (None, each)}
        if json:
            listed = {each: _row(method) | {"costs": _recorded(each)["costs"]} for each, method in chosen.items()}
            write(listed | {each: _schedule_row(schedule) for each, schedule in schedules.items()})
            return
    for each, method in chosen.items():
        words = VOCABULARY.methods[each]
        typer.echo(f"{each}: {words.summary}")
        typer.echo(f"  {words.source}; {', '.join(_traits(method))}")
        typer.echo(f"  {_costs(each)}")
        typer.echo(f"  {_tested(each)}")
        for knob in words.knobs if name is not None else ():
            _show_knob(knob.name, knob)
    for each, schedule in schedules.items():
        typer.echo(f"{each}: {schedule.summary}")
        typer.echo(f"  {schedule.source}; a layer schedule, written under `training`: `schedule: {each}`")
        for knob in schedule.knobs if name is not None else ():
            _show_knob(f"{each}_{knob.name}", knob)


def _show_knob(name: str, knob: Knob) -> None:
    typer.echo(f"  {name:<24} {_values(knob):<28} {knob.help}")


def _schedule_row(schedule: LayerSchedule) -> dict[str, Any]:
    from dataclasses import asdict

    knobs = [asdict(knob) | {"name": f"{schedule.name}_{knob.name}"} for knob in schedule.knobs]
    return {"name": schedule.name, "summary": schedule.summary, "source": schedule.source, "knobs": knobs}


def _row(method: Method) -> dict[str, Any]:
    from dataclasses import asdict

    words = method.words
    facts = {"peft_type": method.peft_type, "mergeable": method.mergeable, "start": method.start, "ours": method.ours}
    return asdict(words) | facts | {"excludes": sorted(words.excludes)}


def _traits(method: Method) -> list[str]:
    starts = {"exact": "starts as the backbone", "close": "starts as the backbone up to rounding"}
    traits = ["autopeft's own" if method.ours else f"PEFT's {method.peft_type}"]
    traits.append("mergeable: no inference cost after merging" if method.mergeable else "not mergeable")
    traits.append(f"placed by {method.words.placement}" if method.words.placement != "model" else "placed once")
    return [*traits, starts.get(method.start, "starts elsewhere than the backbone")]


def _recorded(name: str) -> dict[str, Any]:
    """Return what the package knows of a method; of one from a plugin, its costs are counted now."""
    from importlib.resources import files
    from json import loads

    found: dict[str, Any] = loads(files("autopeft.methods").joinpath("tested.json").read_text(encoding="utf8"))
    if name in found:
        return found[name]
    from autopeft.backbones import load_backbone
    from autopeft.costs import Costs, typical_costs

    packaged = load_backbone()
    return {"architectures": {}, "costs": typical_costs(name, Costs(packaged), packaged)}


def _costs(name: str) -> str:
    costs = _recorded(name)["costs"]
    if costs is None:
        return "costs: it cannot be put into MiniLM"
    more = f"{costs['flops']:,.0f} more FLOPs per token" if costs["flops"] else "no more FLOPs"
    return f"{costs['configuration']}: {costs['params']:,} trained, {costs['bytes']:,} bytes stored, {more}"


def _tested(name: str) -> str:
    found = _recorded(name)["architectures"]
    good = [architecture for architecture, said in found.items() if said == "yes"]
    bad = [architecture for architecture, said in found.items() if said != "yes"]
    tested = f"tested on {', '.join(good)}" if good else "not tested with autopeft"
    return tested + (f"; cannot be put into {', '.join(bad)}" if bad else "")


def _values(knob: Knob) -> str:
    if knob.range is not None:
        return knob.range
    default = ",".join(knob.default) if isinstance(knob.default, tuple) else knob.default
    return "-" if default is None else str(default)
