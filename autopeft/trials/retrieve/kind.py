"""Trials of retrieval: a bi-encoder, which makes vectors of queries and of documents apart from each other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from transformers import GenerationConfig, PretrainedConfig, PreTrainedModel

from autopeft.backbones import Backbone, Embedder, load_embedder
from autopeft.errors import ConfigurationError
from autopeft.space import Configuration
from autopeft.tasks import Encoded, Task, grouped
from autopeft.tasks.ranking.queries import Queries
from autopeft.tasks.retrieve import METRICS, Vectors
from autopeft.trials.by_example import in_groups
from autopeft.trials.kind import Batch, Feed, TrialKind
from autopeft.trials.measured import Measured
from autopeft.trials.predicting import cut_texts, parts_of
from autopeft.trials.prediction import Prediction, Ready
from autopeft.trials.ranking.rows import EncodedQueries
from autopeft.trials.ranking.sentence_files import Files, bi_encoder, write_files
from autopeft.trials.ranking.setting import RankingSetting
from autopeft.trials.retrieve.card import encoding_code, finding_code
from autopeft.trials.retrieve.contrast import TARGET, contrasted
from autopeft.trials.retrieve.found import Places, found, places_of
from autopeft.trials.retrieve.setting import choose_retrieve_setting
from autopeft.trials.retrieve.texts import batch_of_texts, encode_texts
from autopeft.trials.retrieve.vectors import vectors_of
from autopeft.trials.script import Script

__all__ = ["RetrieveTrials"]

#: Texts that go through a model together when nothing is trained.
_TOGETHER = 32


class RetrieveTrials(TrialKind):
    """Which documents are near to a query, by the cosines of vectors; the model has no head."""

    does = "finds documents"
    # Where the mean of all tokens is read or the last of them, all of the top layer is computed.
    each_token = True
    divides = False
    has_head = False
    untouched = "untouched model"
    default_space = "rerank"
    auto_class = "AutoModel"
    pipeline = "sentence-similarity"
    sentence_transformers: ClassVar[str | None] = "SentenceTransformer"
    scripted = True
    load_backbone = staticmethod(load_embedder)
    schema: Vectors

    def fitted(self, task: Task, backbone: Backbone) -> Task:
        """Return a task whose texts become vectors as the model says of itself, unless the user says otherwise."""
        assert isinstance(backbone, Embedder)
        schema: Vectors = task.schema
        pooling = schema.pooling or backbone.pooling
        return replace(
            task, schema=replace(schema, pooling=pooling, prompts=backbone.prompts, size=backbone.shape.hidden)
        )

    def choose_setting(self, task: Task, tokenizer: Any, **asked: Any) -> tuple[RankingSetting, tuple[str, ...]]:
        """Choose a trial of so many queries."""
        return choose_retrieve_setting(task, tokenizer, **asked)

    @property
    def _pooling(self) -> str:
        if self.schema.pooling is None:
            raise ConfigurationError(
                "no model has been named yet, so that nothing is known of how texts become vectors"
            )
        return self.schema.pooling

    def model(self, backbone: Backbone, device: torch.device) -> PreTrainedModel:
        """Return the model as it is."""
        assert isinstance(backbone, Embedder)
        return backbone.embedder(device=device)

    def encode(self, split: Queries, tokenizer: Any, max_length: int) -> EncodedQueries:
        """Tokenise queries and documents, each by itself."""
        return encode_texts(split, self.schema, tokenizer, max_length)

    def grouped(self, encoded: Encoded, batch_size: int, rng: np.random.Generator | None = None) -> list[np.ndarray]:
        """Choose which queries are learned together, with all their documents; to be measured, which texts."""
        if rng is None:
            return grouped(encoded, max(batch_size, _TOGETHER))
        return in_groups(encoded, batch_size, rng)

    def collate(self, encoded: Encoded, group: np.ndarray, pad_id: int) -> Batch:
        """Make the batch of some texts."""
        assert isinstance(encoded, EncodedQueries)
        return batch_of_texts(encoded, group, pad_id)

    def parted(self, encoded: Encoded, group: np.ndarray, at_once: int) -> list[np.ndarray]:
        """Leave a batch whole: a query is told from the documents of all others."""
        return [group]

    def terms(self, batch: Batch) -> int:
        """Return how many documents are to be found."""
        return int((batch["labels"] == TARGET).sum())

    def loss(self, model: PreTrainedModel, batch: Batch, device: torch.device, precision: str) -> torch.Tensor:
        """Return the mean loss of a batch; 0 where nothing is to be found."""
        vectors = vectors_of(model, batch, device, precision, self._pooling)
        return contrasted(vectors, batch["labels"].to(device)) / max(1, self.terms(batch))

    def measure(
        self, model: PreTrainedModel, split: Sequence[tuple[np.ndarray, Batch]], precision: str, feed: Feed
    ) -> Measured:
        """Return every metric, and `loss`, of searching all documents of the split."""
        return found(self._places(model, split, precision, feed)).measured(METRICS)

    def example_scores(
        self, model: PreTrainedModel, split: Sequence[tuple[np.ndarray, Batch]], precision: str, feed: Feed, metric: str
    ) -> np.ndarray:
        """Return for each query a metric, in the order of the queries."""
        return found(self._places(model, split, precision, feed)).by_query(metric)

    def _places(
        self, model: PreTrainedModel, split: Sequence[tuple[np.ndarray, Batch]], precision: str, feed: Feed
    ) -> Places:
        return places_of(model, split, precision, feed, self._pooling)

    def answered(self, model: Any, inputs: Mapping[str, torch.Tensor]) -> torch.Tensor:
        """Return what a model makes of each token that is none of the padding."""
        states: torch.Tensor = model(**inputs).last_hidden_state
        return states[inputs["attention_mask"].bool()]

    def sentence_files(self) -> Files:
        """Return the files of a bi-encoder."""
        assert self.schema.size is not None
        return bi_encoder(self.schema.size, self._pooling, self.schema.prompts)

    def write_beside(
        self,
        folder: Path,
        tokenizer: Any,
        task: Task,
        configuration: Configuration | None = None,
        generation: GenerationConfig | None = None,
    ) -> None:
        """Write beside a plain model how its vectors are made, for sentence-transformers."""
        if configuration is None:
            write_files(self.sentence_files(), folder)

    def check_whole(self, config: PretrainedConfig) -> None:
        """Check that its vectors are as long as they were."""
        if config.hidden_size != self.schema.size:
            raise ConfigurationError(f"its vectors have {config.hidden_size} numbers; expected {self.schema.size}")

    def texts_of(self, split: Queries) -> Sequence[tuple[str, str]]:
        """Return each query with each of its documents."""
        return [*split.pairs()]

    def script(self, task: Task, tokenizer: Any, max_length: int) -> Script:
        """Return a script for rows of a query with its documents."""
        facts = {
            "pooling": self._pooling,
            "prompts": {name: self.schema.prompt(name) for name in ("query", "document")},
        }
        rows = {name: partial(_rows, task.splits[name]) for name in ("train", "validation")}
        return Script(__package__ or "", facts, rows, "queries, each with its documents, and which are relevant")

    def own_loading(self) -> tuple[str, str]:
        """Return how the model is made with autopeft."""
        return "load_embedder", "embedder()"

    def using_code(self, backbone: Backbone, task: Task, max_length: int, alone: bool) -> list[str]:
        """Return the lines that let the model find one of two documents."""
        return encoding_code(self.schema, max_length, alone)

    def merged_code(self, backbone: Backbone, task: Task, max_length: int) -> list[str]:
        """Return the lines that use sentence-transformers."""
        return finding_code(backbone, max_length)

    def predict(
        self, ready: Ready, split: Queries, **asked: Any
    ) -> tuple[Sequence[Prediction | None], tuple[str, ...]]:
        """Return the cosine of each document and its query, and how many texts were cut."""
        if not len(split):
            return [], ()
        encoded, parts = parts_of(self, ready, split, asked)
        places = self._places(ready.model, parts, ready.precision, lambda rows, longest: None)
        told = [
            Prediction(float(places.vectors[asking] @ places.vectors[own[name]]))
            for query, asking, own in zip(places.queries, places.asked, places.rows, strict=True)
            for name in query.documents
        ]
        return told, cut_texts(encoded, "texts", ready.max_length)


def _rows(split: Queries) -> Iterator[Mapping[str, Any]]:
    """Yield rows of `query`, the texts and the names of its `documents`, and the names of all that are relevant."""
    for query in split.queries:
        yield {
            "query": query.text,
            "documents": [split.corpus[name] for name in query.documents],
            "names": query.documents,
            "relevant": sorted(query.relevant),
        }
