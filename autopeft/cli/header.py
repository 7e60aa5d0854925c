"""What verbs that train or measure print before they begin: model and data, and how it is done."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

    from autopeft.backbones import Backbone
    from autopeft.tasks import Task

__all__ = ["announce", "say_on", "shown"]


def shown(label: str) -> str:
    """Return a label as a table shows it: quoted where blanks or line ends would not be seen."""
    return repr(label) if label != label.strip() or "\n" in label else label


def say_on(console: Console) -> Callable[[str], None]:
    """Return what prints a line as it is."""

    def say(line: str) -> None:
        console.print(line, highlight=False, markup=False, soft_wrap=True)

    return say


def announce(console: Console, backbone: Backbone, task: Task, title: str, lines: Sequence[str]) -> None:
    """Print the model, the data, and lines of a title of at most seven letters."""
    from autopeft.backbones.gguf import SMOLLM2

    held = f", held in {backbone.quantization}" if backbone.quantization else ""
    where = f", converted to {backbone.path}" if backbone.name == SMOLLM2 else ""
    model = f"{backbone.name}, {backbone.num_parameters:,} parameters{held}{where}"
    say = say_on(console)
    for name, found in (("model", [model, *backbone.notes]), ("task", task.describe()), (title, lines)):
        for index, line in enumerate(found):
            say(f"{'' if index else name:<8}{line}")
