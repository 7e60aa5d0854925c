"""`autopeft compress`: further points of a front, from one trial's adapters with less kept of them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from autopeft.cli import options
from autopeft.cli.header import say_on
from autopeft.cli.voice import steps_on, voice_of

__all__ = ["compress"]


def compress(
    run: Annotated[Path, typer.Argument(help="Run folder, of a search with bytes among its --objectives.")],
    pick: Annotated[str, typer.Option(help=f"{options.PICKS}.")] = "best",
    by: Annotated[
        str, typer.Option(help="compeft (signs, one size), stc (signs, their mean size) or pruned (as they are).")
    ] = "compeft",
    density: Annotated[str | None, typer.Option(help="Shares that are kept \\[5%,10%,20%,30%,50%].")] = None,
    scale: Annotated[
        str | None, typer.Option(help="Sizes in standard deviations, of compeft \\[0.5,1,2,3,4,5,6,8,10].")
    ] = None,
    workers: Annotated[int | None, typer.Option(min=0, help="Points measured at once \\[as in the search].")] = None,
    trust_remote_code: options.TrustRemoteCode = False,
    allow_code: options.AllowCode = None,
    plugin: options.Plugin = None,
    verbose: options.Verbose = False,
    quiet: options.Quiet = False,
    json: Annotated[
        bool, typer.Option("--json", help="Print JSON to standard output, the rest to standard error.")
    ] = False,
) -> None:
    """Keep less of a trial's adapters, measure each way on validation, and add the points to the front.

    The trial is trained once more as it was, and nothing else is. Points are trials of the run made of it, which count
    among no --trials and which no sampler sees; `select`, `report`, `export` and `train` take them as any other, and
    front.json, front.csv and front.png of the run are written anew. The document of --json has `metric`, what accuracy
    is, `derived_from`, and `points`, each as a row of `front --json`.
    """
    from autopeft.cli.json_output import documents
    from autopeft.cli.terminal import Terminal
    from autopeft.launch import open_run, prepare
    from autopeft.reporting import front_table, write_front
    from autopeft.selection import compress_trial, points_of, to_compress
    from autopeft.study import Front

    voice = voice_of(verbose, quiet)
    given = {name: text for name, text in (("density", density), ("scale", scale)) if text is not None}
    with documents(json) as write:
        console = Terminal(stderr=json)
        result = open_run(run, trust_remote_code, bool(allow_code), plugin)
        row = to_compress(result, pick)
        plan = result.plan if workers is None else result.plan.model_copy(update={"workers": workers})
        prepared = prepare(plan.naming_data())
        points = points_of(row, prepared.backbone.shape, by, given)
        numbers = compress_trial(prepared, result, row, points, steps_on(console, voice))
        with_points = open_run(run, trust_remote_code, bool(allow_code), plugin)
        write_front(with_points)
        front = with_points.front
        rows = {each.trial: each for each in (*front.rows, *front.others)}
        made = tuple(rows[number] for number in numbers)
        if json:
            document = {"metric": result.metric, "derived_from": row.trial, "points": [each.to_dict() for each in made]}
            write(document)
            return
        shown = Front(tuple(each for each in made if each.standing == "front"), (), (), None, "")
        if shown.rows:
            console.print(front_table(shown, result.metric, result.kind))
        say_on(console)(
            f"{len(made)} points were made of trial {row.trial}; {len(shown.rows)} of them are on the front"
            f"{', shown above' if shown.rows else ''}. `autopeft trials {run}` lists all"
        )
