"""`autopeft doctor`: what there is on this machine, and whether it works."""

from __future__ import annotations

from typing import Annotated

import typer

from autopeft.cli.echo import echo

__all__ = ["doctor"]


def doctor(
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say versions, hardware, and what is missing for which feature; try training steps, which takes half a minute.

    What it prints belongs into the report of a bug; it names no users, machines or folders.
    """
    from dataclasses import asdict

    from autopeft.cli.json_output import documents
    from autopeft.cli.quiet import quiet
    from autopeft.launch import features, machine, tries

    quiet()
    with documents(json) as write:
        found, there = machine(), list(features())
        if not json:
            for name, said in found.items():
                echo(f"{name:<10}{said}")
            for each in there:
                state = f"lacks {', '.join(each.lacking)}: {each.remedy}" if each.lacking else "is there"
                echo(f"{'' if each is not there[0] else 'features':<10}{each.name}: {state}")
        tried = []
        for one in tries():
            tried.append(one)
            if not json:
                outcome = f"failed: {one.message}" if one.message else "works"
                echo(f"{'tried' if len(tried) == 1 else '':<10}{one.name}: {outcome} ({one.seconds:.0f} s)")
        if json:
            rows = {"features": [asdict(each) for each in there], "tried": [asdict(each) for each in tried]}
            write({"machine": found, **rows})
    if any(one.message for one in tried):
        raise typer.Exit(1)
