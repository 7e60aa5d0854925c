"""`autopeft methods`: what a space can search, and which published systems that offers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from autopeft.cli import options
from autopeft.cli.echo import echo

if TYPE_CHECKING:
    from autopeft.methods import Method
    from autopeft.space.vocabulary import Knob
    from autopeft.space.word_knobs import WordKnob

__all__ = ["methods"]


def methods(
    name: Annotated[str | None, typer.Argument(help="Show this method and all its knobs.")] = None,
    systems: Annotated[
        bool, typer.Option("--systems", help="List published systems, and what offers them; with a name, its own.")
    ] = False,
    plugin: options.Plugin = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List methods and words of training with their source, methods with costs; with a name, one with its knobs.

    Costs are those of an example on the packaged MiniLM: trained parameters, bytes stored, and what FLOPs in matrix
    products each token of a text of 128 costs more, once all is merged that can be.
    """
    from autopeft.cli.json_output import documents
    from autopeft.cli.quiet import quiet
    from autopeft.cli.systems import print_systems, rows_of_systems
    from autopeft.errors import AutopeftError
    from autopeft.methods import METHODS, VOCABULARY
    from autopeft.methods.registry import WORD_KNOBS
    from autopeft.plugins import load_plugin
    from autopeft.space.canonical import nearest

    quiet()
    with documents(json) as write:
        if plugin is not None:
            load_plugin(plugin)
        words = {word: knob for knob in WORD_KNOBS for word in knob.words}
        known = [*METHODS, *words]
        if name is not None and name not in known:
            raise AutopeftError(f"no method {name!r}{nearest(name, known)}")
        if systems:
            rows = rows_of_systems(name)
            write(rows) if json else print_systems(rows, whole=name is not None)
            return
        chosen = {each: method for each, method in METHODS.items() if name in (None, each)}
        ways = {word: knob for word, knob in words.items() if name in (None, word)}
        if json:
            listed = {each: _row(method) | {"costs": _recorded(each)["costs"]} for each, method in chosen.items()}
            write(listed | {word: _row_of_way(word, knob) for word, knob in ways.items()})
            return
    for each, method in chosen.items():
        said = VOCABULARY.methods[each]
        echo(f"{each}: {said.summary}")
        echo(f"  {said.source}; {', '.join(_traits(method))}")
        echo(f"  {_costs(each)}")
        echo(f"  {_tested(each)}")
        for knob in said.knobs if name is not None else ():
            _show_knob(knob)
    for word, asking in ways.items():
        echo(f"{word}: {asking.words[word].summary}")
        echo(f"  {asking.words[word].source}; written under `{asking.section}`: `{asking.name}: {word}`")
        for knob in _knobs_of_way(word, asking) if name is not None else ():
            _show_knob(knob)


def _show_knob(knob: Knob) -> None:
    echo(f"  {knob.name:<24} {_values(knob):<28} {knob.help}")


def _knobs_of_way(word: str, asking: WordKnob[Any]) -> list[Knob]:
    """Return the knobs that are there with a word of training or of the data."""
    from autopeft.methods import VOCABULARY

    known = VOCABULARY.shared.values()
    return [knob for knob in known if knob.given is not None and knob.given[0] == asking.name and word in knob.given[1]]


def _row_of_way(word: str, asking: WordKnob[Any]) -> dict[str, Any]:
    from dataclasses import asdict

    way = asking.words[word]
    knobs = [asdict(knob) for knob in _knobs_of_way(word, asking)]
    return {"name": word, "under": asking.name, "summary": way.summary, "source": way.source, "knobs": knobs}


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
