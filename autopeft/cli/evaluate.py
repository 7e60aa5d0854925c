"""`autopeft evaluate`: measure saved adapters."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from autopeft.cli import options
from autopeft.cli.header import announce

__all__ = ["evaluate"]


class Split(StrEnum):
    """The splits that adapters can be measured on."""

    validation = "validation"
    test = "test"


def evaluate(
    adapter: Annotated[Path, typer.Argument(help="Folder of saved adapters.")],
    split: Annotated[Split, typer.Option(help="Which split.")] = Split.test,
    model: Annotated[
        str | None, typer.Option(help="Hub id, folder or smollm2; default: the one they were trained on.")
    ] = None,
    revision: options.Revision = None,
    roles: options.Roles = None,
    trust_remote_code: options.TrustRemoteCode = False,
    task: options.TaskName = None,
    data: options.Data = None,
    kind: options.Kind = None,
    text: options.Text = None,
    text2: options.Text2 = None,
    label: options.Label = None,
    messages: options.Messages = None,
    prompt: options.Prompt = None,
    completion: options.Completion = None,
    choices: options.Choices = None,
    validation: options.Validation = None,
    test: options.Test = None,
    metric: options.Metric = None,
    generate: options.Generate = None,
    plugin: options.Plugin = None,
    seed: options.Seed = None,
    batch_size: options.BatchSize = None,
    max_length: options.MaxLength = None,
    precision: options.Precision = None,
    load_in_4bit: options.LoadIn4bit = None,
    load_in_8bit: options.LoadIn8bit = None,
    json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Measure saved adapters on the test split, or on validation, of a task."""
    flags = {
        name: value
        for name, value in locals().items()
        if value is not None and name not in ("adapter", "split", "json")
    }
    from rich.console import Console

    from autopeft.cli.json_output import documents
    from autopeft.cli.quiet import quiet
    from autopeft.launch import SearchPlan, groundwork
    from autopeft.methods import load_plugin
    from autopeft.methods.storage import read_manifest
    from autopeft.training import evaluate as measure

    quiet()
    with documents(json) as write:
        if plugin is not None:
            load_plugin(plugin)
        configuration, trained_on = read_manifest(adapter)
        ground = groundwork(SearchPlan.of({"model": trained_on, **flags}, "flags"))
        setting, examples = ground.setting, len(ground.task.splits[split.value])
        how = f"{split.value}, texts cut at {setting.max_length} tokens, {setting.precision}"
        announce(Console(stderr=json), ground.backbone, ground.task, "measure", [how, *ground.notes])
        found = measure(adapter, ground.backbone, ground.task, setting, split.value)
        if json:
            write(found)
            return
    typer.echo(f"{configuration.describe()}, of {ground.backbone.name}")
    figures = ", ".join(f"{name} {value:.4f}" for name, value in found.items())
    typer.echo(f"on {examples:,} examples of {split.value} of {ground.task.name}: {figures}")
