"""`autopeft train`: fine-tune a configuration of a front, or of a file, on all training data."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from autopeft.cli import options
from autopeft.cli.header import announce

if TYPE_CHECKING:
    from autopeft.launch import Groundwork
    from autopeft.space import Configuration

__all__ = ["train"]

#: Options of this verb that are no settings of a search.
_NO_SETTINGS = ("source", "pick", "report_to", "merge", "push_to_hub", "output")


def train(
    source: Annotated[Path, typer.Argument(help="Run folder, or YAML of a configuration.", metavar="RUN|CONFIG.yaml")],
    pick: Annotated[
        str, typer.Option(help="Of a run: best, knee, 'cheapest-within 0.5pt', 'budget 0.1%' or a trial number.")
    ] = "best",
    model: options.Model = None,
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
    examples: options.Examples = None,
    epochs: options.Epochs = None,
    batch_size: options.BatchSize = None,
    max_length: options.MaxLength = None,
    precision: options.Precision = None,
    load_in_4bit: options.LoadIn4bit = None,
    load_in_8bit: options.LoadIn8bit = None,
    gradient_checkpointing: options.GradientCheckpointing = None,
    report_to: Annotated[
        list[str] | None, typer.Option(help="tensorboard, wandb or mlflow; may be given several times.")
    ] = None,
    merge: Annotated[bool, typer.Option("--merge", help="Also write a plain model, adapters folded in.")] = False,
    push_to_hub: Annotated[
        str | None, typer.Option(help="Upload to this repository of the hub, private when new.")
    ] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Folder to write; default: RUN/train.")] = None,
) -> None:
    """Train on the whole training split, keep the state best on validation, measure it on test; again to resume."""
    flags = {name: value for name, value in locals().items() if value is not None and name not in _NO_SETTINGS}
    from dataclasses import replace

    from rich.console import Console

    from autopeft.cli.quiet import quiet
    from autopeft.study import prepare_folder
    from autopeft.training import check_mergeable, fine_tune, push, write_card
    from autopeft.trials import draw

    quiet()
    named, configuration, ground = _of_run(source, pick, flags) if source.is_dir() else _of_file(source, flags)
    if merge:
        check_mergeable(configuration)
    folder = output or (source / "train" if source.is_dir() else Path("runs") / f"train-{configuration.hash}")
    prepare_folder(folder)
    trained_on = ground.task
    if examples is not None:
        trained_on = replace(ground.task, train=draw(ground.task, ground.setting)[0])
    setting, chosen, console = ground.setting, ground.plan.seed, Console()
    how = (
        f"{len(trained_on.train):,} training examples, {setting.epochs:g} epochs of batches of {setting.batch_size}, "
        f"texts cut at {setting.max_length} tokens, {setting.precision}, seed {chosen}"
    )
    announce(
        console, ground.backbone, ground.task, "train", [f"{named}: {configuration.describe()}", how, *ground.notes]
    )
    found = fine_tune(
        configuration,
        ground.backbone,
        trained_on,
        setting,
        folder,
        seed=chosen,
        report_to=report_to or (),
        progress=console.is_terminal,
    )
    write_card(configuration, ground.backbone, trained_on, setting, chosen, found, folder)
    for split, figures in (("validation, which chose the state", found.validation), ("test", found.test)):
        typer.echo(f"on {split}: {', '.join(f'{name} {value:.4f}' for name, value in figures.items())}")
    typer.echo(f"adapters, head, README.md and metrics.json are in {folder}")
    if merge:
        _merge(ground, found.model, folder / "merged")
        typer.echo(f"the merged model is in {folder / 'merged'}")
    if push_to_hub is not None:
        typer.echo(f"pushed to {push(folder, push_to_hub)}")


def _of_run(run: Path, pick: str, flags: dict[str, Any]) -> tuple[str, Configuration, Groundwork]:
    """Return a pick of a run by its name, and what its plan and the flags name."""
    from dataclasses import replace

    from autopeft.launch import SearchPlan, groundwork, open_run
    from autopeft.selection import choice_of, selected_front
    from autopeft.selection import pick as choose

    result = open_run(run, flags["trust_remote_code"])
    row = choose(selected_front(result), result.scale, pick)
    choice = choice_of(run, row)
    ground = groundwork(SearchPlan.of(result.plan.model_dump(exclude_unset=True) | flags, "flags"))
    if choice.epochs is not None and "epochs" not in flags:
        ground = replace(ground, setting=replace(ground.setting, epochs=choice.epochs))
    return f"trial {row.trial}", choice.configuration, ground


def _of_file(file: Path, flags: dict[str, Any]) -> tuple[str, Configuration, Groundwork]:
    """Return the configuration of a file by its name, and what the flags name."""
    from autopeft.launch import SearchPlan, groundwork
    from autopeft.methods import VOCABULARY
    from autopeft.space import canonical, read_configuration

    data = read_configuration(file)
    ground = groundwork(SearchPlan.of(flags, "flags"))
    return file.name, canonical(data, VOCABULARY, ground.backbone.shape), ground


def _merge(ground: Groundwork, model: Any, folder: Path) -> None:
    """Fold the adapters in, and write the model with its tokenizer."""
    from autopeft.training import merge

    tokenizer = ground.backbone.tokenizer()
    inputs = {"input_ids": tokenizer("one two three", return_tensors="pt")["input_ids"].to(model.device)}
    merge(model, inputs)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
