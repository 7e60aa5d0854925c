"""The options that verbs share: which model, which data, how a training runs."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated

import typer

__all__ = [
    "PICKS",
    "AllowCode",
    "Audio",
    "Augment",
    "BatchSize",
    "Candidates",
    "Choices",
    "Chosen",
    "Completion",
    "Data",
    "Document",
    "DropDuplicates",
    "Epochs",
    "Examples",
    "Expectation",
    "Generate",
    "Grades",
    "GradientCheckpointing",
    "Group",
    "Image",
    "Kind",
    "Label",
    "LabelSeparator",
    "LoadIn4bit",
    "LoadIn8bit",
    "Loss",
    "MaxLength",
    "Messages",
    "Metric",
    "Model",
    "OneOrMore",
    "Plugin",
    "Pool",
    "Precision",
    "Prompt",
    "Query",
    "Quiet",
    "Rejected",
    "Relevance",
    "Revision",
    "Roles",
    "Seconds",
    "Seed",
    "SetSize",
    "TaskName",
    "Test",
    "Text",
    "Text2",
    "TrustRemoteCode",
    "Validation",
    "Verbose",
    "count",
]

#: What may be picked of a run.
PICKS = "best, knee, 'cheapest-within 0.5pt', 'budget 0.1%', head, stock or another reference, or a trial number"

DATA_PANEL = "Data"
TRIAL_PANEL = "Trials"


def count(text: str) -> int:
    """Read a whole number, which may be written as 1e5."""
    try:
        found = float(text)
    except ValueError:
        found = math.nan
    if not found.is_integer():
        raise typer.BadParameter(f"{text!r} is no whole number")
    return int(found)


Model = Annotated[str | None, typer.Option(help="Hub id, folder or smollm2; default: the packaged MiniLM.")]
Revision = Annotated[str | None, typer.Option(help="Revision of a hub model.")]
Roles = Annotated[Path | None, typer.Option(help="YAML mapping roles of an unknown architecture.")]
TrustRemoteCode = Annotated[
    bool, typer.Option("--trust-remote-code", help="Run code that the model brings, which only this flag allows.")
]
AllowCode = Annotated[
    bool | None,
    typer.Option("--allow-code", help="Run code that models write, in a sandbox, which only this flag allows."),
]
TaskName = Annotated[str | None, typer.Option(help="Packaged task, see `autopeft tasks`.", rich_help_panel=DATA_PANEL)]
Data = Annotated[
    str | None,
    typer.Option(help="File, folder or pattern of files, or a `datasets` name.", rich_help_panel=DATA_PANEL),
]
OneOrMore = Annotated[
    list[str] | None,
    typer.Option(
        "--data",
        help="File, folder or pattern of files, or a `datasets` name; given again for each of several tasks.",
        rich_help_panel=DATA_PANEL,
    ),
]
Kind = Annotated[
    str | None,
    typer.Option(help="Kind of task, see `autopeft tasks`; default: what the data shows.", rich_help_panel=DATA_PANEL),
]
Text = Annotated[str | None, typer.Option(help="Column of the text.", rich_help_panel=DATA_PANEL)]
Text2 = Annotated[str | None, typer.Option(help="Column of the second text, for pairs.", rich_help_panel=DATA_PANEL)]
Label = Annotated[str | None, typer.Option(help="Column of the label.", rich_help_panel=DATA_PANEL)]
LabelSeparator = Annotated[
    str | None,
    typer.Option(help="What joins names of several labels; default: ; or what is seen.", rich_help_panel=DATA_PANEL),
]
Messages = Annotated[
    str | None, typer.Option(help="Column of conversations, to tune a decoder on.", rich_help_panel=DATA_PANEL)
]
Prompt = Annotated[str | None, typer.Option(help="Column of the prompt.", rich_help_panel=DATA_PANEL)]
Completion = Annotated[
    str | None, typer.Option(help="Column of the completion, which is learned.", rich_help_panel=DATA_PANEL)
]
Choices = Annotated[str | None, typer.Option(help="Column of the choices of a question.", rich_help_panel=DATA_PANEL)]
Chosen = Annotated[str | None, typer.Option(help="Column of the better answer of a pair.", rich_help_panel=DATA_PANEL)]
Rejected = Annotated[str | None, typer.Option(help="Column of the worse answer of a pair.", rich_help_panel=DATA_PANEL)]
Image = Annotated[str | None, typer.Option(help="Column of the picture, a path or bytes.", rich_help_panel=DATA_PANEL)]
Audio = Annotated[
    str | None, typer.Option(help="Column of the clip of sound, a path or bytes.", rich_help_panel=DATA_PANEL)
]
Query = Annotated[str | None, typer.Option(help="Column of the query.", rich_help_panel=DATA_PANEL)]
Document = Annotated[
    str | None, typer.Option(help="Column of the document that is ranked for it.", rich_help_panel=DATA_PANEL)
]
Relevance = Annotated[
    str | None, typer.Option(help="Column that says how relevant the document is.", rich_help_panel=DATA_PANEL)
]
Candidates = Annotated[
    int | None,
    typer.Option(help="Documents ranked for a query \\[10]; twice as many on test.", rich_help_panel=DATA_PANEL),
]
Grades = Annotated[
    int | None,
    typer.Option(help="Highest grade that a decoder tells; default: it says yes or no.", rich_help_panel=DATA_PANEL),
]
Expectation = Annotated[
    bool | None,
    typer.Option(
        "--expectation",
        help="Score documents by the mean of the grades; default: the likeliest times its probability.",
        rich_help_panel=DATA_PANEL,
    ),
]
SetSize = Annotated[
    int | None,
    typer.Option(
        help="Documents that a decoder is shown at once, to name the best; default: it is asked of each alone.",
        rich_help_panel=DATA_PANEL,
    ),
]
Pooling = Annotated[
    str | None,
    typer.Option(help="Tokens of a vector: mean, first or last; default: the model's.", rich_help_panel=DATA_PANEL),
]
Margin = Annotated[
    str | None, typer.Option(help="How much worse than a reference is as good as it, e.g. 0.5pt \\[1pt].")
]
Validation = Annotated[
    Path | None, typer.Option(help="File to search on; default: split off.", rich_help_panel=DATA_PANEL)
]
Test = Annotated[
    Path | None, typer.Option(help="File kept for finalists; default: split off.", rich_help_panel=DATA_PANEL)
]
Pool = Annotated[
    Path | None,
    typer.Option(help="File of further rows, which `select` in the space chooses from.", rich_help_panel=DATA_PANEL),
]
Group = Annotated[
    str | None, typer.Option(help="Column whose equal values stay in one split.", rich_help_panel=DATA_PANEL)
]
DropDuplicates = Annotated[
    bool | None, typer.Option("--drop-duplicates", help="Leave repeated inputs out.", rich_help_panel=DATA_PANEL)
]
Metric = Annotated[
    str | None,
    typer.Option(
        help="What it is judged by, see `autopeft tasks`; default: the usual one of its kind.",
        rich_help_panel=DATA_PANEL,
    ),
]
Loss = Annotated[
    str | None,
    typer.Option(
        help="What ranking is trained on: pointwise, pairwise or listwise (default); what decoders are: completions "
        "(default) or everything.",
        rich_help_panel=TRIAL_PANEL,
    ),
]
Augment = Annotated[
    str | None,
    typer.Option(help="Change pictures while a model learns: crop, flip or crop,flip.", rich_help_panel=TRIAL_PANEL),
]
Seconds = Annotated[
    float | None, typer.Option(help="Cut clips of sound at so many seconds.", rich_help_panel=TRIAL_PANEL)
]
Generate = Annotated[
    int | None,
    typer.Option(
        parser=count,
        metavar="INTEGER",
        help="Validation examples to which decoders write answers.",
        rich_help_panel=TRIAL_PANEL,
    ),
]
Verbose = Annotated[
    bool, typer.Option("--verbose", "-v", help="Say what libraries and Ray say too, and when trials begin.")
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Say warnings and the result only.")]
Plugin = Annotated[Path | None, typer.Option(help="Python file that registers further methods or kinds of task.")]
Seed = Annotated[int | None, typer.Option(help="Seed of everything random.")]
Examples = Annotated[
    int | None,
    typer.Option(parser=count, metavar="INTEGER", help="Training examples of a trial.", rich_help_panel=TRIAL_PANEL),
]
Epochs = Annotated[float | None, typer.Option(help="Epochs of a trial.", rich_help_panel=TRIAL_PANEL)]
BatchSize = Annotated[
    int | None, typer.Option(parser=count, metavar="INTEGER", help="Examples of a step.", rich_help_panel=TRIAL_PANEL)
]
MaxLength = Annotated[
    int | None,
    typer.Option(parser=count, metavar="INTEGER", help="Tokens at which a text is cut.", rich_help_panel=TRIAL_PANEL),
]
Precision = Annotated[str | None, typer.Option(help="auto (default), bf16 or fp32.", rich_help_panel=TRIAL_PANEL)]
LoadIn4bit = Annotated[
    bool | None,
    typer.Option("--load-in-4bit", help="Frozen matrices in 4 bits, by bitsandbytes.", rich_help_panel=TRIAL_PANEL),
]
LoadIn8bit = Annotated[
    bool | None,
    typer.Option("--load-in-8bit", help="Frozen matrices in 8 bits, by bitsandbytes.", rich_help_panel=TRIAL_PANEL),
]
GradientCheckpointing = Annotated[
    bool | None,
    typer.Option("--gradient-checkpointing", help="Compute layers again to save memory.", rich_help_panel=TRIAL_PANEL),
]
