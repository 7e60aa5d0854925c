"""`autopeft search`: find the front."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from autopeft.launch import Preparation, SearchResult

__all__ = ["search"]

_DATA = "Data"
_TRIAL = "Trials"
_RUN = "Run"


def search(
    spec: Annotated[Path | None, typer.Argument(help="YAML of a search; flags override it.")] = None,
    model: Annotated[str | None, typer.Option(help="Hub id, folder or smollm2; default: the packaged MiniLM.")] = None,
    revision: Annotated[str | None, typer.Option(help="Revision of a hub model.")] = None,
    roles: Annotated[Path | None, typer.Option(help="YAML mapping roles of an unknown architecture.")] = None,
    task: Annotated[
        str | None, typer.Option(help="Packaged task, see `autopeft tasks`.", rich_help_panel=_DATA)
    ] = None,
    data: Annotated[
        str | None,
        typer.Option(help="CSV, TSV, JSONL or Parquet file, or a `datasets` name.", rich_help_panel=_DATA),
    ] = None,
    kind: Annotated[
        str | None,
        typer.Option(help="classification or causal; default: as the columns say.", rich_help_panel=_DATA),
    ] = None,
    text: Annotated[str | None, typer.Option(help="Column of the text.", rich_help_panel=_DATA)] = None,
    text2: Annotated[
        str | None, typer.Option(help="Column of the second text, for pairs.", rich_help_panel=_DATA)
    ] = None,
    label: Annotated[str | None, typer.Option(help="Column of the label.", rich_help_panel=_DATA)] = None,
    messages: Annotated[
        str | None, typer.Option(help="Column of conversations, to tune a decoder on.", rich_help_panel=_DATA)
    ] = None,
    prompt: Annotated[str | None, typer.Option(help="Column of the prompt.", rich_help_panel=_DATA)] = None,
    completion: Annotated[
        str | None, typer.Option(help="Column of the completion, which is learned.", rich_help_panel=_DATA)
    ] = None,
    choices: Annotated[
        str | None, typer.Option(help="Column of the choices of a question.", rich_help_panel=_DATA)
    ] = None,
    validation: Annotated[
        Path | None, typer.Option(help="File to search on; default: split off.", rich_help_panel=_DATA)
    ] = None,
    test: Annotated[
        Path | None, typer.Option(help="File kept for finalists; default: split off.", rich_help_panel=_DATA)
    ] = None,
    metric: Annotated[
        str | None,
        typer.Option(
            help="accuracy, macro_f1, mcc; of decoders token_accuracy, exact_match, rouge_l, token_f1, choice.",
            rich_help_panel=_DATA,
        ),
    ] = None,
    generate: Annotated[
        int | None,
        typer.Option(help="Validation examples to which decoders write answers.", rich_help_panel=_TRIAL),
    ] = None,
    space: Annotated[str | None, typer.Option(help="Shipped space or YAML file [default; llm for decoders].")] = None,
    plugin: Annotated[Path | None, typer.Option(help="Python file that registers further methods.")] = None,
    budget: Annotated[str | None, typer.Option(help="Limit on trainable parameters: 1%, 300k, 2M.")] = None,
    sampler: Annotated[str | None, typer.Option(help="pareto (default), random, tpe, nsga2 or gp.")] = None,
    trials: Annotated[int | None, typer.Option(help="Trials in all, baselines and earlier runs included.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of everything random.")] = None,
    examples: Annotated[int | None, typer.Option(help="Training examples of a trial.", rich_help_panel=_TRIAL)] = None,
    epochs: Annotated[float | None, typer.Option(help="Epochs of a trial.", rich_help_panel=_TRIAL)] = None,
    batch_size: Annotated[int | None, typer.Option(help="Examples of a step.", rich_help_panel=_TRIAL)] = None,
    max_length: Annotated[
        int | None, typer.Option(help="Tokens at which a text is cut.", rich_help_panel=_TRIAL)
    ] = None,
    precision: Annotated[str | None, typer.Option(help="auto (default), bf16 or fp32.", rich_help_panel=_TRIAL)] = None,
    objectives: Annotated[
        str | None,
        typer.Option(help="accuracy and one or two of params, bytes, flops, memory, time [accuracy,params]."),
    ] = None,
    load_in_4bit: Annotated[
        bool | None,
        typer.Option("--load-in-4bit", help="Frozen matrices in 4 bits, by bitsandbytes.", rich_help_panel=_TRIAL),
    ] = None,
    load_in_8bit: Annotated[
        bool | None,
        typer.Option("--load-in-8bit", help="Frozen matrices in 8 bits, by bitsandbytes.", rich_help_panel=_TRIAL),
    ] = None,
    gradient_checkpointing: Annotated[
        bool | None,
        typer.Option("--gradient-checkpointing", help="Compute layers again to save memory.", rich_help_panel=_TRIAL),
    ] = None,
    early_stopping: Annotated[
        bool | None,
        typer.Option(
            "--early-stopping/--no-early-stopping",
            help="Stop trials that will not reach the front [on].",
            rich_help_panel=_TRIAL,
        ),
    ] = None,
    fidelity: Annotated[
        str | None,
        typer.Option(help="What a trial has less of on the way: steps (default) or examples.", rich_help_panel=_TRIAL),
    ] = None,
    trial_time_limit: Annotated[
        str | None, typer.Option(help="Stop a trial after this long, e.g. 10m.", rich_help_panel=_TRIAL)
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(help="Trials at once; default: cores, or GPUs. 0: in this process.", rich_help_panel=_RUN),
    ] = None,
    ray_address: Annotated[str | None, typer.Option(help="Address of a Ray cluster.", rich_help_panel=_RUN)] = None,
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
    json: Annotated[
        bool, typer.Option("--json", help="Print front.json to standard output, the rest to standard error.")
    ] = False,
) -> None:
    """Search for the best PEFT configurations under a budget; run it again to resume."""
    flags = {
        name: value
        for name, value in locals().items()
        if value is not None and name not in ("spec", "fresh", "extend", "json")
    }
    from rich.console import Console

    from autopeft.cli.quiet import quiet
    from autopeft.launch import SearchPlan, prepare, run_search
    from autopeft.report import write_front

    quiet()
    console = Console(stderr=json)
    plan = SearchPlan.of(flags, "flags") if spec is None else SearchPlan.from_file(spec, **flags)
    prepared = prepare(plan)
    _announce(console, prepared)
    with _progress(console, prepared) as listener:
        result = run_search(prepared, fresh=fresh, extend=extend, listener=listener)
    write_front(result)
    _conclude(console, result, json)
    if result.interrupted:
        raise typer.Exit(130)


def _announce(console: Console, prepared: Preparation) -> None:
    from autopeft.backbones.gguf import SMOLLM2
    from autopeft.report import cost_in_words, percent

    scale = prepared.scale
    size = prepared.space.size
    count = "a continuum of configurations" if size is None else f"{size:,} configurations"
    say = _say(console)
    held = f", held in {prepared.backbone.quantization}" if prepared.backbone.quantization else ""
    where = f", converted to {prepared.backbone.path}" if prepared.backbone.name == SMOLLM2 else ""
    say(f"model   {prepared.backbone.name}, {scale.backbone:,} parameters{held}{where}")
    for title, lines in (
        ("task", prepared.task.describe()),
        ("trial", [*prepared.setting.describe(), *prepared.notes]),
    ):
        for index, line in enumerate(lines):
            say(f"{'' if index else title:<8}{line}")
    say(f"space   {prepared.space.name}: {len(prepared.space.parameters)} knobs, {count}")
    for warning in (*prepared.space.warnings, *prepared.refused):
        say(f"        {warning}")
    share = percent(scale.limit / scale.backbone)
    say(f"budget  {scale.limit:,} ({share}) {cost_in_words(prepared.task.metric)}")
    say(f"run     {prepared.folder}")


def _progress(console: Console, prepared: Preparation) -> Any:
    from autopeft.report import LiveProgress, PlainProgress

    kind = LiveProgress if console.is_terminal else PlainProgress
    return kind(scale=prepared.scale, total=prepared.plan.trials, console=console)


def _conclude(console: Console, result: SearchResult, json: bool) -> None:
    from autopeft.report import front_data, front_table, metric_of

    say = _say(console)
    if json:
        from json import dumps

        typer.echo(dumps(front_data(result), indent=2))
    else:
        console.print(front_table(result.front, metric_of(result)))
    say(result.front.verdict)
    say(f"{result.seconds:.0f} s; front.json, front.csv, front.png and the study are in {result.folder}")
    if not result.complete:
        say("stopped before all trials were done; run the same command again to go on")


def _say(console: Console) -> Any:
    def say(line: str) -> None:
        console.print(line, highlight=False, markup=False, soft_wrap=True)

    return say
