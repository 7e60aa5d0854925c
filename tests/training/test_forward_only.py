"""Forward-only steps in a Trainer."""

from dataclasses import replace

import pytest
import torch

from autopeft.backbones import load_backbone
from autopeft.methods import VOCABULARY, ForwardOnly
from autopeft.space import canonical
from autopeft.testing.models import tiny_backbone
from autopeft.training import fine_tune, trainer
from tests.training.test_fine_tune import SETTING, make_task


@pytest.fixture(scope="module")
def backbone(tmp_path_factory):
    return load_backbone(tiny_backbone("bert", tmp_path_factory.mktemp("model")))


def test_forward_only_steps_see_what_methods_add_to_the_loss(backbone, tmp_path, monkeypatch):
    written = {"modules": {"kasa": {"rank": 2}}, "training": {"learning_rate": 1e-2, "optimiser": "mezo"}}
    added = trainer.penalty
    seen = []
    monkeypatch.setattr(trainer, "penalty", lambda model: seen.append(added(model)) or seen[-1])
    found = fine_tune(canonical(written, VOCABULARY, backbone.shape), backbone, make_task(32), SETTING, tmp_path)
    # Forth and back in each of 12 steps.
    assert len(seen) == 24
    assert found.best_step in (3, 6, 9, 12)


def test_forward_only_steps_keep_no_casts_of_what_trains(backbone, tmp_path, monkeypatch):
    step, forward = ForwardOnly.step, torch.nn.Linear.forward
    measuring, kept = [], []

    def within(self, closure=None):
        measuring.append(True)
        found = step(self, closure)
        measuring.clear()
        return found

    def noted(self, inputs):
        if measuring:
            kept.append((torch.is_autocast_enabled("cpu"), torch.is_autocast_cache_enabled()))
        return forward(self, inputs)

    monkeypatch.setattr(ForwardOnly, "step", within)
    monkeypatch.setattr(torch.nn.Linear, "forward", noted)
    written = {"modules": {"full": {}}, "training": {"optimiser": "mezo"}}
    configuration = canonical(written, VOCABULARY, backbone.shape)
    fine_tune(configuration, backbone, make_task(32), replace(SETTING, precision="bf16"), tmp_path)
    assert set(kept) == {(True, False)}
