"""Finalists of every word of training are trained, kept and measured on both splits as trials are."""

import numpy as np
import pytest
import torch

from autopeft.backbones import load_backbone
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

WORDS = [(knob.name, word) for knob in WORD_KNOBS for word in knob.words]


#: Words of training that only such decoders can have.
OF_DECODERS = {"lemo": "llama"}


@pytest.fixture(scope="module")
def working(backbone, tmp_path_factory):
    """Return what gives a backbone, and a runner of trials on it, for a word of training."""
    found = {}

    def get(word):
        architecture = OF_DECODERS.get(word)
        if architecture not in found:
            folder = tmp_path_factory.mktemp("decoder")
            chosen = load_backbone(tiny_backbone(architecture, folder)) if architecture else backbone
            found[architecture] = chosen, TrialRunner(chosen, make_task(), WHOLE, torch.device("cpu"))
        return found[architecture]

    return get


@pytest.mark.parametrize(("knob", "word"), WORDS)
def test_a_finalist_is_what_was_trained(working, tmp_path, knob, word):
    backbone, runner = working(word)
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
