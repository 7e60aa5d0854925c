"""A search written down: what `autopeft search` takes as flags, as one YAML file or as Python arguments."""

from __future__ import annotations

import re
import reprlib
import shlex
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, StrictBool, ValidationError, ValidationInfo, field_validator

from autopeft.backbones import Quantization
from autopeft.errors import AutopeftError, one_line
from autopeft.launch.paths import PATHS, absolute
from autopeft.passwords import HIDDEN, without_passwords
from autopeft.plugins import is_loaded
from autopeft.study.urls import kept
from autopeft.trials.setting import Fidelity

__all__ = ["ALLOWED", "FinalPlan", "SearchPlan", "default_study", "parse_duration"]

#: The settings that are numbers.
_NUMBERS = (
    "candidates",
    "grades",
    "set_size",
    "seconds",
    "generate",
    "trials",
    "seed",
    "examples",
    "epochs",
    "batch_size",
    "max_length",
    "workers",
)

#: What only a person allows, at each command.
ALLOWED = ("trust_remote_code", "allow_code")

#: A number as people write large ones.
_SCIENTIFIC = re.compile(r"[0-9]{1,9}(\.[0-9]{0,9})?[eE][+-]?[0-9]{1,2}")

_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def _number(value: Any) -> Any:
    """Refuse YAML's `yes` where a number is expected, for which it would pass as 1; read `1e5`, to YAML a text."""
    if isinstance(value, bool):
        raise ValueError("input should be a number")
    if isinstance(value, str) and _SCIENTIFIC.fullmatch(value.strip()):
        exact = float(value)
        return int(exact) if exact.is_integer() else exact
    return value


class FinalPlan(BaseModel):
    """How long finalists train; what is left out is as in a trial that is not stopped."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    examples: int | None = Field(default=None, ge=1, description="training examples of a finalist")
    epochs: float | None = Field(default=None, gt=0, allow_inf_nan=False, description="epochs of a finalist")

    _numbers = field_validator("examples", "epochs", mode="before")(_number)


class SearchPlan(BaseModel):
    """Everything a search is told; each field is the flag of the same name."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: str | None = Field(None, min_length=1, description="hub id, local folder, or the packaged default")
    revision: str | None = Field(None, description="revision of a hub model")
    roles: Path | None = Field(None, description="YAML that maps roles to module names of an unknown architecture")
    trust_remote_code: StrictBool = Field(False, description="run code that the model brings; no file can allow it")
    task: str | None = Field(None, description="name of a packaged task")
    data: str | None = Field(None, min_length=1, description="file, folder or pattern of files, or a `datasets` name")
    kind: str | None = Field(None, description="kind of task, see `autopeft tasks`; default: what the data shows")
    text: str | None = Field(None, description="column of the text")
    text2: str | None = Field(None, description="column of the second text, for pairs")
    label: str | None = Field(None, description="column of the label")
    label_separator: str | None = Field(
        None, min_length=1, description="what joins the names of several labels; default: `;`, or what the data shows"
    )
    messages: str | None = Field(None, description="column of conversations")
    prompt: str | None = Field(None, description="column of the prompt")
    completion: str | None = Field(None, description="column of the completion, which is learned")
    choices: str | None = Field(None, description="column of the choices, one of which the completion names")
    chosen: str | None = Field(None, description="column of the better answer of a pair")
    rejected: str | None = Field(None, description="column of the worse answer of a pair")
    query: str | None = Field(None, description="column of the query")
    document: str | None = Field(None, description="column of the document that is ranked for it")
    relevance: str | None = Field(None, description="column that says how relevant the document is")
    candidates: int | None = Field(None, ge=2, description="documents ranked for a query; twice as many on test")
    grades: int | None = Field(None, ge=1, description="highest grade that a decoder tells; yes or no when left out")
    expectation: bool = Field(False, description="score documents by the mean of their grades")
    set_size: int | None = Field(None, ge=2, description="documents that a decoder is shown at once, to name the best")
    image: str | None = Field(None, description="column of the picture, a path or bytes")
    audio: str | None = Field(None, description="column of the clip of sound, a path or bytes")
    pooling: Literal["mean", "first", "last"] | None = Field(None, description="tokens of which vectors are made")
    validation: Path | None = Field(None, description="file to search on; split from the data when left out")
    test: Path | None = Field(None, description="file kept for finalists; split from the data when left out")
    pool: Path | None = Field(None, description="file of further rows, which `select` chooses from")
    group: str | None = Field(None, description="column that says which rows stay together when rows are split")
    drop_duplicates: bool = Field(False, description="leave inputs out that stand in the data already")
    metric: str | None = Field(None, description="what `accuracy` holds; default: the usual one of the kind of task")
    allow_code: StrictBool = Field(False, description="run code that models write, in a sandbox; no file can allow it")
    loss: Literal["pointwise", "pairwise", "listwise", "completions", "everything"] | None = Field(
        None, description="what ranking is trained on; of decoders, whether prompts are learned too"
    )
    augment: str | None = Field(None, description="what is done to pictures while a model learns: crop, flip or both")
    seconds: float | None = Field(
        None, gt=0, allow_inf_nan=False, description="seconds at which clips of sound are cut"
    )
    generate: int | None = Field(None, ge=0, description="validation examples to which decoders write answers")
    space: str | dict[str, Any] | None = Field(
        None, description="name or YAML file of the search space; default: that of the kind of task"
    )
    tasks: list[dict[str, Any]] | None = Field(
        None, min_length=2, description="several tasks, each as what names its data, in place of one"
    )
    mixture: Literal["separate", "joint"] | None = Field(
        None, description="adapters for each of several tasks, or shared ones on the mixture of all"
    )
    configurations: dict[str, dict[str, Any]] | None = Field(
        None, description="configurations by name, which are tried in place of a search"
    )
    tries: list[Path] | None = Field(
        None, description="files of configurations to try first, adapter_config.json of PEFT among them"
    )
    target: str | None = Field(None, description="export target; what it cannot express is left out")
    plugin: Path | None = Field(None, description="Python file that registers further methods or kinds of task")
    budget: str = Field("1%", description="limit on trainable parameters and memory: 1%, 300k, 16GiB; 1%, 16GiB")
    objectives: str = Field("accuracy,params", description="accuracy and one or two costs")
    sampler: Literal["pareto", "random", "tpe", "nsga2", "gp"] = Field("pareto", description="what proposes trials")
    warm_start: Path | None = Field(None, description="run folder of an earlier search to begin from")
    trials: int = Field(24, ge=1, description="trials in all, those of earlier runs and the baselines included")
    seed: int = Field(0, ge=0, description="seed of everything random")
    examples: int | None = Field(None, ge=1, description="training examples of a trial")
    epochs: float | None = Field(None, gt=0, allow_inf_nan=False, description="epochs of a trial")
    batch_size: int | None = Field(None, ge=1, description="examples of a step")
    max_length: int | None = Field(None, ge=2, description="tokens at which a text is cut")
    margin: str | None = Field(
        None, description="how much worse than a reference is as good as it, e.g. 0.5pt; 1pt when left out"
    )
    final: FinalPlan = Field(FinalPlan(), description="examples and epochs of finalists; default: those of a trial")
    precision: Literal["auto", "bf16", "fp32"] = Field("auto", description="bf16 where the hardware has it")
    load_in_4bit: bool = Field(False, description="hold the backbone's frozen matrices in 4 bits (NF4)")
    load_in_8bit: bool = Field(False, description="hold the backbone's frozen matrices in 8 bits (LLM.int8())")
    gradient_checkpointing: bool = Field(False, description="compute layers again for the backward pass")
    early_stopping: bool = Field(True, description="stop trials that will neither reach the front nor be picked")
    fidelity: Fidelity = Field("steps", description="what a trial has less of at its rungs: steps or examples")
    workers: int | None = Field(None, ge=0, description="trials at once; 0 runs them in this process")
    ray_address: str | None = Field(None, description="address of a Ray cluster, or auto; default: Ray on this machine")
    time_limit: str | None = Field(None, description="end the whole search after this long, e.g. 2h")
    trial_time_limit: str | None = Field(None, description="stop a trial after this long, e.g. 10m")
    storage: str | None = Field(
        None, repr=False, description="RDB URL of the study; default: study.db in the run folder"
    )
    out: Path | None = Field(None, description="run folder")

    _numbers = field_validator(*_NUMBERS, mode="before")(_number)

    @field_validator("space", mode="before")
    @classmethod
    def _space_of_some_form(cls, value: Any) -> Any:
        if value is not None and not isinstance(value, str | dict):
            raise ValueError("input should be the name of a space, a YAML file, or a mapping with what a file holds")
        return value

    @field_validator("final", mode="before")
    @classmethod
    def _final_is_a_mapping(cls, value: Any) -> Any:
        if not isinstance(value, dict | FinalPlan):
            raise ValueError("input should be a mapping such as {examples: 5000, epochs: 5}")
        return value

    @field_validator("budget", mode="before")
    @classmethod
    def _as_text(cls, value: Any) -> Any:
        return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value

    @field_validator("time_limit", "trial_time_limit")
    @classmethod
    def _duration(cls, value: str | None) -> str | None:
        if value is not None and parse_duration(value) <= 0:
            raise ValueError("no time at all; expected e.g. 90s, 30m, 2h or 1h30m")
        return value

    @field_validator("load_in_8bit")
    @classmethod
    def _one_quantization(cls, value: bool, info: ValidationInfo) -> bool:
        if value and info.data.get("load_in_4bit"):
            raise ValueError("excludes load_in_4bit; give one of them")
        return value

    @field_validator("warm_start")
    @classmethod
    def _of_pareto(cls, value: Path | None, info: ValidationInfo) -> Path | None:
        if value is not None and info.data.get("sampler") != "pareto":
            raise ValueError("needs the sampler pareto, which alone can begin from an earlier search")
        return value

    @property
    def quantization(self) -> Quantization | None:
        """How the backbone's frozen matrices are held; None as they are."""
        if self.load_in_4bit:
            return "4bit"
        return "8bit" if self.load_in_8bit else None

    @classmethod
    def of(cls, settings: Mapping[str, Any], source: str = "search") -> SearchPlan:
        """Build a plan from plain data.

        Raises:
            AutopeftError: Naming every unknown key and wrong value at once.
        """
        try:
            return cls.model_validate(dict(settings))
        except ValidationError as error:
            raise AutopeftError("\n".join(one_line(_in_words(source, fault)) for fault in error.errors())) from None

    @classmethod
    def from_file(cls, path: Path, **overrides: Any) -> SearchPlan:
        """Read a plan from YAML; paths in it are relative to the working directory; overrides win.

        That code of the model's own was trusted, or code that models write allowed, is recorded there for people to
        see: only an override allows it. A plugin is code too: an override names it, or this process has run it.

        Raises:
            AutopeftError: When the file is missing, is no YAML mapping, names a plugin that nobody else has named, or
                holds unknown keys or wrong values.
        """
        try:
            data = yaml.safe_load(path.read_text(encoding="utf8"))
        except OSError as error:
            raise AutopeftError(f"cannot read {path}: {error.strerror}; expected a YAML file of a search") from None
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            said = without_passwords(" ".join(str(error).split()))
            raise AutopeftError(f"{path} is not YAML: {said}; expected a mapping such as `budget: 1%`") from None
        if not isinstance(data, dict):
            raise AutopeftError(f"{path}: expected a mapping such as `budget: 1%`, found {type(data).__name__}")
        data |= {name: False for name in ALLOWED if data.get(name) is True}
        plugin = data.get("plugin")
        if isinstance(plugin, str) and overrides.get("plugin") is None and not is_loaded(Path(plugin).expanduser()):
            raise AutopeftError(
                f"{path}: plugin: found {one_line(plugin)}, which is code that would run on this machine; look at it, "
                f"and add --plugin {shlex.quote(one_line(plugin))} if you trust it. No file can allow it"
            )
        return cls.of(data | overrides, str(path))

    def naming_data(self) -> SearchPlan:
        """Return the plan, which names its data.

        Raises:
            AutopeftError: It does not.
        """
        if self.task is None and self.data is None and self.tasks is None:
            raise AutopeftError("no data is named; expected --data FILE, or --task icd10-chapters, which is packaged")
        return self

    def or_default_job(self) -> SearchPlan:
        """Return the plan, or where it names no data the default job, with the settings that the plan has."""
        if self.task is not None or self.data is not None or self.tasks is not None:
            return self
        return SearchPlan.from_file(default_study(), **self.model_dump(exclude_unset=True))

    def located(self) -> SearchPlan:
        """Return the plan with absolute paths: a worker starts in another folder, and so may a later resume."""
        given = {name: value for name in PATHS if (value := getattr(self, name)) is not None}
        found: dict[str, Any] = {name: absolute(name, value) for name, value in given.items()}
        if self.tries is not None:
            found["tries"] = [path.expanduser().absolute() for path in self.tries]
        if self.tasks is not None:
            found["tasks"] = [
                {name: absolute(name, value) if name in PATHS else value for name, value in each.items()}
                for each in self.tasks
            ]
        return self.model_copy(update=found)

    def to_yaml(self) -> str:
        """Write the plan as YAML that `from_file` reads back; settings left at nothing, and passwords, are left out."""
        settled = {key: value for key, value in self.model_dump(mode="json", exclude_none=True).items() if value != {}}
        if self.storage is not None:
            settled["storage"] = kept(self.storage)
        return yaml.safe_dump(settled, sort_keys=False)


def default_study() -> Path:
    """Return the file of the default job: in a source checkout, else inside the installed package."""
    package = Path(__file__).resolve().parents[1]
    candidates = (package.parent, package)
    return next(path for root in candidates if (path := root / "studies" / "icd10-chapters" / "study.yaml").is_file())


def parse_duration(text: str) -> float:
    """Turn `90s`, `30m`, `2h` or `1h30m` into seconds.

    Raises:
        ValueError: When it is none of these.
    """
    parts = re.findall(r"(\d+(?:\.\d+)?)([smhd])", text)
    if not parts or "".join(number + unit for number, unit in parts) != text.strip():
        raise ValueError(f"{text!r} is no duration; expected e.g. 90s, 30m, 2h or 1h30m")
    return sum(float(number) * _UNITS[unit] for number, unit in parts)


def _in_words(source: str, fault: Any) -> str:
    final = fault["loc"][0] == "final"
    key = ".".join(str(part) for part in fault["loc"][: 1 + final])
    if fault["type"] == "extra_forbidden":
        known = (FinalPlan if final else SearchPlan).model_fields
        near = get_close_matches(str(fault["loc"][-1]), known, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else f"; expected one of {', '.join(known)}"
        return f"{source}: {key}: no such setting{hint}"
    message = fault["msg"].removeprefix("Value error, ")
    found = str(fault["input"]) if isinstance(fault["input"], Path) else fault["input"]
    shown = without_passwords(reprlib.repr(found if key != "storage" else HIDDEN))
    return f"{source}: {key}: found {shown}: {message[0].lower() + message[1:]}"
