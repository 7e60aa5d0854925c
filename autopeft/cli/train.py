"""`autopeft train`: fine-tune a configuration of a front, or of a file, on all training data."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from autopeft.cli import options
from autopeft.cli.data_options import DATA, takes
from autopeft.cli.echo import echo
from autopeft.cli.header import announce

__all__ = ["train"]

#: Options of this verb that are no settings of a search.
_NO_SETTINGS = ("source", "pick", "report_to", "merge", "keep_checkpoints", "push_to_hub", "output", "settings")


@takes(DATA)
def train(
    source: Annotated[Path, typer.Argument(help="Run folder, or YAML of a configuration.", metavar="RUN|CONFIG.yaml")],
    pick: Annotated[
        str,
        typer.Option(help=f"Of a run: {options.PICKS}."),
    ] = "best",
    model: options.Model = None,
    revision: options.Revision = None,
    roles: options.Roles = None,
    trust_remote_code: options.TrustRemoteCode = False,
    loss: options.Loss = None,
    generate: options.Generate = None,
    augment: options.Augment = None,
    seconds: options.Seconds = None,
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
    keep_checkpoints: Annotated[
        bool, typer.Option("--keep-checkpoints", help="Keep the checkpoints when training has finished.")
    ] = False,
    push_to_hub: Annotated[
        str | None, typer.Option(help="Upload to this repository of the hub, private when new.")
    ] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Folder to write; default: RUN/train.")] = None,
    **settings: Any,
) -> None:
    """Train on the whole training split, keep the state best on validation, measure it on test; again to resume."""
    flags = {
        name: value for name, value in locals().items() if value is not None and name not in _NO_SETTINGS
    } | settings
    from autopeft.cli.quiet import quiet
    from autopeft.cli.terminal import Terminal
    from autopeft.training import prepare_training, push, train_prepared
    from autopeft.trials import kind_of

    quiet()
    training = prepare_training(source, flags, chosen=pick, output=output)
    ground, console = training.ground, Terminal()
    setting = ground.setting
    how = (
        f"{len(training.task.train):,} training examples, {setting.epochs:g} epochs of batches of "
        f"{setting.batch_size}, {kind_of(ground.task).cut} {setting.max_length} tokens, {setting.precision}, "
        f"seed {ground.plan.seed}"
    )
    what = f"{training.name}: {training.configuration.describe()}"
    announce(console, ground.backbone, ground.task, "train", [what, how, *filter(None, [training.rate]), *ground.notes])
    found = train_prepared(
        training,
        report_to=report_to or (),
        merge=merge,
        keep_checkpoints=keep_checkpoints,
        progress=console.is_terminal,
    )
    if found.already:
        echo(f"this training was finished before, in {found.folder}; nothing is trained again")
    for split, figures in (("validation, which chose the state", found.validation), ("test", found.test)):
        echo(f"on {split}: {', '.join(f'{name} {value:.4f}' for name, value in figures.items())}")
    echo(f"adapters, head, tokenizer and what README.md there explains are in {found.folder}")
    if found.merged is not None:
        echo(f"the merged model is in {found.merged}")
    if push_to_hub is not None:
        echo(f"pushed to {push(found.folder, push_to_hub)}")
