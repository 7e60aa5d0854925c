"""What a folder of something trained says of its use: how texts are read and answers written, and on which model."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, cast

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from autopeft.backbones import Backbone, Quantization
from autopeft.errors import ConfigurationError
from autopeft.saved.routes import check_one_task
from autopeft.tasks import KINDS, Task
from autopeft.trials import TRIALS, TrialSetting, kind_of

__all__ = ["USE_FILE", "Base", "Use", "use_of"]

#: Its file.
USE_FILE = "predict.json"


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
        kind: Name of its kind.
        reads: What the kind knows of the data beside the examples: the names of labels, columns.
        how: What else the kind has to know to predict.
        max_length: Tokens at which texts are cut.
        precision: `bf16` or `fp32`.
        base: What the adapters are for; None where the folder holds the whole model.
    """

    model_config = ConfigDict(frozen=True)

    task: str
    kind: str
    reads: Any
    how: dict[str, Any] = {}
    max_length: Annotated[int, Field(ge=2, strict=True)]
    precision: Literal["bf16", "fp32"]
    base: Base | None = None

    @model_validator(mode="before")
    @classmethod
    def _knows_its_kind(cls, data: Any) -> Any:
        """Read what its kind said in the kind's own words."""
        if not isinstance(data, dict) or not {"kind", "reads"} <= set(data):
            return data
        if data["kind"] not in TRIALS:
            raise ValueError(f"there is no kind of task {data['kind']!r} here; name the file it is from by --plugin")
        schema = KINDS[data["kind"]].schema
        reads = data["reads"]
        if not isinstance(reads, schema):
            reads = TypeAdapter(schema).validate_python(reads)
        trials = TRIALS[data["kind"]].reading(reads)(reads)
        trials.check_use(data.get("how", {}))
        return {**data, "reads": reads}

    def write(self, folder: Path) -> None:
        """Write it into a folder."""
        (folder / USE_FILE).write_text(self.model_dump_json(indent=2) + "\n", encoding="utf8")

    @classmethod
    def read(cls, folder: Path) -> Use:
        """Read that of a folder.

        Raises:
            ConfigurationError: When there is none.
        """
        check_one_task(folder)
        try:
            return cls.model_validate_json((folder / USE_FILE).read_bytes())
        except OSError as error:
            raise ConfigurationError(
                f"{folder}: no readable {USE_FILE}; expected a folder that `autopeft train`, `select`, `--merge` or "
                "`export --to peft` of a finalist wrote, of this version or a later one"
            ) from error
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            where = "".join(f", {part}" for part in [".".join(map(str, first["loc"]))] if part)
            what = first["msg"].removeprefix("Value error, ")
            raise ConfigurationError(f"{folder / USE_FILE}{where}: {what}; save the adapters again") from error

    @property
    def asking(self) -> dict[str, str]:
        """The columns that are read of rows to be predicted, by the flag that names each."""
        return KINDS[self.kind].asks(self.reads)

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
            reads = f"columns named by {expected}" if asking else "those that it was trained on, and no others"
            raise ConfigurationError(f"found {', '.join(others)}; what was trained reads {reads}")
        named = tuple({**asking, **columns}.values())
        return self.model_copy(update={"reads": KINDS[self.kind].with_columns(self.reads, named)})

    def empty_task(self) -> Task:
        """Return the task without its data."""
        kind = KINDS[self.kind]
        nothing = kind.nothing(self.reads)
        return Task(self.task, kind, self.reads, kind.usual_of(self.reads), nothing, nothing, nothing)


def use_of(backbone: Backbone, task: Task, setting: TrialSetting, *, whole: bool = False) -> Use:
    """Return how something trained is used.

    Args:
        backbone: On what it was trained.
        task: For what.
        setting: How.
        whole: Whether the folder holds the whole model.
    """
    return Use(
        task=task.name,
        kind=task.kind.name,
        reads=task.schema,
        how=kind_of(task).under(setting).use(task, backbone.tokenizer()),
        max_length=setting.max_length,
        precision=cast(Literal["bf16", "fp32"], setting.precision),
        base=None if whole else _base(backbone),
    )


def _base(backbone: Backbone) -> Base:
    return Base(
        path=_address(backbone),
        revision=backbone.revision,
        quantization=backbone.quantization,
        architecture=backbone.config.model_type,
        identity=backbone.identity,
    )


def _address(backbone: Backbone) -> str:
    """Return by what a model is found again, from whatever folder one looks."""
    if backbone.package is not None:
        return backbone.name
    path = Path(backbone.path)
    return str(path.resolve()) if path.is_dir() else backbone.path
