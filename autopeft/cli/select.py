"""`autopeft select`: which configuration of a front to use, if any."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from autopeft.cli import options
from autopeft.cli.header import say_on
from autopeft.cli.voice import Voice, steps_on, voice_of

if TYPE_CHECKING:
    from rich.console import Console

    from autopeft.launch import Preparation, SearchResult
    from autopeft.selection import FinalistsFile, Until

__all__ = ["decide", "select"]


def select(
    run: Annotated[Path, typer.Argument(help="Run folder.")],
    with_full: Annotated[
        bool, typer.Option("--with-full", help="Compare with full fine-tuning of the backbone too.")
    ] = False,
    seeds: Annotated[
        int | None, typer.Option(help="Most seeds of a finalist, at least 3; on average, a quarter of it \\[13].")
    ] = None,
    margin: options.Margin = None,
    until: Annotated[
        str | None,
        typer.Option(help="Add seeds where the decision is open, until differences are known to 1pt, or for 30m."),
    ] = None,
    workers: Annotated[int | None, typer.Option(min=0, help="Trainings at once \\[as in the search].")] = None,
    trust_remote_code: options.TrustRemoteCode = False,
    allow_code: options.AllowCode = None,
    plugin: options.Plugin = None,
    verbose: options.Verbose = False,
    quiet: options.Quiet = False,
    json: Annotated[
        bool, typer.Option("--json", help="Print finalists.json to standard output, the rest to standard error.")
    ] = False,
) -> None:
    """Train the front's candidates with several seeds, measure them on test, and say whether searching helped."""
    from json import loads

    from autopeft.cli.json_output import documents
    from autopeft.cli.terminal import Terminal
    from autopeft.launch import open_run, prepare
    from autopeft.selection import Until, margin_of

    voice = voice_of(verbose, quiet)
    within = None if margin is None else margin_of(margin)
    longer = None if until is None else Until.parse(until)
    with documents(json) as write:
        result = open_run(run, trust_remote_code, bool(allow_code), plugin)
        plan = result.plan if workers is None else result.plan.model_copy(update={"workers": workers})
        prepared = prepare(plan.naming_data())
        file = decide(
            Terminal(stderr=json),
            prepared,
            result,
            with_full=with_full,
            seeds=seeds,
            margin=within,
            until=longer,
            voice=voice,
            table=not json,
        )
        if json:
            write(loads(file.model_dump_json()))


def decide(
    console: Console,
    prepared: Preparation,
    result: SearchResult,
    *,
    with_full: bool = False,
    seeds: int | None = None,
    margin: float | None = None,
    until: Until | None = None,
    voice: Voice = Voice.USUAL,
    table: bool = True,
) -> FinalistsFile:
    """Select, and show how it goes and what came of it."""
    import time

    from autopeft.reporting.finalists_table import finalists_table
    from autopeft.selection import MOST_SEEDS, margin_held
    from autopeft.selection import select as run_selection

    say, tell = say_on(console), steps_on(console, voice)
    began = time.time()
    final = prepared.final
    most = MOST_SEEDS if seeds is None else seeds
    if margin is None:
        margin = margin_held(result)
    tell(f"finalists: {final.examples:,} training examples, {final.epochs:g} epochs, up to {most} seeds")
    try:
        file = run_selection(prepared, result, with_full=with_full, seeds=most, margin=margin, until=until, say=tell)
    except KeyboardInterrupt:
        say(f"stopped; finished trainings are kept, and `autopeft select {result.folder}` goes on")
        raise typer.Exit(130) from None
    if table:
        console.print(finalists_table(file, result.kind))
    say(file.verdict)
    if (power := file.power) is not None:
        guessed, foreseen = (f"{100 * width:.1f}" for width in (power.expected, power.foreseen))
        before = f"{guessed} were guessed before the search, {foreseen} before test was read"
        say(f"differences are known to {100 * power.reached:.1f} points; {before}")
        if until is not None and 0 < until.width < power.reached:
            left = "is decided, has all its seeds, or is left to more of test"
            say(f"--until {100 * until.width:g}pt: what is wider {left}")
    if file.gap:
        say(file.gap)
    say(
        f"on test, with 95 % confidence; this holds for {file.setting.examples:,} training examples and "
        f"{file.setting.epochs:g} epochs. Test has been read {file.test_readings} times in this run"
    )
    say(f"{time.time() - began:.0f} s; finalists.json, and adapters and heads of the finalists, are in {result.folder}")
    return file
