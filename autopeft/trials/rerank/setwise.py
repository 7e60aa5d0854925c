"""Trials of re-ranking by a decoder that is shown several documents at once, and writes which of them is the best."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from transformers import GenerationConfig

from autopeft.backbones import Backbone
from autopeft.errors import AutopeftError, DataError
from autopeft.space import Configuration
from autopeft.tasks import Encoded, Task
from autopeft.tasks.causal import encode_causal
from autopeft.tasks.ranking.queries import Queries, Query
from autopeft.tasks.rerank import Pairs
from autopeft.tasks.rerank.sets import ASKING, PROMPT, told_sets
from autopeft.trials.causal import CausalTrials
from autopeft.trials.causal.setting import CausalSetting
from autopeft.trials.prediction import Prediction, Ready
from autopeft.trials.probe import Probe
from autopeft.trials.rerank.naming import Naming, named
from autopeft.trials.setting import TrialSetting
from autopeft.trials.writing import Writing

__all__ = ["SetwiseTrials"]


class SetwiseTrials(CausalTrials):
    """Which document is the best, as a language model writes that is shown a set of them: text like any other.

    Splits are `Queries`, which are told as that text.
    """

    does = "names the best of several documents"
    cut = "sets cut at"
    default_space = "rerank-decoder"
    schema: Pairs  # type: ignore[assignment]

    def choose_setting(
        self, task: Task, tokenizer: Any, *, loss: str | None = None, **asked: Any
    ) -> tuple[CausalSetting, tuple[str, ...]]:
        """Choose a trial of so many queries, each with a set of documents, none of which is cut off unasked."""
        if loss is not None:
            raise AutopeftError(f"--loss: found {loss!r}, but what is written is learned token by token; leave it out")
        told = _told(task)
        longest = max(int(encode_causal(part, ASKING, tokenizer).lengths.max()) for part in told.splits.values())
        if longest > tokenizer.model_max_length:
            raise DataError(
                f"sets of documents take up to {longest:,} tokens, but the model reads at most "
                f"{tokenizer.model_max_length:,}; show fewer at once, by --set-size and --candidates"
            )
        if asked.get("max_length") is None:
            asked["max_length"] = longest
        found, said = super().choose_setting(told, tokenizer, **asked)
        return found, (
            *said,
            f"a decoder is shown up to {self.schema.set_size} documents of a query, and writes which is the best: it "
            "comes first, and the others stay as BM25 ranks them",
        )

    def encode(self, split: Any, tokenizer: Any, max_length: int) -> Encoded:
        """Tokenise each query with its documents and the right answer, where there is one among them."""
        return encode_causal(told_sets(split), ASKING, tokenizer, max_length)

    def probes(self, split: Any, tokenizer: Any, setting: TrialSetting) -> list[Probe]:
        """Return what lets a model name the best document of each query."""
        return [Naming(split, tokenizer)]

    def write_beside(
        self,
        folder: Path,
        tokenizer: Any,
        task: Task,
        configuration: Configuration | None = None,
        generation: GenerationConfig | None = None,
    ) -> None:
        """Write the tokens that end an answer."""
        CausalTrials(ASKING).write_beside(folder, tokenizer, _told(task), configuration, generation)

    def use(self, task: Task, tokenizer: Any) -> dict[str, Any]:
        """Return how many tokens an answer has at most."""
        return super().use(_told(task), tokenizer)

    def using_code(self, backbone: Backbone, task: Task, max_length: int, alone: bool) -> list[str]:
        """Return the lines that let the model answer."""
        return super().using_code(backbone, _told(task), max_length, alone)

    def merged_code(self, backbone: Backbone, task: Task, max_length: int) -> list[str]:
        """Return the lines that use a pipeline."""
        return super().merged_code(backbone, _told(task), max_length)

    def card_sections(self) -> list[str]:
        """Say how it is asked."""
        said = "It is asked so, each document in a line of its own after its number in brackets:"
        return [f"{said}\n\n```text\n{PROMPT}\n```"]

    def writing(self, task: Task, tokenizer: Any, max_length: int) -> Writing:
        """Return sets and answers as text."""
        return super().writing(_told(task), tokenizer, max_length)

    def predict(self, ready: Ready, split: Any, **asked: Any) -> tuple[Sequence[Prediction | None], tuple[str, ...]]:
        """Return 1 for the document of each query that is named in the end, and 0 for the others.

        Documents of a query stand in several rows. Where they are more than fit into a set, those that are named in the
        sets go on.
        """
        if asked.get("max_new_tokens") is not None:
            raise AutopeftError(f"{ready.folder} {self.does} and writes no other answers; leave --max-new-tokens out")
        assert self.schema.set_size is not None
        left: dict[str, list[int]] = {}
        for row, query in enumerate(split.queries):
            left.setdefault(query.text, []).append(row)
        unnamed = 0
        while any(len(rows) > 1 for rows in left.values()):
            sets = [(text, part) for text, rows in left.items() for part in _parts(rows, self.schema.set_size)]
            asked_of = [(text, rows) for text, rows in sets if len(rows) > 1]
            shown = [Query(text, tuple(split.queries[row].documents[0] for row in rows), ()) for text, rows in asked_of]
            places = iter(named(ready.model, Queries(shown, split.corpus), ready.tokenizer, ready.precision))
            left = {text: [] for text in left}
            for text, rows in sets:
                place = next(places) if len(rows) > 1 else 0
                unnamed += place is None
                left[text].append(rows[place or 0])
        best = {row for rows in left.values() for row in rows}
        said = f"{unnamed:,} sets have no document named, or are too long; the first that was shown is taken there"
        return [Prediction(float(row in best)) for row in range(len(split))], (said,) if unnamed else ()


def _parts(rows: Sequence[int], size: int) -> list[Sequence[int]]:
    return [rows[start : start + size] for start in range(0, len(rows), size)]


def _told(task: Task) -> Task:
    """Return a task as text to be written."""
    train, validation, test = map(told_sets, task.splits.values())
    return replace(task, schema=ASKING, train=train, validation=validation, test=test)
