"""A pool in trials: chosen rows are learned beside the training rows, in as many steps, by scores of their own."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch

from autopeft.backbones import load_backbone
from autopeft.costs import memory_features
from autopeft.errors import ConfigurationError
from autopeft.levers import Score
from autopeft.levers.transport import transport_scores
from autopeft.methods import VOCABULARY
from autopeft.space import canonical
from autopeft.tasks import LabelledTexts
from autopeft.testing.models import tiny_backbone
from autopeft.trials import Levers, Material, TrialRunner, kind_of, use_threads
from autopeft.trials.scores import check_scores, score_rows
from autopeft.trials.scores.effort import effort_of
from autopeft.trials.scores.embedding import embedded
from autopeft.trials.scores.reading import Reading
from autopeft.trials.scores.surrogate import influence_of
from autopeft.trials.shortcuts import Shortcuts
from tests.trials.test_levers import CPU, SETTING, make_task

FEW = replace(SETTING, examples=12, epochs=2.0)
RANDOM = {"select": "random", "share": 0.25}
BY_TRANSPORT = {
    "select": "optimal_transport",
    "share": 0.25,
    "optimal_transport_epsilon": 0.1,
    "optimal_transport_direction": "near",
}
TRANSPORT = Score("transport", (("epsilon", 0.1),))


def pooled_task():
    """Of the pool the first half is of the words of the task, the other of others."""
    task = make_task()
    alike, other = ["film story good the", "of it bad and"], ["leg arm heart", "lung arm leg"]
    texts = [f"{(alike if row < 20 else other)[row % 2]} {row}" for row in range(40)]
    return replace(task, pool=LabelledTexts(texts, [row % 2 for row in range(40)]), beside={})


@pytest.fixture(scope="module")
def backbone(tmp_path_factory):
    use_threads(1)
    return load_backbone(tiny_backbone("bert", tmp_path_factory.mktemp("model")))


def configured(backbone, data):
    written = {"modules": {"lora": {"rank": 2, "layers": [2]}}, "training": {"learning_rate": 1e-2}, "data": data}
    return canonical(written, VOCABULARY, backbone.shape)


def test_chosen_rows_stand_beside_the_training_rows(backbone):
    task, numbers = pooled_task(), np.arange(10)
    kind = kind_of(task)
    encode = partial(kind.encode, tokenizer=backbone.tokenizer(), max_length=64)
    material = Material(kind, task, numbers, encode, 64, 0)
    assert material.learned({}).encoded is material.train
    found = material.learned(RANDOM, 6)
    own = found.examples[found.examples < 10]
    assert len(own) == 6
    assert len(found.examples) == 6 + 10
    assert len(material.train) == 10
    texts = [backbone.tokenizer().decode(ids, skip_special_tokens=True) for ids in found.taken.inputs["input_ids"]]
    assert all(text in material_words(backbone, task) for text in texts)
    eda = material.learned({**RANDOM, "augment": "eda", "eda_rate": 0.2, "eda_number": 2}, 6)
    assert len(eda.examples) == 3 * len(found.examples)
    assert eda.taken.labels.tolist() == 3 * found.taken.labels.tolist()


def material_words(backbone, task):
    tokenizer = backbone.tokenizer()
    return {tokenizer.decode(tokenizer(text)["input_ids"], skip_special_tokens=True) for text in task.learnable.texts}


def test_trials_make_as_many_steps_and_learn_something_else(backbone):
    with_pool, without = (TrialRunner(backbone, each, FEW, CPU) for each in (pooled_task(), make_task()))
    plain, pooled = (with_pool.run(configured(backbone, data), 1) for data in ({}, RANDOM))
    assert [point["step"] for point in plain.curve] == [point["step"] for point in pooled.curve]
    assert plain.metrics == without.run(configured(backbone, {}), 1).metrics
    assert plain.metrics != pooled.metrics


def test_layers_below_are_computed_and_memory_is_predicted_by_itself(backbone, monkeypatch):
    depths, taken = [], Shortcuts.taken

    def watched(self, configuration, depth, prefixes):
        depths.append(depth)
        return taken(self, configuration, depth, prefixes)

    runner = TrialRunner(backbone, pooled_task(), FEW, CPU)
    monkeypatch.setattr(Shortcuts, "taken", watched)
    for data in ({}, RANDOM):
        runner.run(configured(backbone, data), 1)
    assert depths == [2, 0]
    chosen = configured(backbone, RANDOM)
    features = [memory_features(chosen, backbone.anatomy, pooled) for pooled in (False, True)]
    assert features[1].items() > features[0].items()
    plain = configured(backbone, {})
    assert memory_features(plain, backbone.anatomy, True) == memory_features(plain, backbone.anatomy)


def test_nothing_held_out_has_a_part_in_what_is_chosen(backbone):
    task = pooled_task()
    other = LabelledTexts(["something else"] * len(task.validation), [0] * len(task.validation))
    chosen = []
    for each in (task, replace(task, validation=other, test=other)):
        scores = score_rows(backbone, each, FEW, 0, [TRANSPORT])
        numbers = np.concatenate([np.arange(12), np.asarray(each.pooled)])
        chosen.append(Levers(replace(each, scores=scores), numbers, 0).examples(BY_TRANSPORT, np.arange(12)))
    assert chosen[0].tolist() == chosen[1].tolist()


def test_rows_of_the_pool_alone_are_scored_and_the_training_rows_are_the_target(backbone):
    task = pooled_task()
    scores = score_rows(backbone, task, FEW, 0, [TRANSPORT, Score("influence"), Score("effort")])
    assert all(set(found) == set(task.pooled) for found in scores.values())
    reading = Reading(backbone, task, FEW, 0)
    vectors = embedded(reading)
    expected = transport_scores(vectors[12:], 0.1, np.random.default_rng(0), vectors[:12])
    np.testing.assert_allclose(list(scores[TRANSPORT.text].values()), expected)
    chosen = Levers(replace(task, scores=scores), reading.numbers, 0).examples(BY_TRANSPORT, np.arange(12))
    # Ten of the forty: those of the task's own words are nearer.
    assert chosen[:12].tolist() == list(range(12))
    assert (chosen[12:] < 12 + 20).all()
    assert check_scores([TRANSPORT], task, backbone) == ()
    assert check_scores([TRANSPORT], make_task(), backbone)


def test_influence_of_the_pool_is_on_the_training_rows(backbone):
    """A row of the training split that stands in the pool too has the influence and the effort that it has there."""
    task = make_task()
    own = Reading(backbone, task, FEW, 0)
    again = Reading(backbone, replace(task, pool=task.train.take(own.numbers[:5])), FEW, 0)
    for of in (influence_of, effort_of):
        np.testing.assert_allclose(of(again), of(own)[:5], rtol=1e-4, atol=1e-7)


def test_a_pool_that_the_cut_leaves_nothing_of_is_said():
    task = pooled_task()
    with pytest.raises(ConfigurationError, match="nothing to learn in any row of the pool; raise --max-length"):
        Levers(task, np.arange(12), 0).examples(RANDOM, np.arange(12))


def test_what_is_left_of_training_rows_keeps_the_pool(backbone):
    task = pooled_task().learning([3, 5])
    assert list(task.pooled) == list(range(2, 42))
    found = Levers(task, np.arange(42), 0).examples(RANDOM, np.arange(2))
    assert found[:2].tolist() == [0, 1]
    assert torch.tensor(found).unique().numel() == 12
