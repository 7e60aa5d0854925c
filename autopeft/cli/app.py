"""The application and its verbs."""

from __future__ import annotations

from typing import Annotated

import typer

from autopeft.cli import (
    compare,
    compress,
    cost,
    data,
    doctor,
    evaluate,
    export,
    front,
    fuse,
    init,
    log,
    methods,
    plugin,
    predict,
    report,
    schema,
    search,
    select,
    spaces,
    stop,
    tasks,
    train,
    transfer,
    trials,
    watch,
)

__all__ = ["app"]


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        typer.echo(f"autopeft {version('autopeft')}")
        raise typer.Exit


app = typer.Typer(
    name="autopeft",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def main_options(
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, help="Print the version, and nothing else.", callback=_version)
    ] = False,
) -> None:
    """Find which PEFT configuration to use for your model, your data and your budget."""


app.command("init")(init.init)
app.command("search")(search.search)
app.command("data")(data.data)
app.command("select")(select.select)
app.command("front")(front.front)
app.command("compress")(compress.compress)
app.command("trials")(trials.trials)
app.command("watch")(watch.watch)
app.command("stop")(stop.stop)
app.command("log")(log.log)
app.command("cost")(cost.cost)
app.command("report")(report.report)
app.command("compare")(compare.compare)
app.command("transfer")(transfer.transfer)
app.command("export")(export.export)
app.command("train")(train.train)
app.command("evaluate")(evaluate.evaluate)
app.command("predict")(predict.predict)
app.command("fuse")(fuse.fuse)
app.add_typer(spaces.app, name="spaces")
app.add_typer(tasks.app, name="tasks")
app.command("methods")(methods.methods)
app.command("plugin")(plugin.plugin)
app.command("doctor")(doctor.doctor)
app.command("schema")(schema.schema)
