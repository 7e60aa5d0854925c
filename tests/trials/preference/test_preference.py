"""Trials of preferences: an untouched model ranks nothing, training teaches, and what is saved does the same."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from autopeft.backbones import load_decoder
from autopeft.errors import AutopeftError
from autopeft.methods import HEAD_ONLY, VOCABULARY, apply
from autopeft.saved import open_saved
from autopeft.space import Configuration, canonical, load_space
from autopeft.tasks import pad_id_of
from autopeft.testing.decoders import CHAT_TEMPLATE, tiny_decoder
from autopeft.training import evaluate, fine_tune
from autopeft.trials import TrialRunner, kind_of, use_threads
from autopeft.trials.causal import cross_entropy
from autopeft.trials.preference.rewards import Rewarded
from autopeft.trials.preference.setting import PreferenceSetting, choose_preference_setting
from tests.trials.preference.data import plain, talks, task_of

CPU = torch.device("cpu")
SETTING = PreferenceSetting(examples=40, validation_examples=20, epochs=4.0, batch_size=4, max_length=64)


@pytest.fixture(scope="module")
def backbone(tmp_path_factory):
    use_threads(1)
    return load_decoder(tiny_decoder("llama", tmp_path_factory.mktemp("model"), template=CHAT_TEMPLATE))


@pytest.fixture(scope="module")
def task(tmp_path_factory):
    return task_of(tmp_path_factory.mktemp("data"), talks())


@pytest.fixture(scope="module")
def runner(backbone, task):
    return TrialRunner(backbone, task, SETTING, CPU)


def lora(backbone, top=False, **training):
    places = {"rank": {"0": 0, "1": 0, "2": 4}} if top else {"rank": 4}
    data = {"modules": {"lora": {**places, "targets": ["q", "v"]}}, "training": {"learning_rate": 2e-2, **training}}
    return canonical(data, VOCABULARY, backbone.shape)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_an_untouched_model_ranks_no_pair_either_way(backbone, task, precision):
    outcome = TrialRunner(backbone, task, replace(SETTING, precision=precision), CPU).run(HEAD_ONLY, 0)
    assert outcome.metrics == {"accuracy": 0.5, "margin": 0.0, "loss": pytest.approx(np.log(2))}
    assert task.kind.guessed(task) == 0.5


def test_training_teaches_which_answer_is_better(runner, backbone):
    outcome = runner.run(lora(backbone), 0)
    assert outcome.status == "complete", outcome.detail
    assert outcome.accuracy > 0.9
    assert outcome.metrics["margin"] > 0.05
    assert [point["step"] for point in outcome.curve] == [2, 5, 10, 20, 40]


def test_ties_count_half_and_rounding_is_a_tie():
    found = Rewarded(np.array([2.0, -1.0, 0.0, 1e-5]), beta=0.1)
    assert found.right.tolist() == [1.0, 0.0, 0.5, 0.5]
    assert found.figures["accuracy"] == 0.5
    assert found.figures["margin"] == pytest.approx(0.025, abs=1e-5)


def test_a_higher_beta_keeps_closer_to_the_untouched_model(runner, backbone):
    far, near = (runner.run(lora(backbone, beta=beta), 0).metrics["margin"] / beta for beta in (0.05, 5.0))
    assert far > 1.2 * near > 0


def test_layers_left_out_make_no_difference(runner, backbone, task):
    whole = TrialRunner(backbone, task, SETTING, CPU)
    whole._shortcuts._keeps = False
    configuration = lora(backbone, top=True)
    assert runner._shortcuts.depth(configuration, runner._prefixes) == 2
    found, expected = (each.run(configuration, 0).metrics for each in (runner, whole))
    assert found == pytest.approx(expected, abs=1e-4)


def test_a_batch_in_parts_has_the_gradient_of_the_whole(runner, backbone):
    fitted = [
        replace(SETTING, batch_size=8, early_stopping=False, epochs=1.0),
        replace(SETTING, batch_size=8, early_stopping=False, epochs=1.0),
    ]
    weights = []
    for setting, at_once in zip(fitted, (8, 3), strict=True):
        with runner._built(lora(backbone), 0) as (feed, _):
            for _ in runner._fit(runner._material.train, setting, 0, feed, _Idle(), at_once):
                pass
            weights.append([each.detach().clone() for each in runner.model.parameters() if each.requires_grad])
    assert all(torch.allclose(one, other, atol=1e-5) for one, other in zip(*weights, strict=True))


class _Idle:
    def __enter__(self):
        return self

    def __exit__(self, *error):
        return None


def test_full_fine_tuning_is_held_against_the_weights_before_it(runner, backbone, tmp_path):
    configuration = Configuration.from_dict({"modules": {}, "training": {"learning_rate": 1e-3}})
    outcome = runner.run(configuration, 0, full=True, folder=tmp_path)
    assert outcome.status == "complete", outcome.detail
    assert outcome.accuracy > 0.8
    assert runner.score(tmp_path, "validation").mean() == pytest.approx(outcome.accuracy)
    assert runner.run(HEAD_ONLY, 0).accuracy == 0.5


def test_what_is_fine_tuned_is_evaluated_and_answers(backbone, task, tmp_path):
    pytest.importorskip("trl", reason="needs TRL, the extra `trl`")
    found = fine_tune(lora(backbone, beta=0.3), backbone, task, SETTING, tmp_path)
    trial = TrialRunner(backbone, task, replace(SETTING, early_stopping=False), CPU).run(lora(backbone, beta=0.3), 0)
    # The same pairs, steps, rates, start and beta; only their order differs.
    assert found.validation["loss"] == pytest.approx(trial.metrics["loss"], rel=0.3)
    assert found.validation["accuracy"] > 0.9
    assert evaluate(tmp_path, backbone, task, SETTING).figures == pytest.approx(found.test, abs=1e-5)
    opened = open_saved(tmp_path).ready
    asked, _, _ = task.kind.unlabelled(task.schema, _table(task, "what of it"))
    [told], _ = kind_of(task).predict(opened, asked, max_new_tokens=5)
    assert isinstance(told.value, str)
    assert len(told.value.split()) <= 5
    with pytest.raises(AutopeftError, match="expected 1 or more"):
        kind_of(task).predict(opened, asked, max_new_tokens=0)


def _table(task, text):
    from autopeft.tasks.tables import Table

    [row] = task.kind.rows_of(task.schema, [text])
    return Table("given", tuple(row), [("input 1", row)])


def test_what_a_cut_makes_alike_is_left_out_and_said(backbone, tmp_path):
    rows = plain()
    for row in rows[:20]:
        row["chosen"], row["rejected"] = (
            f" film film film film{row['chosen']}",
            f" film film film film{row['rejected']}",
        )
    task = task_of(tmp_path, rows)
    setting, notes = choose_preference_setting(task, backbone.tokenizer(), max_length=12)
    kept = kind_of(task).encode(task.train, backbone.tokenizer(), setting.max_length)
    assert 0 < kept.dropped < len(task.train)
    assert kept.examples == len(task.train) - kept.dropped == len(kept.kept)
    assert any(f"{kept.dropped} pairs left out that do not differ before" in note for note in notes)
    batch = kind_of(task).collate(kept, np.arange(6), pad_id_of(backbone.tokenizer()))
    assert kind_of(task).terms(batch) == 3


@pytest.mark.parametrize("modules", [{"lora": {"rank": 4}}, {"full_embeddings": {}}])
def test_logits_are_never_there_of_all_tokens(backbone, task, monkeypatch, modules):
    """Neither of the reference, nor in training, whether the head trains or not, nor in measuring."""
    monkeypatch.setattr(cross_entropy, "_AT_ONCE", 3 * backbone.config.vocab_size)
    kind, tokenizer, model, sizes = kind_of(task), backbone.tokenizer(), backbone.language_model(), []
    model.get_output_embeddings().register_forward_hook(lambda _one, _two, output: sizes.append(output.shape[-2]))
    encoded = kind.encode(task.validation, tokenizer, SETTING.max_length)
    encoded = kind.with_reference(model, encoded, SETTING, pad_id_of(tokenizer))
    data = {"modules": modules, "training": {"learning_rate": 1e-3}}
    apply(canonical(data, VOCABULARY, backbone.shape), model, backbone.anatomy, seed=0)
    batch = kind.collate(encoded, np.arange(8), pad_id_of(tokenizer))
    kind.loss(model, batch, CPU, "fp32").backward()
    kind.measure(model, [(np.arange(8), batch)], "fp32", lambda rows, longest: None)
    assert max(sizes) <= 3 < len(sizes)


def test_a_step_of_pairs_has_twice_as_many_texts():
    assert (SETTING.texts, SETTING.batch_size) == (8, 4)
    assert SETTING.rung_examples == 20


def test_good_learning_rates_are_half_of_those_of_writing_and_the_space_reaches_further_down(backbone, task):
    shape, kind = backbone.shape, kind_of(task)
    rate, writing = kind.stock_learning_rate(shape), super(type(kind), kind).stock_learning_rate(shape)
    assert rate == writing / 2
    lower, usual = (load_space(name).bind(VOCABULARY, shape).distributions() for name in (kind.default_space, "llm"))
    assert lower.keys() == usual.keys()
    rates = [name for name in usual if name.endswith("learning_rate")]
    assert len(rates) == 4
    assert all(lower[name].low <= usual[name].low / 5 and lower[name].high < usual[name].high for name in rates)
