"""Finalists of every word of training and of the data are trained, kept and measured on both splits as trials are."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from autopeft.backbones import load_backbone
from autopeft.levers import SELECT, scores_named
from autopeft.methods import VOCABULARY
from autopeft.methods.registry import WORD_KNOBS
from autopeft.selection.errands import MeasureOnTest, Train
from autopeft.space import canonical
from autopeft.testing.models import tiny_backbone
from autopeft.trials import TrialRunner
from tests.trials.test_kept import WHOLE
from tests.trials.test_runner import backbone, make_task

__all__ = ["backbone"]

#: Beside which methods; full fine-tuning has no frozen weights to prune.
MODULES = {"lisa": {"full": {}}, "hft": {"full": {}}, "mezo": {"full": {}}}
LORA = {"lora": {"rank": 2, "targets": ["v", "o"]}}

SECTIONS = {knob.name: knob.section for knob in WORD_KNOBS}
WORDS = [(knob.name, word) for knob in WORD_KNOBS for word in knob.words]


#: Words of training that only such decoders can have.
OF_DECODERS = {"lemo": "llama"}


def levered_task():
    """Return a task with the columns that words of the data go by, as they are called unless one is named."""
    task = make_task()
    beside = {"fail_rate": [0.5] * len(task.train), "back_translation": ["of the film"] * len(task.train)}
    names = {score.text for word in SELECT.words for score in scores_named(_defaults(word))}
    scores = {name: {number: number % 7 / 7 for number in range(len(task.train))} for name in names}
    return replace(task, beside=beside, scores=scores)


def _defaults(word):
    """Return what a configuration says of the data that chooses rows in a way, all knobs at their defaults."""
    return {SELECT.name: word} | {
        knob.name: knob.default
        for knob in SELECT.knobs()
        if knob.there({SELECT.name: word}) and knob.name != SELECT.name
    }


@pytest.fixture(scope="module")
def working(backbone, tmp_path_factory):
    """Return what gives a backbone, and a runner of trials on it, for a word of training."""
    found = {}

    def get(word):
        architecture = OF_DECODERS.get(word)
        if architecture not in found:
            folder = tmp_path_factory.mktemp("decoder")
            chosen = load_backbone(tiny_backbone(architecture, folder)) if architecture else backbone
            found[architecture] = chosen, TrialRunner(chosen, levered_task(), WHOLE, torch.device("cpu"))
        return found[architecture]

    return get


@pytest.mark.parametrize(("knob", "word"), WORDS)
def test_a_finalist_is_what_was_trained(working, tmp_path, knob, word):
    backbone, runner = working(word)
    heads = {"heads_count": 1} if word == "heads" else {}
    written = {"modules": MODULES.get(word, LORA), "training": {"learning_rate": 1e-2, **heads}, "data": {}}
    written[SECTIONS[knob]][knob] = word
    configuration = canonical(written, VOCABULARY, backbone.shape)
    trained = Train(configuration.text, 5, tmp_path / "kept", full=False)(runner)
    assert trained.validation is not None, trained.message
    # The same configuration and seed, in a trial of its own.
    outcome = runner.run(configuration, 5)
    assert outcome.status == "complete", outcome.detail
    assert trained.validation.mean() == pytest.approx(outcome.accuracy, abs=1 / 96 + 1e-9)
    scores = MeasureOnTest(tmp_path / "kept")(runner)
    assert scores.shape == (len(runner.task.test),)
    assert np.array_equal(scores, MeasureOnTest(tmp_path / "kept")(runner))
