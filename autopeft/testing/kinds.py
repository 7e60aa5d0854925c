"""The contract of a kind of task: inherit the suite, give it a task, and its trials are tested on tiny models.

class TestMyKind(KindContract):
    architectures = ("bert", "llama")

    @pytest.fixture(scope="class")
    def spec(self, tmp_path_factory):
        ...  # write a few dozen rows of words of autopeft.testing.models.TEXTS, return the TaskSpec that names them
"""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch

from autopeft.backbones import Backbone
from autopeft.errors import ConfigurationError
from autopeft.levers import Score
from autopeft.levers.influence import EFFORT, INFLUENCE
from autopeft.levers.transport import TRANSPORT
from autopeft.methods import HEAD_ONLY, stock_lora
from autopeft.saved import Use, loading_code, merged_code, open_saved, task_config, use_of
from autopeft.tasks import Encoded, Task, pad_id_of
from autopeft.tasks.row_hashes import row_hashes
from autopeft.testing.cases import try_each
from autopeft.testing.decoders import DECODERS, tiny_decoder
from autopeft.testing.models import tiny_backbone
from autopeft.testing.tasks import TaskContract
from autopeft.training import fine_tune
from autopeft.training.measuring import measure, paper
from autopeft.trials import TRIALS, Batch, TrialKind, TrialRunner, TrialSetting, drawn, kind_of, use_threads
from autopeft.trials.scores import check_scores, score_rows

__all__ = ["KindContract"]

_CPU = torch.device("cpu")


class KindContract(TaskContract):
    """What every kind of task promises; a subclass provides the fixture `spec`, a task that a tiny model can learn.

    Attributes:
        architectures: The tiny models that the kind is tried on.
        learns: Whether a tiny model can do better than it does untouched, within some steps.
        scored: The scores of training rows, for data levers to go by, that there are of such a task.
    """

    architectures: ClassVar[tuple[str, ...]] = ("bert", "roberta", "gpt2", "llama")
    learns: ClassVar[bool] = True
    scored: ClassVar[tuple[str, ...]] = (TRANSPORT, INFLUENCE, EFFORT)

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Try each architecture; all but the first are slow."""
        try_each(metafunc, self.architectures)

    @pytest.fixture(scope="class")
    def backbone(self, task: Task, architecture: str, tmp_path_factory: pytest.TempPathFactory) -> Backbone:
        """A tiny model as the kind loads it."""
        use_threads(1)
        folder = tmp_path_factory.mktemp("model")
        decodes = architecture in DECODERS and not kind_of(task).has_head
        path = tiny_decoder(architecture, folder) if decodes else tiny_backbone(architecture, folder)
        return kind_of(task).load_backbone(path)

    @pytest.fixture(scope="class")
    def setting(self, task: Task, backbone: Backbone) -> TrialSetting:
        """How the kind itself sets a trial, made small."""
        fitted = kind_of(task).fitted(task, backbone)
        chosen, _ = kind_of(fitted).choose_setting(fitted, backbone.tokenizer(), batch_size=8, precision="fp32")
        small = min(chosen.examples, 64)
        return replace(chosen, examples=small, epochs=4.0, max_length=min(chosen.max_length, 64))

    @pytest.fixture(scope="class")
    def runner(self, task: Task, backbone: Backbone, setting: TrialSetting) -> TrialRunner:
        """A runner of trials."""
        return TrialRunner(backbone, kind_of(task).fitted(task, backbone), setting, _CPU)

    @pytest.fixture(scope="class")
    def kept(self, runner: TrialRunner, backbone: Backbone, tmp_path_factory: pytest.TempPathFactory) -> Any:
        """A trial of stock LoRA, and the folder of what it kept."""
        folder = tmp_path_factory.mktemp("kept")
        outcome = runner.run(stock_lora(backbone.shape, 1e-2), 0, folder=folder)
        assert outcome.status == "complete", outcome.detail or outcome.message
        return outcome, folder

    def test_it_is_in_both_tables(self, task: Task) -> None:
        """Its trials are entered under the name of its data."""
        assert isinstance(kind_of(task), TRIALS[task.kind.name])
        assert kind_of(task).untouched
        assert kind_of(task).does

    def test_batches_cover_each_row_once(self, task: Task, backbone: Backbone) -> None:
        """An epoch holds each row once, shuffled by its seed, padded and masked; in parts it holds the same rows."""
        kind, encoded, pad_id = _encoded(task, backbone)
        for rng in (None, np.random.default_rng(0)):
            groups = kind.grouped(encoded, 8, rng)
            assert sorted(np.concatenate(groups).tolist()) == list(range(len(encoded)))
            for group in groups[:4]:
                batch = kind.collate(encoded, group, pad_id)
                assert all(len(value) == len(group) for value in batch.values())
                if "input_ids" in batch:
                    longest = max(encoded.lengths[group])
                    assert batch["input_ids"].shape == batch["attention_mask"].shape == (len(group), longest)
                parts = kind.parted(encoded, group, 3)
                assert sorted(np.concatenate(parts).tolist()) == sorted(group.tolist())

    def test_the_loss_of_a_batch_is_a_mean_over_its_terms(self, task: Task, backbone: Backbone) -> None:
        """Parts of a batch, each weighed by its terms, have the loss of the whole; so their gradients add up."""
        kind, encoded, pad_id = _encoded(task, backbone)
        model = kind.model(backbone, _CPU)
        group = kind.grouped(encoded, 8, np.random.default_rng(0))[0]
        whole = kind.collate(encoded, group, pad_id)
        parts = [kind.collate(encoded, part, pad_id) for part in kind.parted(encoded, group, 3)]
        with torch.no_grad():
            expected = float(kind.loss(model, whole, _CPU, "fp32"))
            losses = [float(kind.loss(model, part, _CPU, "fp32")) * kind.terms(part) for part in parts]
        assert math.isfinite(expected)
        assert sum(losses) / kind.terms(whole) == pytest.approx(expected, rel=1e-3, abs=1e-4)

    def test_other_columns_stand_for_what_it_says(self, task: Task, backbone: Backbone) -> None:
        """A text in place of part of an example changes that example alone; what has none stays as it is."""
        if not task.kind.replaced:
            pytest.skip("nothing of its examples is replaced")
        few = task.train.take(range(4))
        before = [json.dumps(each) for each in task.kind.inputs(few)]
        same = task.kind.with_column(few, [None] * 4)
        assert [json.dumps(each) for each in task.kind.inputs(same)] == before
        other = task.kind.with_column(few, [None, "something else", None, None])
        after = [json.dumps(each) for each in task.kind.inputs(other)]
        assert [one == two for one, two in zip(before, after, strict=True)] == [True, False, True, True]
        fitted = kind_of(task).fitted(task, backbone)
        assert kind_of(fitted).encode(other, backbone.tokenizer(), 64).examples == 4

    def test_other_words_are_put_where_there_were_some(self, task: Task) -> None:
        """Texts that are put back make the examples that there were."""
        texts = task.kind.texts(task.train)
        if texts is None:
            pytest.skip("its examples cannot be put in other words")
        again = task.kind.with_texts(task.train, texts)
        assert row_hashes(task.kind, again).tolist() == row_hashes(task.kind, task.train).tolist()

    def test_levers_of_the_loss_that_do_nothing_are_the_loss(self, task: Task, backbone: Backbone) -> None:
        """Mixing nothing, and a contrastive term of weight 0, leave the loss to the bit; others do not."""
        kind, encoded, pad_id = _encoded(task, backbone)
        model = kind.model(backbone, _CPU)
        batch = kind.collate(encoded, kind.grouped(encoded, 8)[0], pad_id)
        mixup = {"augment": "mixup", "mixup_alpha": 0.0}
        term = {"contrastive": "supervised", "supervised_weight": 0.0, "supervised_temperature": 0.1}
        with torch.no_grad():
            plain = float(kind.loss(model, batch, _CPU, "fp32"))
            for there, nothing, more in (
                (kind.mixes, mixup, {"mixup_alpha": 1.0}),
                (kind.contrasts, term, {"supervised_weight": 1.0}),
            ):
                if there:
                    assert float(kind.by_levers(nothing).loss(model, batch, _CPU, "fp32")) == plain
                    # One draw may mix hardly anything, which a small model's loss does not show.
                    torch.manual_seed(0)
                    doing = kind.by_levers(nothing | more)
                    assert any(float(doing.loss(model, batch, _CPU, "fp32")) != plain for _ in range(16))

    def test_what_is_measured_does_not_depend_on_order(self, task: Task, backbone: Backbone) -> None:
        """Every metric that is measured in passing is there, with the loss, in bounds, whatever the batches."""
        kind, encoded, pad_id = _encoded(task, backbone)
        model = kind.model(backbone, _CPU)
        alike = [_measured(kind, model, encoded, pad_id, size) for size in (4, 16)]
        assert alike[0] == pytest.approx(alike[1], rel=1e-5, abs=1e-5)
        for name, metric in task.kind.metrics.items():
            if metric.quick:
                assert metric.signed(alike[0][name]) >= metric.signed(metric.worst) - 1e-9
        assert math.isfinite(alike[0]["loss"])

    def test_the_mean_of_the_scores_is_the_metric(self, runner: TrialRunner, task: Task, kept: Any) -> None:
        """Each unit has a score; their mean is what the trial reached, with its sign such that more is better."""
        outcome, folder = kept
        scores = runner.score(folder, "validation")
        assert scores.ndim == 1
        assert np.isfinite(scores).all()
        assert scores.mean() == pytest.approx(outcome.accuracy, abs=1e-4)
        assert outcome.accuracy == pytest.approx(task.judge.signed(outcome.metrics[task.metric]), abs=1e-9)
        assert np.isfinite(runner.score(folder, "test")).all()

    def test_training_rows_have_the_scores_that_there_are(
        self, task: Task, backbone: Backbone, setting: TrialSetting
    ) -> None:
        """Each row that a trial draws has a finite score of its own; what a kind has none of is said."""
        fitted = kind_of(task).fitted(task, backbone)
        of_sort = {TRANSPORT: Score(TRANSPORT, (("epsilon", 0.5),)), INFLUENCE: Score(INFLUENCE), EFFORT: Score(EFFORT)}
        for name, score in of_sort.items():
            if name not in self.scored:
                with pytest.raises(ConfigurationError, match="leave that word out of the space"):
                    check_scores([score], fitted, backbone)
                continue
            check_scores([score], fitted, backbone)
            [values] = score_rows(backbone, fitted, setting, 0, [score]).values()
            assert set(values) <= set(drawn(fitted, setting)[0].tolist())
            assert len(values) > setting.examples // 2
            assert all(map(math.isfinite, values.values()))
            assert len(set(values.values())) > 1

    def test_a_trial_repeats_itself_and_learns(self, runner: TrialRunner, backbone: Backbone, kept: Any) -> None:
        """The same configuration and seed give the same outcome, whatever ran before; training helps."""
        outcome, _ = kept
        untouched = runner.run(HEAD_ONLY, 1)
        assert untouched.status == "complete", untouched.detail
        again = runner.run(stock_lora(backbone.shape, 1e-2), 0)
        assert again.metrics == outcome.metrics
        if self.learns:
            first, last = outcome.curve[0], outcome.curve[-1]
            assert last["loss"] < first["loss"]

    def test_what_is_saved_is_read_again(self, task: Task, backbone: Backbone, setting: TrialSetting) -> None:
        """What a folder says of its use is JSON, and comes back as it was; configs know the task."""
        use = use_of(backbone, task, setting)
        assert Use.model_validate_json(use.model_dump_json()) == use
        assert use.empty_task().kind.name == task.kind.name
        json.dumps(task_config(backbone, task).to_dict(), default=str)

    def test_its_cards_are_python(self, task: Task, backbone: Backbone, setting: TrialSetting) -> None:
        """The code on cards compiles, for adapters and for a merged model."""
        for code in (
            loading_code(stock_lora(backbone.shape, 1e-3), backbone, task, setting.max_length),
            merged_code(backbone, task, setting.max_length),
        ):
            compile(code, "card", "exec")

    def test_a_full_fine_tune_is_measured_like_a_trial(
        self, task: Task, backbone: Backbone, setting: TrialSetting, tmp_path: Path
    ) -> None:
        """The Trainer that the kind names trains it; what is saved reaches what was said, and can be opened."""
        fitted = kind_of(task).fitted(task, backbone)
        task = kind_of(fitted).standing(fitted, backbone, replace(setting, epochs=1.0))
        found = fine_tune(stock_lora(backbone.shape, 1e-2), backbone, task, replace(setting, epochs=1.0), tmp_path)
        assert task.metric in found.test
        opened = open_saved(tmp_path)
        tokenizer, untouched = opened.ready.tokenizer, kind_of(task).model(backbone, opened.ready.model.device)
        on = paper(task, "test", untouched, tokenizer, setting)
        again = measure(opened.ready.model, on, tokenizer, setting).figures
        assert again[task.metric] == pytest.approx(found.test[task.metric], abs=1e-4)
        rows = task.kind.asks(task.schema)
        if rows:
            few = task.kind.nothing(task.schema)
            assert len(kind_of(task).predict(opened.ready, few)[0]) == 0


def _encoded(task: Task, backbone: Backbone) -> tuple[TrialKind, Encoded, int]:
    kind, tokenizer = kind_of(kind_of(task).fitted(task, backbone)), backbone.tokenizer()
    setting, pad_id = TrialSetting(examples=8, validation_examples=8, batch_size=8), pad_id_of(tokenizer)
    encoded = kind.encode(task.validation, tokenizer, 64)
    return kind, kind.with_reference(kind.model(backbone, _CPU), encoded, setting, pad_id), pad_id


def _measured(kind: TrialKind, model: Any, encoded: Encoded, pad_id: int, size: int) -> dict[str, float]:
    parts: list[tuple[np.ndarray, Batch]] = [
        (rows, kind.collate(encoded, rows, pad_id)) for rows in kind.grouped(encoded, size)
    ]
    return kind.measure(model, parts, "fp32", lambda rows, longest: None).figures
