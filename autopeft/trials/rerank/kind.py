"""Trials of re-ranking: a new head with one output, the score of a document that is read together with a query."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch
from transformers import PretrainedConfig, PreTrainedModel

from autopeft.backbones import Backbone, Decoder, load_either
from autopeft.errors import AutopeftError, ConfigurationError
from autopeft.tasks import Encoded, Task
from autopeft.tasks.ranking.queries import Queries
from autopeft.tasks.rerank import METRICS, Pairs
from autopeft.trials.by_example import in_groups, in_parts
from autopeft.trials.kind import Batch, Feed, TrialKind
from autopeft.trials.measured import Measured
from autopeft.trials.predicting import cut_texts, parts_of
from autopeft.trials.prediction import Prediction, Ready
from autopeft.trials.ranking.rows import EncodedQueries
from autopeft.trials.ranking.sentence_files import AS_IT_IS, Files, cross_encoder
from autopeft.trials.rerank.card import ranking_code, scoring_code
from autopeft.trials.rerank.gain import gain_of
from autopeft.trials.rerank.losses import LOSSES
from autopeft.trials.rerank.pairs import QueryBatch, batch_of_queries, encode_queries
from autopeft.trials.rerank.ranked import ranked, scores_of_pairs
from autopeft.trials.rerank.setting import RerankSetting, choose_rerank_setting
from autopeft.trials.script import Script
from autopeft.trials.setting import TrialSetting

if TYPE_CHECKING:
    from transformers import Trainer

__all__ = ["RerankTrials", "query_rows"]


class RerankTrials(TrialKind):
    """How relevant documents are: a cross-encoder, which reads a document together with the query.

    Attributes:
        trained_on: The loss: a name of `LOSSES`.
    """

    does = "ranks documents"
    cut = "pairs cut at"
    default_space = "rerank"
    auto_class = "AutoModelForSequenceClassification"
    pipeline = "text-ranking"
    sentence_transformers: ClassVar[str | None] = "CrossEncoder"
    scripted = True
    problem_type: ClassVar[str | None] = "regression"
    load_backbone = staticmethod(load_either)
    schema: Pairs
    trained_on: str = next(iter(LOSSES))

    @classmethod
    def reading(cls, schema: Pairs) -> type[TrialKind]:
        """Return the trials of language models where these are to answer."""
        from autopeft.trials.rerank.language import LanguageRerankTrials
        from autopeft.trials.rerank.setwise import SetwiseTrials

        if not schema.answers:
            return cls
        return LanguageRerankTrials if schema.set_size is None else SetwiseTrials

    def fitted(self, task: Task, backbone: Backbone) -> Task:
        """Return a task whose documents a decoder is asked about, and other models score by a head of their own."""
        if isinstance(backbone, Decoder):
            return replace(task, schema=task.schema.asked())
        for flag, given in (("--grades", task.schema.grades), ("--set-size", task.schema.set_size)):
            if given is not None:
                raise AutopeftError(
                    f"{flag} is for decoders, and {backbone.name} is none; leave it out, or name one by --model"
                )
        return task

    def choose_setting(self, task: Task, tokenizer: Any, **asked: Any) -> tuple[RerankSetting, tuple[str, ...]]:
        """Choose a trial of so many queries."""
        return choose_rerank_setting(task, tokenizer, **asked)

    def under(self, setting: TrialSetting) -> RerankTrials:
        """Return trials with the loss of a setting."""
        found = copy(self)
        if isinstance(setting, RerankSetting):
            found.trained_on = setting.loss
        return found

    def model(self, backbone: Backbone, device: torch.device) -> PreTrainedModel:
        """Return the model with a new head, which is drawn from torch's global generator."""
        model = backbone.classifier(1, device=device)
        self.configure(model.config)
        return model

    def encode(self, split: Queries, tokenizer: Any, max_length: int) -> EncodedQueries:
        """Tokenise each query with each of its documents."""
        return encode_queries(split, tokenizer, max_length)

    def grouped(self, encoded: Encoded, batch_size: int, rng: np.random.Generator | None = None) -> list[np.ndarray]:
        """Choose which queries go together, with all their documents."""
        return in_groups(encoded, batch_size, rng)

    def collate(self, encoded: Encoded, group: np.ndarray, pad_id: int) -> QueryBatch:
        """Make the batch of some queries."""
        assert isinstance(encoded, EncodedQueries)
        return batch_of_queries(encoded, group, pad_id)

    def parted(self, encoded: Encoded, group: np.ndarray, at_once: int) -> list[np.ndarray]:
        """Divide a batch into parts of so many queries: losses compare the documents of one."""
        return in_parts(encoded, group, at_once)

    def terms(self, batch: Batch) -> int:
        """Return how many documents, pairs of them, or queries the loss is a mean over."""
        assert isinstance(batch, QueryBatch)
        return LOSSES[self.trained_on](torch.zeros(len(batch["labels"])), batch["labels"], batch.number)[1]

    def loss(self, model: PreTrainedModel, batch: Batch, device: torch.device, precision: str) -> torch.Tensor:
        """Return the mean loss of a batch; 0 where nothing tells one document from another."""
        _, total, count = self.scored(model, batch, device, precision)
        return total / max(1, count)

    def scored(
        self, model: PreTrainedModel, batch: Batch, device: torch.device, precision: str
    ) -> tuple[torch.Tensor, torch.Tensor, int]:
        """Return the score of each row of a batch, the summed loss, and how many terms that has."""
        assert isinstance(batch, QueryBatch)
        scores = scores_of_pairs(model, batch, device, precision)
        return scores, *LOSSES[self.trained_on](scores, batch["labels"].to(device), batch.number.to(device))

    def measure(
        self, model: PreTrainedModel, split: Sequence[tuple[np.ndarray, Batch]], precision: str, feed: Feed
    ) -> Measured:
        """Return every metric, and `loss`."""
        return ranked(model, split, precision, feed, self.scored).measured(METRICS)

    def example_scores(
        self, model: PreTrainedModel, split: Sequence[tuple[np.ndarray, Batch]], precision: str, feed: Feed, metric: str
    ) -> np.ndarray:
        """Return for each query a metric, in the order of the queries."""
        return ranked(model, split, precision, feed, self.scored).by_query(metric)

    def trainer_class(self) -> type[Trainer]:
        """Return transformers' Trainer with batches of queries."""
        from autopeft.trials.rerank.trainer import RerankTrainer

        return RerankTrainer

    def collator(self, encoded: Encoded, tokenizer: Any, pad_id: int) -> Callable[..., Batch]:
        """Return what makes a batch of queries, each row with the number of its query."""
        from autopeft.trials.rerank.trainer import NUMBER
        from autopeft.trials.trainer import batch_of_rows

        collate = batch_of_rows(self, encoded, pad_id)

        def batch_of(rows: Sequence[dict[str, Any]]) -> Batch:
            batch = collate(rows)
            assert isinstance(batch, QueryBatch)
            return {**batch, NUMBER: batch.number}

        return batch_of

    def configure(self, config: PretrainedConfig) -> None:
        """Write that there is one score, which stands for itself."""
        super().configure(config)
        config.num_labels = 1
        config.sentence_transformers = {"activation_fn": AS_IT_IS}

    def use(self, task: Task, tokenizer: Any) -> dict[str, Any]:
        """Return the loss, for who measures it again."""
        return {"loss": self.trained_on}

    def check_use(self, use: Mapping[str, Any]) -> None:
        """Check that it names a loss."""
        if set(use) != {"loss"} or use["loss"] not in LOSSES:
            raise ValueError(f"found {dict(use)}; expected a loss, one of {', '.join(LOSSES)}")

    def check_whole(self, config: PretrainedConfig) -> None:
        """Check that there is one score."""
        if config.num_labels != 1:
            raise ConfigurationError(f"it has {config.num_labels} outputs; expected one, the score of a document")

    def texts_of(self, split: Queries) -> Sequence[tuple[str, str]]:
        """Return each query with each of its documents."""
        return [*split.pairs()]

    def sentence_files(self) -> Files:
        """Return the files of a cross-encoder."""
        return cross_encoder()

    def script(self, task: Task, tokenizer: Any, max_length: int) -> Script:
        """Return a script for rows of a query with its documents."""
        rows = {name: partial(query_rows, task.splits[name]) for name in ("train", "validation")}
        return Script(
            __package__ or "", {"loss": self.trained_on}, rows, "queries, each with documents and their grades"
        )

    def own_loading(self) -> tuple[str, str]:
        """Return how the model is made with autopeft."""
        return "load_backbone", "classifier(1)"

    def using_code(self, backbone: Backbone, task: Task, max_length: int, alone: bool) -> list[str]:
        """Return the lines that let the model score two documents."""
        return scoring_code(max_length, alone)

    def merged_code(self, backbone: Backbone, task: Task, max_length: int) -> list[str]:
        """Return the lines that use sentence-transformers."""
        return ranking_code(backbone, max_length)

    def predict(
        self, ready: Ready, split: Queries, **asked: Any
    ) -> tuple[Sequence[Prediction | None], tuple[str, ...]]:
        """Return the score of each document, and how many pairs were cut."""
        if not len(split):
            return [], ()
        encoded, parts = parts_of(self, ready, split, asked)
        found = ranked(ready.model, parts, ready.precision, lambda rows, longest: None, self.scored)
        told = [Prediction(float(score)) for scores in found.scores for score in scores]
        return told, cut_texts(encoded, "pairs", ready.max_length)


def query_rows(split: Queries) -> Iterator[dict[str, Any]]:
    """Yield rows of a `query`, its `documents`, their `grades`, and the discounted gain of its `best` order."""
    for query in split.queries:
        yield {
            "query": query.text,
            "documents": [split.corpus[name] for name in query.documents],
            "grades": [float(grade) for grade in query.grades],
            "best": gain_of(sorted((*query.grades, *query.missed), reverse=True)),
        }
