"""`autopeft spaces`: list, show and check search spaces."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["app"]

app = typer.Typer(help="List, show and check search spaces.", no_args_is_help=True)


@app.command("list")
def list_(json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """List the shipped spaces."""
    from autopeft.space import shipped_spaces

    names = shipped_spaces()
    if json:
        from json import dumps

        typer.echo(dumps(names))
        return
    for name in names:
        typer.echo(name)


@app.command()
def show(
    space: Annotated[str, typer.Argument(help="Name of a shipped space, or a YAML file.")],
    model: Annotated[str | None, typer.Option(help="Show it on this model; default: the packaged MiniLM.")] = None,
    roles: Annotated[Path | None, typer.Option(help="YAML mapping roles of an unknown architecture.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show a space: its text, and its knobs and size on a model."""
    from autopeft.backbones import load_backbone
    from autopeft.cli.quiet import quiet
    from autopeft.methods import VOCABULARY
    from autopeft.space import load_space

    quiet()
    parsed = load_space(space)
    backbone = load_backbone(model, None, roles)
    bound = parsed.bind(VOCABULARY, backbone.shape)
    knobs = {parameter.name: parameter.describe() for parameter in bound.parameters}
    if json:
        from json import dumps

        row = {"space": parsed.to_dict(), "model": backbone.name, "knobs": knobs, "size": bound.size}
        typer.echo(dumps(row | {"warnings": list(bound.warnings)}, indent=2))
        return
    typer.echo(parsed.to_yaml())
    size = "a continuum of" if bound.size is None else f"{bound.size:,}"
    typer.echo(f"on {backbone.name}: {len(knobs)} knobs, {size} configurations")
    width = max(map(len, knobs))
    for name, values in knobs.items():
        typer.echo(f"  {name:<{width}}  {values}")
    for warning in bound.warnings:
        typer.echo(f"note: {warning}")


@app.command()
def check(file: Annotated[Path, typer.Argument(help="YAML file of a space.")]) -> None:
    """Check a space file and report all its errors at once."""
    from autopeft.errors import SpaceError
    from autopeft.methods import VOCABULARY
    from autopeft.space import SearchSpace

    space = SearchSpace.from_file(file)
    problems = space.problems(VOCABULARY)
    if problems:
        raise SpaceError(problems)
    typer.echo(f"{file}: no errors")
