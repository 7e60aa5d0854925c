"""The contract of tasks: inherit the suite, give it a task, and every promise is tested.

class TestMyTask(TaskContract):
    @pytest.fixture(scope="class")
    def spec(self):
        return TaskSpec(name="mine")
"""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from autopeft.backbones import load_backbone
from autopeft.tasks import METRICS, WORST, Task, TaskSpec, batches, encode, load_task, pad_id_of, score
from autopeft.testing.models import tiny_backbone

__all__ = ["TaskContract"]


class TaskContract:
    """What every task promises; a subclass provides the fixture `spec`."""

    @pytest.fixture(scope="class")
    def task(self, spec: TaskSpec) -> Task:
        """Load the task under test."""
        task = load_task(spec)
        assert isinstance(task, Task)
        return task

    @pytest.fixture(scope="class", params=["bert", "gpt2"])
    def tokenizer(self, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> object:
        """Give a tokenizer with a pad token, and one without."""
        path = tiny_backbone(request.param, tmp_path_factory.mktemp("model"))
        return load_backbone(path).tokenizer()

    def test_labels_are_valid(self, task: Task) -> None:
        """Labels are numbers of named, distinct labels; train holds them all, the others at least two."""
        assert len(set(task.labels)) == len(task.labels) >= 2
        assert set(task.train.labels) == set(range(len(task.labels)))
        for split in task.splits.values():
            assert len(split.texts) == len(split.labels) > 0
            assert set(split.labels) <= set(task.train.labels)
            assert len(set(split.labels)) >= 2

    def test_texts_are_valid(self, task: Task) -> None:
        """Inputs are non-empty texts, or pairs of them, as `pair` says."""
        for split in task.splits.values():
            for text in split.texts:
                parts = text if isinstance(text, tuple) else (text,)
                assert len(parts) == (2 if task.pair else 1)
                assert all(isinstance(part, str) and part.strip() for part in parts)

    def test_splits_are_disjoint(self, task: Task) -> None:
        """No text stands in two splits, unless the task says so in its notes."""
        if any("also stand in train" in note for note in task.notes):
            pytest.skip("the given files overlap, and the task says so")
        texts = [set(split.texts) for split in task.splits.values()]
        assert len(set.union(*texts)) == sum(map(len, texts))

    def test_fingerprint_is_stable(self, spec: TaskSpec, task: Task) -> None:
        """Loading twice, or from the spec's plain data, gives the same data."""
        again = load_task(TaskSpec.from_dict(spec.to_dict()))
        assert again.fingerprint == task.fingerprint
        assert len(task.fingerprint) == 64

    def test_batches_cover_each_example_once(self, task: Task, tokenizer: object) -> None:
        """An epoch holds each text once, padded and masked, shuffled by its seed."""
        encoded = encode(task.validation, tokenizer, max_length=32)
        pad_id = pad_id_of(tokenizer)
        expected = Counter(
            (*ids, int(label)) for ids, label in zip(encoded.inputs["input_ids"], task.validation.labels, strict=True)
        )
        for rng in (None, np.random.default_rng(0)):
            found: Counter[tuple[int, ...]] = Counter()
            for batch in batches(encoded, 8, pad_id, rng):
                assert batch["input_ids"].shape == batch["attention_mask"].shape
                assert len(batch["labels"]) <= 8
                for ids, mask, label in zip(batch["input_ids"], batch["attention_mask"], batch["labels"], strict=True):
                    found[(*ids[mask.bool()].tolist(), int(label))] += 1
                    assert (ids[~mask.bool()] == pad_id).all()
            assert found == expected

    def test_metric_is_bounded(self, task: Task) -> None:
        """The metric is 1 for perfect predictions and never below its stated worst."""
        assert task.metric in METRICS
        labels = np.asarray(task.validation.labels)
        assert score(task.metric, labels, labels) == pytest.approx(1)
        worst = score(task.metric, labels, (labels + 1) % len(task.labels))
        assert WORST[task.metric] - 1e-12 <= worst < 1

    def test_it_describes_itself(self, task: Task) -> None:
        """The first line names the task."""
        assert task.name in task.describe()[0]
