"""Trials of causal language models: the head is the backbone's, and each learned token has a label."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import replace
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.nn.functional import cross_entropy
from transformers import GenerationConfig, PreTrainedModel, PreTrainedTokenizerBase

from autopeft.backbones import Backbone, Decoder, load_decoder
from autopeft.errors import AutopeftError, DataError
from autopeft.methods import decoder_learning_rate
from autopeft.methods.builder import plan
from autopeft.space import BackboneShape, Configuration
from autopeft.tasks import IGNORED, Encoded, Task
from autopeft.tasks.causal import CausalSplit, Format, ask, encode_causal, ending_tokens, offer
from autopeft.trials.causal.answering import Answering
from autopeft.trials.causal.answers import answers
from autopeft.trials.causal.card import answer_tokens, answering_code, generating_code
from autopeft.trials.causal.choosing import Choosing
from autopeft.trials.causal.judges import Judges
from autopeft.trials.causal.learned import Learned, learned_of
from autopeft.trials.causal.setting import EVERYTHING, CausalSetting, choose_causal_setting
from autopeft.trials.causal.written import stretches, writing_of
from autopeft.trials.example_scores import scores_of_counts
from autopeft.trials.faults import DivergedError
from autopeft.trials.kind import Batch, Feed, TrialKind
from autopeft.trials.measured import Measured
from autopeft.trials.prediction import Prediction, Ready
from autopeft.trials.probe import Probe
from autopeft.trials.script import Script
from autopeft.trials.setting import TrialSetting
from autopeft.trials.writing import Writing

if TYPE_CHECKING:
    from transformers import Trainer, TrainingArguments

__all__ = ["CausalTrials", "with_trl"]

#: From so many examples it is learned what ends a turn.
_FEW = 8


class CausalTrials(TrialKind):
    """What a decoder says next: its head is its own, and each learned token has a label."""

    does = "writes text"
    each_token = True
    has_head = False
    untouched = "untouched model"
    default_space = "llm"
    auto_class = "AutoModelForCausalLM"
    pipeline = "text-generation"
    load_backbone = staticmethod(load_decoder)
    writes = True
    scripted = True
    needs = ("generation_config.json",)
    schema: Format

    #: Whether prompts are learned too, while a model is trained.
    everything = False

    @classmethod
    def stock_learning_rate(cls, shape: BackboneShape) -> float:
        """Return the peak learning rate of stock LoRA, which falls with the size of a decoder."""
        return decoder_learning_rate(shape.hidden)

    def choose_setting(self, task: Task, tokenizer: Any, **asked: Any) -> tuple[CausalSetting, tuple[str, ...]]:
        """Choose a trial of so many tokens, and say what cutting does to the examples."""
        return choose_causal_setting(task, tokenizer, **asked)

    def under(self, setting: TrialSetting) -> CausalTrials:
        """Return trials with the loss of a setting."""
        found = copy(self)
        if isinstance(setting, CausalSetting):
            found.everything = setting.loss == EVERYTHING
        return found

    def to_train(self, encoded: Encoded) -> Encoded:
        """Return examples that are learned as a whole, where that is asked for."""
        if not self.everything:
            return encoded
        return replace(encoded, inputs={**encoded.inputs, "labels": encoded.inputs["input_ids"]})

    def model(self, backbone: Decoder, device: torch.device) -> PreTrainedModel:
        """Return the language model."""
        return backbone.language_model(device=device)

    def encode(self, split: CausalSplit, tokenizer: Any, max_length: int) -> Encoded:
        """Tokenise a split."""
        return encode_causal(split, self.schema, tokenizer, max_length)

    def probes(self, split: CausalSplit, tokenizer: Any, setting: TrialSetting) -> list[Probe]:
        """Return what lets a model choose, where the data has choices, and answer, where that is asked for."""
        assert isinstance(setting, CausalSetting)
        found: list[Probe] = []
        if self.schema.choices:
            fitting = [
                (choices, example[-1].content)
                for choices, example in zip(offer(split, self.schema, tokenizer), split.examples, strict=True)
                if max(len(each.prompt) + len(each.completion) for each in choices) <= setting.max_length
            ]
            if not fitting:
                raise DataError(
                    f"none of the {len(split)} questions to be measured on fits into {setting.max_length} tokens with "
                    "its choices; raise --max-length"
                )
            questions, right = zip(*fitting, strict=True)
            found.append(Choosing(questions, right, tokenizer, 2 * setting.batch_size))
        if setting.generate:
            answerable = (each for each in ask(split, self.schema, tokenizer) if each.completion)
            asked = [each for each in answerable if 0 < len(each.prompt) < setting.max_length]
            if not asked:
                raise DataError(
                    f"none of the {len(split)} examples to be measured on has a prompt of 1 to "
                    f"{setting.max_length - 1} tokens; raise --max-length, or leave --generate out"
                )
            found.append(Answering(asked[: setting.generate], self.schema, tokenizer, self._judges))
        return found

    @property
    def candidates(self) -> int:
        """How many texts a model writes to each prompt."""
        return self._judges.candidates

    @property
    def _judges(self) -> Judges:
        """What answers are judged by."""
        return Judges(self.metric, self.allow_code)

    def check_measured(self, splits: Sequence[CausalSplit], tokenizer: Any, setting: TrialSetting) -> None:
        """Check that what models answer can be judged."""
        assert isinstance(setting, CausalSetting)
        if setting.generate:
            asked = [each for split in splits for each in ask(split, self.schema, tokenizer)]
            self._judges.check([(each.wanted, each.beside) for each in asked])

    def terms(self, batch: Batch) -> int:
        """Return the number of learned tokens."""
        return int((batch["labels"][:, 1:] != IGNORED).sum())

    def loss(self, model: PreTrainedModel, batch: Batch, device: torch.device, precision: str) -> torch.Tensor:
        """Return the mean cross-entropy of the learned tokens of a batch."""
        return Learned(model, batch, device, precision).losses().mean()

    @torch.inference_mode()
    def measure(
        self, model: PreTrainedModel, split: Sequence[tuple[np.ndarray, Batch]], precision: str, feed: Feed
    ) -> Measured:
        """Return token accuracy, loss and perplexity over all learned tokens, the right text before each of them."""
        device = next(model.parameters()).device
        # right tokens, summed cross-entropy, tokens
        sums = torch.zeros(3, dtype=torch.float64, device=device)
        for rows, batch in split:
            feed(rows, batch["input_ids"].shape[1])
            for logits, targets in learned_of(model, batch, device, precision).pieces():
                right = (logits.argmax(dim=1) == targets).sum()
                loss = cross_entropy(logits.float(), targets, reduction="sum")
                sums += torch.stack([right.double(), loss.double(), torch.tensor(float(len(targets)), device=device)])
        right, loss, count = sums.tolist()
        if not math.isfinite(loss):
            raise DivergedError("the logits on validation are not finite")
        loss /= count
        perplexity = math.exp(loss) if loss < math.log(np.finfo(float).max) else math.inf
        return Measured({"token_accuracy": right / count, "loss": loss, "perplexity": perplexity})

    @torch.inference_mode()
    def example_scores(
        self, model: PreTrainedModel, split: Sequence[tuple[np.ndarray, Batch]], precision: str, feed: Feed, metric: str
    ) -> np.ndarray:
        """Return for each example its part in the token accuracy, in the order of the rows."""
        device = next(model.parameters()).device
        right, count = (np.zeros(sum(len(rows) for rows, _ in split)) for _ in range(2))
        for rows, batch in split:
            feed(rows, batch["input_ids"].shape[1])
            found = []
            for logits, targets in learned_of(model, batch, device, precision).pieces():
                if not torch.isfinite(logits).all():
                    raise DivergedError("the logits are not finite")
                found.append((logits.argmax(dim=1) == targets).double().cpu())
            example, _ = torch.nonzero(batch["labels"][:, 1:] != IGNORED, as_tuple=True)
            hits = torch.cat(found)
            right[rows] = np.bincount(example.numpy(), hits.numpy(), len(rows))
            count[rows] = np.bincount(example.numpy(), minlength=len(rows))
        return scores_of_counts(right, count)

    def trainer_class(self) -> type[Trainer]:
        """Return TRL's SFTTrainer."""
        trainer: type[Trainer] = with_trl(f"{__package__}.trainer").CausalTrainer
        return trainer

    def trainer_arguments(self, arguments: TrainingArguments) -> TrainingArguments:
        """Return arguments for examples that need no preparing."""
        found: TrainingArguments = with_trl(f"{__package__}.trainer").sft_arguments(arguments)
        return found

    def collator(self, encoded: Encoded, tokenizer: Any, pad_id: int) -> None:
        """Leave batches to TRL."""

    def settle_tokenizer(self, tokenizer: PreTrainedTokenizerBase) -> None:
        """Leave out what decoders do not take, and some of their tokenizers write."""
        tokenizer.model_input_names = [name for name in tokenizer.model_input_names if name != "token_type_ids"]

    def write_beside(
        self,
        folder: Path,
        tokenizer: Any,
        task: Task,
        configuration: Configuration | None = None,
        generation: GenerationConfig | None = None,
    ) -> None:
        """Write `generation_config.json` with the tokens that end an answer and the one that fills short prompts."""
        config = generation or GenerationConfig(do_sample=False)
        few = task.train.take(range(min(_FEW, len(task.train))))
        config.eos_token_id = sorted(ending_tokens(ask(few, self.schema, tokenizer), tokenizer)) or None
        config.pad_token_id = tokenizer.pad_token_id
        config.use_cache = configuration is None or all(part.method.stepwise for part in plan(configuration))
        config.save_pretrained(folder)

    def read_beside(self, folder: Path) -> dict[str, Any]:
        """Return the tokens that end an answer."""
        ids = GenerationConfig.from_pretrained(folder, local_files_only=True).eos_token_id
        return {"ends": frozenset(ids if isinstance(ids, list) else [] if ids is None else [ids])}

    def use(self, task: Task, tokenizer: Any) -> dict[str, Any]:
        """Return how many tokens an answer has at most."""
        return {"max_new_tokens": answer_tokens(task, tokenizer)}

    def check_use(self, use: Mapping[str, Any]) -> None:
        """Check that it says how long answers are."""
        tokens = use.get("max_new_tokens")
        if set(use) != {"max_new_tokens"} or type(tokens) is not int or tokens < 1:
            raise ValueError("expected how long answers are, as max_new_tokens")

    def own_loading(self) -> tuple[str, str]:
        """Return how the model is made with autopeft."""
        return "load_decoder", "language_model()"

    def using_code(self, backbone: Backbone, task: Task, max_length: int, alone: bool) -> list[str]:
        """Return the lines that let the model go on with two prompts."""
        return answering_code(backbone, task, alone)

    def merged_code(self, backbone: Backbone, task: Task, max_length: int) -> list[str]:
        """Return the lines that use a pipeline."""
        return generating_code(backbone, task)

    def predict(
        self, ready: Ready, split: CausalSplit, **asked: Any
    ) -> tuple[Sequence[Prediction | None], tuple[str, ...]]:
        """Return the answers to examples, or the choices; None where no room is left for one."""
        most = asked.get("max_new_tokens")
        if most is None:
            return answers(ready, self.schema, split, ready.how["max_new_tokens"]), ()
        if type(most) is not int or most < 1:
            raise AutopeftError(f"--max-new-tokens: found {most!r}; expected 1 or more")
        if self.schema.choices:
            raise AutopeftError(
                f"{ready.folder} chooses among choices and writes no answers; leave --max-new-tokens out"
            )
        return answers(ready, self.schema, split, most), ()

    def script(self, task: Task, tokenizer: Any, max_length: int) -> Script:
        """Return a script for rows of text, of which some characters are learned."""
        written = self.writing(task, tokenizer, max_length)
        rows = {name: partial(map, stretches, found) for name, found in written.rows.items()}
        return Script(__package__ or "", {}, rows, "text, and which characters of it are learned")

    def writing(self, task: Task, tokenizer: Any, max_length: int) -> Writing:
        """Return what is learned as text."""
        return writing_of(task, tokenizer, max_length, self.everything)


def with_trl(module: str) -> Any:
    """Return a module that is built on TRL.

    Args:
        module: Its name.

    Raises:
        AutopeftError: When TRL is not installed.
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        raise AutopeftError(
            f"fine-tuning a decoder needs TRL ({error.name} is not installed): run `pip install 'autopeft[trl]'`"
        ) from None
