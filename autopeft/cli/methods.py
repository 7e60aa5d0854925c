"""`autopeft methods`: what a space can search."""

from __future__ import annotations

from typing import Annotated

import typer

__all__ = ["methods"]


def methods(json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """List the methods with their source and knobs."""
    from autopeft.methods import METHODS, VOCABULARY

    if json:
        from dataclasses import asdict
        from json import dumps

        rows = {
            name: asdict(words) | {"excludes": sorted(words.excludes), "mergeable": METHODS[name].mergeable}
            for name, words in VOCABULARY.methods.items()
        }
        typer.echo(dumps(rows, indent=2))
        return
    for name, words in VOCABULARY.methods.items():
        merge = "mergeable" if METHODS[name].mergeable else "not mergeable"
        typer.echo(f"{name}: {words.summary} ({merge})")
        typer.echo(f"  {words.source}")
        for knob in words.knobs:
            typer.echo(f"  {knob.name:<11} {knob.help}")
