"""What a folder of something trained says of its use: how texts are read and answers written, and on which model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

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


class Base(BaseModel):
    """The pretrained model that adapters are for.

    Args:
        path: Its name, folder or hub id, as `load_backbone` takes it.
        revision: Of a hub model, the revision.
        quantization: In how few bits it is held, if at all.
        architecture: The type that its config names.
        identity: What tells it from others.
    """

    model_config = ConfigDict(frozen=True, strict=True)

    path: str
    revision: str | None
    quantization: Quantization | None
    architecture: str
    identity: dict[str, str]


class Use(BaseModel):
    """How a folder is used.

    Args:
        task: Name of the task.
        columns: Where texts to classify stand in tables, one column or two; of a decoder, those of its form.
        labels: Of a classifier, the names of the labels by their numbers.
        max_length: Tokens at which texts to classify are cut.
        precision: `bf16` or `fp32`.
        form: Of a decoder, what form its data has.
        max_new_tokens: Of a decoder, how many tokens an answer has at most.
        base: What the adapters are for; None where the folder holds the whole model.
    """

    model_config = ConfigDict(frozen=True)

    task: str
    columns: Annotated[tuple[str, ...], Field(min_length=1, max_length=3)]
    labels: tuple[str, ...] = ()
    max_length: Annotated[int, Field(ge=2, strict=True)]
    precision: Literal["bf16", "fp32"]
    form: Format | None = None
    max_new_tokens: Annotated[int, Field(ge=1, strict=True)] | None = None
    base: Base | None = None

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if self.form is None:
            if len(self.columns) > 2 or len(self.labels) < 2 or len(set(self.labels)) < len(self.labels):
                raise ValueError("expected one column or two, and two or more different labels")
        elif self.form.before.count("{}") != 1 or not self.form.columns or self.max_new_tokens is None:
            raise ValueError("expected a form with columns and one {} in `before`, and how long answers are")
        elif set(self.form.before.replace("{}", "")) & set("{}"):
            raise ValueError("expected no braces in `before` but one {}")
        return self

    def write(self, folder: Path) -> None:
        """Write it into a folder."""
        (folder / USE_FILE).write_text(self.model_dump_json(indent=2) + "\n", encoding="utf8")

    @classmethod
    def read(cls, folder: Path) -> Use:
        """Read that of a folder.

        Raises:
            ConfigurationError: When there is none.
        """
        try:
            return cls.model_validate_json((folder / USE_FILE).read_bytes())
        except OSError as error:
            raise ConfigurationError(
                f"{folder}: no readable {USE_FILE}; expected a folder that `autopeft train`, `select`, `--merge` or "
                "`export --to peft` of a finalist wrote, of this version or a later one"
            ) from error
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            where = ".".join(map(str, first["loc"]))
            raise ConfigurationError(
                f"{folder / USE_FILE}{f', {where}' if where else ''}: {first['msg']}; save the adapters again"
            ) from error

    @property
    def asking(self) -> dict[str, str]:
        """The columns that are read of rows to be predicted, by the flag that names each."""
        form = self.form
        if form is None:
            return dict(zip(("text", "text2"), self.columns, strict=False))
        flags = ("messages",) if form.conversation else ("text",) if form.plain else ("prompt", "choices")
        return dict(zip(flags, form.asking, strict=False))

    def reading(self, columns: Mapping[str, str]) -> Use:
        """Return the same for tables with other columns.

        Args:
            columns: For some of the flags of `asking` another column.

        Raises:
            ConfigurationError: When there is no such flag here.
        """
        asking = self.asking
        others = [f"--{flag}" for flag in columns if flag not in asking]
        if others:
            expected = " and ".join(f"--{flag}" for flag in asking)
            raise ConfigurationError(f"found {', '.join(others)}; what was trained reads columns named by {expected}")
        named = tuple({**asking, **columns}.values())
        if self.form is None:
            return self.model_copy(update={"columns": named})
        form = replace(self.form, columns=(*named, *self.form.columns[len(named) :]))
        return self.model_copy(update={"columns": form.columns, "form": form})

    def empty_task(self) -> Task | CausalTask:
        """Return the task without its data."""
        if self.form is not None:
            nothing = CausalSplit((), () if self.form.choices else None)
            return CausalTask(self.task, self.form, "token_accuracy", nothing, nothing, nothing)
        none = Split((), ())
        pair = len(self.columns) == 2
        return Task(self.task, self.labels, "accuracy", pair, none, none, none, columns=self.columns)


def use_of(backbone: Backbone, task: Task | CausalTask, setting: TrialSetting, *, whole: bool = False) -> Use:
    """Return how something trained is used.

    Args:
        backbone: On what it was trained.
        task: For what.
        setting: How.
        whole: Whether the folder holds the whole model.
    """
    base = None if whole else _base(backbone)
    common: dict[str, Any] = {"task": task.name, "max_length": setting.max_length, "precision": setting.precision}
    if isinstance(task, CausalTask):
        tokens = answer_tokens(task, backbone.tokenizer())
        return Use(columns=task.form.columns, form=task.form, max_new_tokens=tokens, base=base, **common)
    return Use(columns=task.columns[: 1 + task.pair], labels=task.labels, base=base, **common)


def _base(backbone: Backbone) -> Base:
    return Base(
        path=_address(backbone),
        revision=backbone.revision,
        quantization=backbone.quantization,
        architecture=backbone.config.model_type,
        identity=backbone.identity,
    )


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
