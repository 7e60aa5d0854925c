"""Trials of re-ranking by a decoder: its own language model says how relevant a document is."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any, ClassVar

import torch
from transformers import PretrainedConfig, PreTrainedModel, PreTrainedTokenizerBase

from autopeft.backbones import Backbone, Decoder
from autopeft.methods import decoder_learning_rate
from autopeft.space import BackboneShape
from autopeft.tasks import IGNORED, Task
from autopeft.tasks.ranking.queries import Queries
from autopeft.tasks.rerank.asked import HEAD, ask, question_of
from autopeft.trials.causal.learned import learned_logits
from autopeft.trials.kind import Batch, TrialKind
from autopeft.trials.ranking.rows import EncodedQueries
from autopeft.trials.rerank.answered import answered, scores_of_answers
from autopeft.trials.rerank.card import answering_code, asking_merged_code
from autopeft.trials.rerank.kind import RerankTrials, query_rows
from autopeft.trials.rerank.pairs import numbers_of
from autopeft.trials.rerank.setting import OF_DECODERS, RerankSetting, choose_rerank_setting
from autopeft.trials.script import Script

__all__ = ["LanguageRerankTrials"]


class LanguageRerankTrials(RerankTrials):
    """How relevant documents are, as the language model answers that is asked of each: pointwise.

    Attributes:
        tokens: The tokens of the answers, the least relevant first; of the tokenizer that something was encoded by.
    """

    each_token = True
    has_head = False
    untouched = "untouched model"
    default_space = "rerank-decoder"
    auto_class = "AutoModelForCausalLM"
    problem_type: ClassVar[str | None] = None
    sentence_transformers = None
    trained_on = "pointwise"
    tokens: tuple[int, ...] = ()

    @classmethod
    def stock_learning_rate(cls, shape: BackboneShape) -> float:
        """Return the peak learning rate of stock LoRA, which falls with the size of a decoder."""
        return decoder_learning_rate(shape.hidden)

    def choose_setting(self, task: Task, tokenizer: Any, **asked: Any) -> tuple[RerankSetting, tuple[str, ...]]:
        """Choose a trial of so many queries, each document with the question."""
        question = question_of(self.schema.answers, tokenizer)
        beside = len(question.begin) + len(question.tail) + 1
        found, said = choose_rerank_setting(
            task, tokenizer, losses=("pointwise",), beside=beside, effort=OF_DECODERS, **asked
        )
        question.room(found.max_length)
        return found, (*said, f"a decoder is asked of each document, and answers {self._answers()}")

    def _answers(self) -> str:
        first, *_, last = self.schema.answers
        if self.schema.grades is None:
            return f"{first} or {last}; the score is the log-odds of these"
        score = "the mean of the grades" if self.schema.expectation else "the likeliest grade times its probability"
        return f"{first} to {last}; the score is {score}"

    def model(self, backbone: Backbone, device: torch.device) -> PreTrainedModel:
        """Return the language model."""
        assert isinstance(backbone, Decoder)
        return backbone.language_model(device=device)

    def encode(self, split: Queries, tokenizer: Any, max_length: int) -> EncodedQueries:
        """Tokenise each query with each of its documents, the question, and the right answer."""
        question = question_of(self.schema.answers, tokenizer)
        self.tokens = question.answers
        right = [self.schema.right(grade) for query in split.queries for grade in query.grades]
        found = ask(split, right, question, tokenizer, max_length)
        inputs = {"input_ids": found.ids, "labels": found.labels}
        return EncodedQueries(inputs, None, found.truncated, example=numbers_of(split), queries=split.queries)

    def terms(self, batch: Batch) -> int:
        """Return the number of documents."""
        return int((batch["labels"][:, 1:] != IGNORED).sum())

    def scored(
        self, model: PreTrainedModel, batch: Batch, device: torch.device, precision: str
    ) -> tuple[torch.Tensor, torch.Tensor, int]:
        """Return the score of each row of a batch, the summed loss, and over how many rows."""
        logits, right = learned_logits(model, batch, device, precision)
        graded = self.schema.grades is not None
        scores = scores_of_answers(logits, self.tokens, graded=graded, expectation=self.schema.expectation)
        return scores, answered(logits, right, self.tokens, graded=graded), len(right)

    def configure(self, config: PretrainedConfig) -> None:
        """Leave the config of the language model as it is."""
        TrialKind.configure(self, config)

    def settle_tokenizer(self, tokenizer: PreTrainedTokenizerBase) -> None:
        """Leave out what decoders do not take, and some of their tokenizers write."""
        super().settle_tokenizer(tokenizer)
        tokenizer.model_input_names = [name for name in tokenizer.model_input_names if name != "token_type_ids"]

    def check_whole(self, config: PretrainedConfig) -> None:
        """Take every language model."""

    def script(self, task: Task, tokenizer: Any, max_length: int) -> Script:
        """Return a script for rows of a query with its documents and the right answers."""
        question = question_of(self.schema.answers, tokenizer)
        facts = {
            "text": HEAD,
            "begin": list(question.begin),
            "question": list(question.tail),
            "answers": list(question.answers),
            "graded": self.schema.grades is not None,
        }
        rows = {name: partial(self._rows, task.splits[name]) for name in ("train", "validation")}
        in_words = "queries, each with documents and the numbers of the right answers"
        return Script(__package__ or "", facts, rows, in_words, "language_script.py")

    def _rows(self, split: Queries) -> Iterator[dict[str, Any]]:
        for row in query_rows(split):
            yield {
                "query": row["query"],
                "documents": row["documents"],
                "answers": [self.schema.right(int(grade)) for grade in row["grades"]],
            }

    def own_loading(self) -> tuple[str, str]:
        """Return how the model is made with autopeft."""
        return "load_decoder", "language_model()"

    def using_code(self, backbone: Backbone, task: Task, max_length: int, alone: bool) -> list[str]:
        """Return the lines that let the model score two documents, one by one."""
        return answering_code(self.schema, backbone.tokenizer(), max_length)

    def merged_code(self, backbone: Backbone, task: Task, max_length: int) -> list[str]:
        """Return the lines that use transformers."""
        return asking_merged_code(self.schema, backbone, max_length)
