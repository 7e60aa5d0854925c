"""Finalists of every word of training are trained, kept and measured on both splits as trials are."""

import numpy as np
import pytest
import torch

from autopeft.methods import VOCABULARY
from autopeft.methods.registry import WORD_KNOBS
from autopeft.selection.errands import MeasureOnTest, Train
from autopeft.space import canonical
from autopeft.trials import TrialRunner
from tests.trials.test_kept import WHOLE
from tests.trials.test_runner import backbone, make_task

__all__ = ["backbone"]

#: Beside which methods; full fine-tuning has no frozen weights to prune.
MODULES = {"lisa": {"full": {}}, "hft": {"full": {}}, "mezo": {"full": {}}}
LORA = {"lora": {"rank": 2, "targets": ["v", "o"]}}

WORDS = [(knob.name, word) for knob in WORD_KNOBS for word in knob.words]


@pytest.fixture(scope="module")
def runner(backbone):
    return TrialRunner(backbone, make_task(), WHOLE, torch.device("cpu"))


@pytest.mark.parametrize(("knob", "word"), WORDS)
def test_a_finalist_is_what_was_trained(backbone, runner, tmp_path, knob, word):
    heads = {"heads_count": 1} if word == "heads" else {}
    written = {"modules": MODULES.get(word, LORA), "training": {"learning_rate": 1e-2, knob: word, **heads}}
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
