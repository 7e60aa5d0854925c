"""`autopeft tasks`: what data a search can run on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from autopeft.cli import options
from autopeft.cli.echo import echo

if TYPE_CHECKING:
    from autopeft.tasks import TaskKind

__all__ = ["app"]

app = typer.Typer(help="List kinds of task, or show what the data of one looks like.", invoke_without_command=True)

_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.callback()
def listed(context: typer.Context, plugin: options.Plugin = None, json: _Json = False) -> None:
    """List the kinds of task with their data, metrics and search spaces, and the packaged tasks."""
    if context.invoked_subcommand is not None:
        return
    from autopeft.cli.json_output import documents
    from autopeft.tasks import KINDS, PACKAGED

    with documents(json) as write:
        _load(plugin)
        if json:
            packaged = {name: task.summary for name, task in PACKAGED.items()}
            write({"kinds": {name: _facts(kind) for name, kind in KINDS.items()}, "tasks": packaged})
            return
    for name, kind in KINDS.items():
        facts = _facts(kind)
        echo(f"{name:<15} {kind.summary}")
        echo(f"{'':<15} data: {kind.layout}")
        echo(f"{'':<15} metrics: {', '.join(facts['metrics'])}; space: {facts['space']}")
    echo("`autopeft tasks show KIND` prints an example of the data; the kind is recognised, or named by --kind")
    for name, task in PACKAGED.items():
        echo(f"--task {name:<8} {task.summary}")


@app.command()
def show(
    kind: Annotated[str, typer.Argument(help="Kind of task.")], plugin: options.Plugin = None, json: _Json = False
) -> None:
    """Print what data of a kind looks like, and the command that searches on it."""
    from autopeft.cli.json_output import documents
    from autopeft.tasks import kind_named

    with documents(json) as write:
        _load(plugin)
        found = kind_named(kind)
        if json:
            write(_facts(found))
            return
    echo(f"{found.name}: {found.summary}")
    echo(f"data: {found.layout}")
    for sample in found.samples:
        kept = f"--kind {kind}" if plugin is not None else ""
        command = " ".join(filter(None, ["autopeft search --data", sample.file, sample.flags, kept]))
        echo(f"\n{sample.file}\n" + "".join(f"  {line}\n" for line in sample.content.splitlines()))
        echo(f"  {command}")
    echo()
    for number, (name, metric) in enumerate(found.metrics.items()):
        usual = ", the usual one" if not number else ""
        less = ", less is better" if metric.direction == "minimize" else ""
        echo(f"--metric {name}{usual}: intervals by {metric.unit}{less}")


def _load(plugin: Path | None) -> None:
    if plugin is not None:
        from autopeft.plugins import load_plugin

        load_plugin(plugin)


def _facts(kind: TaskKind) -> dict[str, Any]:
    """Return what there is to know of a kind, as JSON data."""
    from dataclasses import asdict

    from autopeft.trials import TRIALS

    trials = TRIALS[kind.name]
    return {
        "summary": kind.summary,
        "data": kind.layout,
        "samples": [asdict(sample) for sample in kind.samples],
        "metrics": {name: asdict(metric) for name, metric in kind.metrics.items()},
        "space": trials.default_space,
        "baseline": trials.untouched,
        "model": trials.auto_class,
    }
