"""`autopeft search`: find the front."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from autopeft.cli import options
from autopeft.cli.data_options import DATA, named_by, takes
from autopeft.cli.header import announce, say_on
from autopeft.cli.voice import Voice, voice_of
from autopeft.errors import AutopeftError

if TYPE_CHECKING:
    from rich.console import Console

    from autopeft.launch import Preparation, SearchResult
    from autopeft.reporting.trackers import Tracker

__all__ = ["run", "search"]

_RUN = "Run"

#: Options of this verb that are no settings of a search.
_NO_SETTINGS = (
    "spec",
    "data",
    "fresh",
    "extend",
    "no_select",
    "report_to",
    "dry_run",
    "verbose",
    "quiet",
    "json",
    "settings",
)


@takes([name for name in DATA if name != "data"])
def search(
    spec: Annotated[Path | None, typer.Argument(help="YAML of a search; flags override it.")] = None,
    data: options.OneOrMore = None,
    mixture: Annotated[
        str | None,
        typer.Option(
            help="Adapters for each of several tasks (separate), or shared ones on all (joint) \\[separate].",
            rich_help_panel=options.DATA_PANEL,
        ),
    ] = None,
    model: options.Model = None,
    revision: options.Revision = None,
    roles: options.Roles = None,
    trust_remote_code: options.TrustRemoteCode = False,
    loss: options.Loss = None,
    generate: options.Generate = None,
    augment: options.Augment = None,
    seconds: options.Seconds = None,
    space: Annotated[str | None, typer.Option(help="Shipped space or YAML file \\[default; llm for decoders].")] = None,
    target: Annotated[
        str | None, typer.Option(help="Leave out what this target of `autopeft export` cannot express, e.g. trl.")
    ] = None,
    tries: Annotated[
        list[Path] | None,
        typer.Option(
            "--try", help="Configuration to try first, or an adapter_config.json of PEFT; may be given again."
        ),
    ] = None,
    budget: Annotated[str | None, typer.Option(help="Limit on trainable parameters: 1%, 300k, 2M.")] = None,
    sampler: Annotated[str | None, typer.Option(help="pareto (default), random, tpe, nsga2 or gp.")] = None,
    warm_start: Annotated[Path | None, typer.Option(help="Run folder of an earlier search to begin from.")] = None,
    trials: Annotated[
        int | None,
        typer.Option(
            parser=options.count, metavar="INTEGER", help="Trials in all, baselines and earlier runs included."
        ),
    ] = None,
    seed: options.Seed = None,
    examples: options.Examples = None,
    epochs: options.Epochs = None,
    batch_size: options.BatchSize = None,
    max_length: options.MaxLength = None,
    precision: options.Precision = None,
    objectives: Annotated[
        str | None,
        typer.Option(help="accuracy and one or two of params, active, bytes, flops, forward, nonzero, memory, time."),
    ] = None,
    load_in_4bit: options.LoadIn4bit = None,
    load_in_8bit: options.LoadIn8bit = None,
    gradient_checkpointing: options.GradientCheckpointing = None,
    early_stopping: Annotated[
        bool | None,
        typer.Option(
            "--early-stopping/--no-early-stopping",
            help="Stop trials that will not reach the front \\[on].",
            rich_help_panel=options.TRIAL_PANEL,
        ),
    ] = None,
    fidelity: Annotated[
        str | None,
        typer.Option(
            help="What a trial has less of on the way: steps (default) or examples.",
            rich_help_panel=options.TRIAL_PANEL,
        ),
    ] = None,
    trial_time_limit: Annotated[
        str | None, typer.Option(help="Stop a trial after this long, e.g. 10m.", rich_help_panel=options.TRIAL_PANEL)
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(help="Trials at once; default: cores, or GPUs. 0: in this process.", rich_help_panel=_RUN),
    ] = None,
    ray_address: Annotated[
        str | None,
        typer.Option(
            help="Ray cluster, HOST:PORT, or auto for that of RAY_ADDRESS; default: Ray on this machine.",
            rich_help_panel=_RUN,
        ),
    ] = None,
    time_limit: Annotated[
        str | None, typer.Option(help="End the whole search after this long, e.g. 2h.", rich_help_panel=_RUN)
    ] = None,
    storage: Annotated[str | None, typer.Option(help="RDB URL of the study.", rich_help_panel=_RUN)] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Run folder.", rich_help_panel=_RUN)] = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Drop the study in the run folder.", rich_help_panel=_RUN)
    ] = False,
    extend: Annotated[
        bool,
        typer.Option("--extend", help="Go on in a changed space; fitting trials come along.", rich_help_panel=_RUN),
    ] = False,
    no_select: Annotated[
        bool, typer.Option("--no-select", help="Leave out `autopeft select` at the end.", rich_help_panel=_RUN)
    ] = False,
    margin: options.Margin = None,
    report_to: Annotated[
        list[str] | None,
        typer.Option(
            help="tensorboard, mlflow or wandb: a run for each trial, one for the front.", rich_help_panel=_RUN
        ),
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run", help="Say what it would take, from a few steps; write nothing.", rich_help_panel=_RUN
        ),
    ] = False,
    verbose: options.Verbose = False,
    quiet: options.Quiet = False,
    json: Annotated[
        bool, typer.Option("--json", help="Print front.json to standard output, the rest to standard error.")
    ] = False,
    **settings: Any,
) -> None:
    """Search for the best PEFT configurations under a budget; run it again to resume."""
    flags = {
        name: value for name, value in locals().items() if value is not None and name not in _NO_SETTINGS
    } | settings
    flags |= named_by(data)
    if not tries:
        flags.pop("tries", None)
    from autopeft.cli.dry_run import foretell
    from autopeft.cli.json_output import documents
    from autopeft.cli.select import decide
    from autopeft.cli.terminal import Terminal
    from autopeft.launch import SearchPlan, check_extendable, prepare
    from autopeft.reporting.trackers import trackers_of
    from autopeft.selection import margin_of
    from autopeft.training.reports import check_reports

    voice = voice_of(verbose, quiet)
    if no_select and margin is not None:
        raise AutopeftError("--margin is for the selection, which --no-select leaves out; leave one of them out")
    if dry_run and json:
        raise AutopeftError("--json prints the front, which --dry-run does not search; leave one of them out")
    check_reports(report_to or ())
    with documents(json) as write:
        console = Terminal(stderr=json)
        plan = SearchPlan.of(flags, "flags") if spec is None else SearchPlan.from_file(spec, **flags)
        within = None if plan.margin is None else margin_of(plan.margin)
        prepared = prepare(plan)
        if extend:
            check_extendable(prepared, fresh=fresh)
        if dry_run:
            _announce(console, prepared, voice)
            foretell(console, prepared, selects=not no_select)
            return
        trackers = trackers_of(report_to or (), prepared.folder, prepared.name)
        result = run(
            console, prepared, voice, fresh=fresh, extend=extend, write=write if json else None, trackers=trackers
        )
        if result.complete and not no_select:
            decide(console, prepared, result, margin=within, voice=voice)


def run(
    console: Console,
    prepared: Preparation,
    voice: Voice,
    *,
    fresh: bool = False,
    extend: bool = False,
    write: Callable[[Any], None] | None = None,
    trackers: Mapping[str, Tracker] | None = None,
) -> SearchResult:
    """Run what is prepared, show how it goes and what came of it; `write` takes the front in place of its table.

    Raises:
        typer.Exit: When the user has stopped it, or no trial has finished.
    """
    from autopeft.launch import run_search
    from autopeft.reporting import write_front
    from autopeft.reporting.trackers import Tracking

    _announce(console, prepared, voice)
    with _progress(console, prepared, voice) as listener:
        tracking = Tracking(listener, trackers or {})
        result = run_search(prepared, fresh=fresh, extend=extend, listener=tracking)
    write_front(result)
    tracking.ended(result)
    _conclude(console, result, write)
    if result.interrupted:
        raise typer.Exit(130)
    if result.fruitless:
        say_on(console)(result.fruitless)
        raise typer.Exit(1)
    return result


def _announce(console: Console, prepared: Preparation, voice: Voice) -> None:
    say = say_on(console)
    refused = [f"{reason}; such configurations are not proposed" for reason in prepared.refused]
    warnings = [*prepared.space.warnings, *refused]
    if voice is Voice.QUIET:
        for warning in warnings:
            say(warning)
        return
    from autopeft.costs import Budget
    from autopeft.launch.sockets import SHORT_FOLDER, too_long_for_sockets
    from autopeft.reporting import percent
    from autopeft.selection import expected_half_width
    from autopeft.trials import kind_of

    scale = prepared.scale
    size = prepared.space.size
    count = "a continuum of configurations" if size is None else f"{size:,} configurations"
    trial = prepared.setting.describe(kind_of(prepared.task).cut)
    announce(console, prepared.backbone, prepared.task, "trial", [*trial, *prepared.notes])
    say(f"space   {prepared.space.name}: {len(prepared.space.parameters)} knobs, {count}")
    for warning in warnings:
        say(f"        {warning}")
    if prepared.earlier:
        from autopeft.samplers import within

        fitting = len(within(prepared.space, prepared.earlier))
        say(f"        begins from {fitting} of the {len(prepared.earlier)} trials of {prepared.plan.warm_start}")
    for label, name, seeds in (("power", "test", "three seeds"), ("", "validation", "one seed")):
        examples, alone = prepared.held_out[name]
        units = f"on {examples:,} of {name}, each of them one {prepared.task.judge.unit}"
        like = f", which tell as much as {alone:,} that stand alone" if alone < examples else ""
        points = f"about {100 * expected_half_width(name, alone):.1f} points"
        say(f"{label:8}{units}{like}, and with {seeds}, differences of {points} can be told (a guess)")
    share = percent(scale.limit / scale.backbone)
    say(f"budget  {scale.limit:,} ({share}) {kind_of(prepared.task).counted()}")
    if prepared.limited_by != Budget.parse(prepared.plan.budget):
        lowered = f"its constraint `params <= {prepared.limited_by.text}`"
        say(f"        the space {prepared.space.name} lowers it from {prepared.plan.budget} by {lowered}")
    say(f"run     {prepared.folder}")
    plan = prepared.plan
    if plan.workers != 0 and plan.ray_address is None and (folder := too_long_for_sockets()):
        say(f"        Ray's files are in {SHORT_FOLDER}: {folder} is too long for its sockets")


def _progress(console: Console, prepared: Preparation, voice: Voice) -> Any:
    from autopeft.reporting import LiveProgress, PlainProgress, QuietProgress, VerboseProgress

    usual = LiveProgress if console.is_terminal else PlainProgress
    shown = {Voice.QUIET: QuietProgress, Voice.USUAL: usual, Voice.VERBOSE: VerboseProgress}[voice]
    return shown.of(prepared, console)


def _conclude(console: Console, result: SearchResult, write: Callable[[Any], None] | None) -> None:
    from autopeft.reporting import front_data, front_table

    say = say_on(console)
    if write is not None:
        write(front_data(result))
    else:
        console.print(front_table(result.front, result.metric, result.kind))
    say(result.front.verdict)
    say(f"{result.seconds:.0f} s; front.json, front.csv, front.png and the study are in {result.folder}")
    if not result.complete:
        say("stopped before all trials were done; run the same command again to go on")
