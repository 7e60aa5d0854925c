"""What every kind of task says of its trials, and of what is made of them: model, loss, figures, cards, predictions."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch
from transformers import GenerationConfig, PretrainedConfig, PreTrainedModel, PreTrainedTokenizerBase

from autopeft.backbones import MODALITIES, Backbone, load_backbone
from autopeft.errors import BackboneError, ConfigurationError
from autopeft.methods import STOCK_LEARNING_RATE
from autopeft.space import BackboneShape, Configuration
from autopeft.tasks import Encoded, Task, collate, grouped
from autopeft.trials.for_tools import ForTools
from autopeft.trials.learning import Learning
from autopeft.trials.measured import Measured
from autopeft.trials.prediction import Prediction, Ready
from autopeft.trials.probe import Probe
from autopeft.trials.setting import TrialSetting
from autopeft.trials.settled import forget_settled
from autopeft.trials.together import Together

if TYPE_CHECKING:
    from transformers import Trainer, TrainingArguments

__all__ = ["Batch", "Feed", "TrialKind", "width_of"]

Batch = dict[str, torch.Tensor]

#: Called with the rows of a batch and its padded length before each forward pass over it.
Feed = Callable[[np.ndarray, int], None]


def width_of(batch: Mapping[str, torch.Tensor]) -> int:
    """Return the padded length of the texts of a batch; 0 where there are none."""
    return int(batch["input_ids"].shape[1]) if "input_ids" in batch else 0


class TrialKind(Together, ForTools, Learning, ABC):
    """How models for a kind of task are loaded, trained, measured, saved, explained and used.

    Attributes:
        reads: Name of what such a model reads, of `MODALITIES`.
        cut: What is done to what is longer than so many tokens.
        each_token: Whether what every token becomes in the top layer is read, not only what the text as a whole does.
        has_head: Whether a new head is trained beside the adapters.
        untouched: What the baseline without adapters is called.
        default_space: Name of the search space of a plan that names none.
        auto_class: Name of the class by which transformers loads such a model.
        reader: That of what reads inputs for it, what code calls that, and the file it is saved in.
        pipeline: The hub's name of what it does.
        problem_type: What `config.json` calls it, where transformers has a name for it.
        load_backbone: Loads what is needed to know a pretrained model; arguments as for `load_backbone`.
        knobs: Those of `autopeft.methods.kind_knobs` that its training goes by.
        settles: Names of what is chosen on validation when training has ended, a number each: `measure` returns it as
            `Measured.settled`, and goes by what stands in the model's config where something does.

    Args:
        schema: What the task knows of its data.
    """

    reads: ClassVar[str] = "text"
    cut: ClassVar[str] = "texts cut at"
    each_token: ClassVar[bool] = False
    has_head: ClassVar[bool] = True
    untouched: ClassVar[str] = "head only"
    default_space: ClassVar[str] = "default"
    auto_class: ClassVar[str]
    reader: ClassVar[tuple[str, str, str]] = ("AutoTokenizer", "tokenizer", "tokenizer_config.json")
    pipeline: ClassVar[str]
    problem_type: ClassVar[str | None] = None
    load_backbone: ClassVar[Callable[..., Backbone]] = staticmethod(load_backbone)
    knobs: ClassVar[frozenset[str]] = frozenset()
    settles: ClassVar[tuple[str, ...]] = ()

    #: What the task is judged by, where it is one task's (`kind_of`).
    metric: str | None = None

    #: Whether code that models write for it may be run.
    allow_code: bool = False

    def __init__(self, schema: Any) -> None:
        self.schema = schema

    @classmethod
    def reading(cls, schema: Any) -> type[TrialKind]:
        """Return the class of trials on a task whose schema says more of how models read it."""
        return cls

    def check_reads(self, backbone: Any) -> None:
        """Check that a backbone reads what such tasks hold, and that adapters have a say in it.

        Raises:
            BackboneError: It does not.
        """
        wanted = MODALITIES[self.reads]
        if backbone.modality is not wanted:
            raise BackboneError(
                f"{backbone.name}: {backbone.config.model_type!r} models read {backbone.modality.plural}; choose a "
                f"model of {wanted.plural} for a task with {wanted.plural}, by --model, such as {wanted.example}"
            )
        backbone.check_called()

    def fitted(self, task: Task, backbone: Any) -> Task:
        """Return a task as it is put to a backbone, the schema of which may say how.

        Raises:
            AutopeftError: When it cannot be.
        """
        return task

    # How a trial is set.

    @classmethod
    def counted(cls) -> str:
        """Return what costs count, in words."""
        return "trainable parameters, head not counted" if cls.has_head else "trainable parameters"

    @classmethod
    def stock_learning_rate(cls, shape: BackboneShape) -> float:
        """Return the peak learning rate of stock LoRA in trials on a backbone."""
        return STOCK_LEARNING_RATE

    @abstractmethod
    def choose_setting(self, task: Task, tokenizer: Any, **asked: Any) -> tuple[TrialSetting, tuple[str, ...]]:
        """Choose how trials train; what is asked for is kept.

        Args:
            task: The data.
            tokenizer: The backbone's.
            asked: As for `autopeft.trials.choose_setting`, and the settings that are this kind's own.

        Returns:
            The setting, and lines on it for people.

        Raises:
            AutopeftError: When something that is asked for cannot be.
        """

    def check_held_out(self, splits: Sequence[Any], tokenizer: Any, setting: TrialSetting) -> None:
        """Look at what models are measured on: what is wrong with it shall not come up in a worker.

        Raises:
            DataError: When an example cannot be encoded, or nothing of them can be measured.
        """
        for split in splits:
            self.encode(split, tokenizer, setting.max_length)
            self.probes(split, tokenizer, setting)

    def check_measured(self, splits: Sequence[Any], tokenizer: Any, setting: TrialSetting) -> None:
        """Check that models can be measured on splits here, before any is trained.

        Raises:
            AutopeftError: Something is not allowed, not installed, or will not do.
        """
        return

    def under(self, setting: TrialSetting) -> TrialKind:
        """Return this kind as it computes under a setting of its own."""
        return self

    # How a trial computes.

    @abstractmethod
    def model(self, backbone: Any, device: torch.device) -> PreTrainedModel:
        """Return the model that trials adapt, with its weights, in eval mode on its device."""

    def begin(self, model: PreTrainedModel, batches: Sequence[Batch]) -> None:
        """Prepare a head that was drawn anew, before adapters are put in.

        Args:
            model: The model; its head is changed in place.
            batches: A few training batches, the same in every trial.
        """

    def prepare(self, model: PreTrainedModel) -> None:
        """Let a whole model that was read from a folder compute as `model` makes it; changed in place."""

    def rate_factors(self, model: PreTrainedModel) -> dict[str, float]:
        """Return by what the learning rate of the head is multiplied for some of its parameters, by name."""
        return {}

    @abstractmethod
    def encode(self, split: Any, tokenizer: Any, max_length: int) -> Encoded:
        """Tokenise a split of the task."""

    def with_reference(self, model: PreTrainedModel, encoded: Encoded, setting: TrialSetting, pad_id: int) -> Encoded:
        """Return examples with what the untouched model says of them, where trained ones are held against that.

        Args:
            model: The model, before anything is put in or trained.
            encoded: The examples.
            setting: Batches and precision.
            pad_id: Token id that fills short texts.
        """
        return encoded

    def grouped(self, encoded: Encoded, batch_size: int, rng: np.random.Generator | None = None) -> list[np.ndarray]:
        """Choose which examples go together in one epoch; see `autopeft.tasks.grouped`."""
        return grouped(encoded, batch_size, rng)

    def collate(self, encoded: Encoded, group: np.ndarray, pad_id: int) -> Batch:
        """Make the batch of some examples, with `labels`; see `autopeft.tasks.collate`."""
        return collate(encoded, group, pad_id)

    def parted(self, encoded: Encoded, group: np.ndarray, at_once: int) -> list[np.ndarray]:
        """Divide the rows of a batch where not all of them go through the model at once.

        Args:
            encoded: The examples.
            group: Rows of those in the batch.
            at_once: So many rows of it at most, where that can be.
        """
        return np.array_split(group, -(-len(group) // at_once))

    def probes(self, split: Any, tokenizer: Any, setting: TrialSetting) -> Sequence[Probe]:
        """Return what else is measured, on some examples of the validation split that were drawn for the setting.

        Raises:
            DataError: When the examples do not allow it.
        """
        return ()

    def terms(self, batch: Batch) -> int:
        """Return over how much the loss of a batch is a mean."""
        return len(batch["labels"])

    @abstractmethod
    def loss(self, model: PreTrainedModel, batch: Batch, device: torch.device, precision: str) -> torch.Tensor:
        """Return the mean loss of a batch."""

    @abstractmethod
    def measure(
        self, model: PreTrainedModel, split: Sequence[tuple[np.ndarray, Batch]], precision: str, feed: Feed
    ) -> Measured:
        """Return what a model reaches over batches, each with the rows it holds.

        Raises:
            DivergedError: When a logit is not finite.
        """

    @abstractmethod
    def example_scores(
        self, model: PreTrainedModel, split: Sequence[tuple[np.ndarray, Batch]], precision: str, feed: Feed, metric: str
    ) -> np.ndarray:
        """Return for each example a score, in the order of the rows; their mean is the metric.

        Raises:
            DivergedError: When a logit is not finite.
        """

    @property
    def candidates(self) -> int:
        """How many texts a model writes to each prompt, by beams, where the metric is of what it writes."""
        return 1

    def answered(self, model: Any, inputs: Mapping[str, torch.Tensor]) -> torch.Tensor:
        """Return what a model answers a batch without labels with, in any shape."""
        logits: torch.Tensor = model(**inputs).logits
        return logits

    def apart(self, expected: torch.Tensor, found: torch.Tensor) -> float:
        """Return by how much two answers differ at most, as a share of how large answers are."""
        return float((found - expected).abs().max()) / max(1.0, float(expected.abs().max()))

    # How a full fine-tune trains.

    def trainer_class(self) -> type[Trainer]:
        """Return the Trainer of a full fine-tune; that of transformers with the batches and the loss of trials.

        Raises:
            AutopeftError: When what it takes is not installed.
        """
        from autopeft.trials.trainer import KindTrainer

        return KindTrainer

    def trainer_arguments(self, arguments: TrainingArguments) -> TrainingArguments:
        """Return the arguments that the Trainer takes."""
        return arguments

    def collator(self, encoded: Encoded, tokenizer: Any, pad_id: int) -> Callable[..., Any] | None:
        """Return what makes a batch of the Trainer's rows; None where the Trainer has its own."""
        from autopeft.trials.trainer import batch_of_rows

        return batch_of_rows(self, encoded, pad_id)

    # What is saved of it.

    def configure(self, config: PretrainedConfig) -> None:
        """Write what the task means for a model into its config."""
        forget_settled(config, self.settles)
        if self.problem_type is not None:
            config.problem_type = self.problem_type

    def settle_tokenizer(self, tokenizer: PreTrainedTokenizerBase) -> None:
        """Set a tokenizer as models of this kind are used."""
        tokenizer.padding_side = "right"

    def write_beside(
        self,
        folder: Path,
        tokenizer: Any,
        task: Task,
        configuration: Configuration | None = None,
        generation: GenerationConfig | None = None,
    ) -> None:
        """Write further files beside what is saved.

        Args:
            folder: Where to write.
            tokenizer: The tokenizer as it is saved there.
            task: For what it was trained.
            configuration: The adapters that are there; None for a plain model.
            generation: What the model itself says of generating, if it does.
        """
        return

    def use(self, task: Task, tokenizer: Any) -> dict[str, Any]:
        """Return what is to be known beside the schema to predict, as JSON data."""
        return {}

    def check_use(self, use: Mapping[str, Any]) -> None:
        """Check what `use` had said, read from a file.

        Raises:
            ValueError: Naming what is wrong.
        """
        if use:
            raise ValueError(f"found {', '.join(use)}; expected nothing")

    #: Files without which what is saved cannot be used, beside config and tokenizer.
    needs: ClassVar[tuple[str, ...]] = ()

    def read_beside(self, folder: Path) -> dict[str, Any]:
        """Read what `write_beside` wrote, as far as it is needed to predict."""
        return {}

    def check_whole(self, config: PretrainedConfig) -> None:
        """Check that the config of a saved model is that of such a task.

        Raises:
            ConfigurationError: It is not.
        """
        return

    # What its card says.

    def card_sections(self) -> list[str]:
        """Return further paragraphs of a card."""
        return []

    @abstractmethod
    def own_loading(self) -> tuple[str, str]:
        """Return what of `autopeft.backbones` loads the backbone, and what of the backbone makes the model, as code."""

    @abstractmethod
    def using_code(self, backbone: Backbone, task: Task, max_length: int, alone: bool) -> list[str]:
        """Return the lines of Python that use `model`, `tokenizer` and `config`.

        Args:
            backbone: On what it was trained.
            task: For what.
            max_length: Where texts are cut.
            alone: Whether inputs must be read one by one.
        """

    @abstractmethod
    def merged_code(self, backbone: Backbone, task: Task, max_length: int) -> list[str]:
        """Return the lines of Python that use a plain model in their folder."""

    # What it predicts.

    def predict(self, ready: Ready, split: Any, **asked: Any) -> tuple[Sequence[Prediction | None], tuple[str, ...]]:
        """Return what a model says of examples; None of one that it cannot read; and lines on it for people.

        Args:
            ready: The model, ready to be used.
            split: The examples.
            asked: Settings that are this kind's own.

        Raises:
            AutopeftError: When something that is asked for cannot be.
        """
        raise ConfigurationError(f"what {self.does} predicts nothing of rows")
