"""The application and its verbs."""

from __future__ import annotations

import typer

from autopeft.cli import (
    compare,
    compress,
    cost,
    data,
    evaluate,
    export,
    front,
    fuse,
    log,
    methods,
    plugin,
    predict,
    report,
    schema,
    search,
    select,
    spaces,
    tasks,
    train,
    transfer,
    trials,
)

__all__ = ["app"]

app = typer.Typer(
    name="autopeft",
    help="Find which PEFT configuration to use for your model, your data and your budget.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("search")(search.search)
app.command("data")(data.data)
app.command("select")(select.select)
app.command("front")(front.front)
app.command("compress")(compress.compress)
app.command("trials")(trials.trials)
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
app.command("schema")(schema.schema)
