"""What a folder of something trained says of its use: how texts are read and answers written, and on which model."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from autopeft.backbones import Backbone, Quantization
from autopeft.errors import ConfigurationError
from autopeft.tasks import CausalTask, Split, Task, choose_max_length
from autopeft.tasks.causal import CausalSplit, Format, ask
from autopeft.trials import TrialSetting

__all__ = ["USE_FILE", "Base", "Use", "answer_tokens", "use_of"]

#: Its file.
USE_FILE = "predict.json"

#: Of so many training examples it is learned how long answers are; no longer ones are written unasked.
_FEW, _MOST_TOKENS = 256, 512

#: Tokens with which a plain text is gone on with.
_GO_ON = 64


@dataclass(frozen=True)
class Base:
    """The pretrained model that adapters are for.

    Args:
        path: Its name, folder or hub id, as `load_backbone` takes it.
        revision: Of a hub model, the revision.
        quantization: In how few bits it is held, if at all.
        identity: What tells it from others.
    """

    path: str
    revision: str | None
    quantization: Quantization | None
    identity: Mapping[str, str]


@dataclass(frozen=True)
class Use:
    """How a folder is used.

    Args:
        task: Name of the task.
        columns: Where texts stand in tables.
        max_length: Tokens at which texts to classify are cut.
        precision: `bf16` or `fp32`.
        form: Of a decoder, what form its data has.
        max_new_tokens: Of a decoder, how many tokens an answer has at most.
        base: What the adapters are for; None where the folder holds the whole model.
    """

    task: str
    columns: tuple[str, ...]
    max_length: int
    precision: str
    form: Format | None = None
    max_new_tokens: int | None = None
    base: Base | None = None

    def write(self, folder: Path) -> None:
        """Write it into a folder."""
        (folder / USE_FILE).write_text(json.dumps(asdict(self), indent=2) + "\n", encoding="utf8")

    @classmethod
    def read(cls, folder: Path) -> Use:
        """Read that of a folder.

        Raises:
            ConfigurationError: When there is none.
        """
        try:
            data = json.loads((folder / USE_FILE).read_text(encoding="utf8"))
            form, base = data["form"], data["base"]
            if not isinstance(data["max_length"], int) or data["precision"] not in ("bf16", "fp32"):
                raise ValueError(data)
            return cls(
                **data
                | {
                    "columns": tuple(data["columns"]),
                    "form": form and Format(**form | {"columns": tuple(form["columns"])}),
                    "base": base and Base(**base),
                }
            )
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ConfigurationError(
                f"{folder}: no readable {USE_FILE}; expected a folder that `autopeft train`, `select`, `--merge` or "
                "`export --to peft` of a finalist wrote, of this version or a later one"
            ) from error

    def empty_task(self, labels: tuple[str, ...]) -> Task | CausalTask:
        """Return the task without its data.

        Args:
            labels: The names of the labels; of a decoder, none.
        """
        if self.form is not None:
            nothing = CausalSplit((), () if self.form.choices else None)
            return CausalTask(self.task, self.form, "token_accuracy", nothing, nothing, nothing)
        none = Split((), ())
        return Task(self.task, labels, "accuracy", len(self.columns) == 2, none, none, none, columns=self.columns)


def use_of(backbone: Backbone, task: Task | CausalTask, setting: TrialSetting, *, whole: bool = False) -> Use:
    """Return how something trained is used.

    Args:
        backbone: On what it was trained.
        task: For what.
        setting: How.
        whole: Whether the folder holds the whole model.
    """
    base = None if whole else Base(_address(backbone), backbone.revision, backbone.quantization, backbone.identity)
    if isinstance(task, CausalTask):
        tokens = answer_tokens(task, backbone.tokenizer())
        return Use(task.name, task.form.columns, setting.max_length, setting.precision, task.form, tokens, base)
    columns = task.columns[: 1 + task.pair]
    return Use(task.name, columns, setting.max_length, setting.precision, base=base)


def answer_tokens(task: CausalTask, tokenizer: Any) -> int:
    """Return how many tokens answers need, by those that were learned."""
    if task.form.plain:
        return _GO_ON
    few = task.train.take(range(min(_FEW, len(task.train))))
    return choose_max_length(np.array([len(each.completion) for each in ask(few, task.form, tokenizer)]), _MOST_TOKENS)


def _address(backbone: Backbone) -> str:
    """Return by what a model is found again, from whatever folder one looks."""
    if backbone.package is not None:
        return backbone.name
    path = Path(backbone.path)
    return str(path.resolve()) if path.is_dir() else backbone.path
