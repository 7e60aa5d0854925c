"""Schedules and forward-only steps at once, and what probes leave behind."""

import numpy as np
import pytest
import torch
from peft.tuners.tuners_utils import BaseTunerLayer

from autopeft.methods import Moment, optimiser_groups, optimiser_of
from autopeft.methods.builder import applied
from autopeft.space import canonical
from autopeft.testing.models import tiny_batch
from autopeft.trials import TrialRunner
from tests.methods.stepping import build, train
from tests.trials.test_runner import CPU, SETTING, VOCABULARY, make_task


def test_thresholds_of_the_start_stay_while_layers_come_and_go(tiny) -> None:
    backbone = tiny("bert", layers=4)
    batch = tiny_batch(backbone)
    training = {"optimiser": "sparse_mezo", "mezo_pace": 1.0, "schedule": "lisa", "lisa_layers": 1, "lisa_every": 1}
    model, _ = build(backbone, {"full": {}}, training)
    optimiser = optimiser_of(model, optimiser_groups(model), 0.0, seed=0)
    [running] = applied(model).schedules
    first = {}
    for step in range(1, 21):
        running.before_backward(Moment(step, 40, optimiser))
        optimiser.step(lambda: float(model(**batch).loss))
        for parameter, state in optimiser.state.items():
            assert torch.equal(state["threshold"], first.setdefault(parameter, state["threshold"].clone()))
    assert len(first) > 20


def test_dropout_stays_off_where_losses_are_compared_and_on_where_they_are_not(tiny, monkeypatch) -> None:
    backbone = tiny("bert")
    seen = []
    runner = TrialRunner(backbone, make_task(), SETTING, CPU)
    for optimiser in ("adamw", "mezo"):
        modules = {"lora": {"rank": 2, "dropout": 0.3}}
        training = {"schedule": "ist", "ist_every": 2, "optimiser": optimiser}
        configuration = canonical({"modules": modules, "training": training}, VOCABULARY, backbone.shape)
        seen.clear()

        def note(module, *_):
            if isinstance(module, BaseTunerLayer) and not module._forward_hooks:
                seen.append(module.training)

        with torch.nn.modules.module.register_module_forward_pre_hook(note):
            assert runner.run(configuration, 0).status == "complete"
        assert any(seen) == (optimiser == "adamw")


def test_a_loss_that_is_no_number_moves_no_score(scheduled) -> None:
    _, _, running = scheduled("ist", {"lora": {"rank": 2}})
    running.schedule.draw(running, Moment(11, 100, None, sample=lambda count: lambda: float("nan")))
    assert not running.kept["scores"].any()


def test_scores_as_far_apart_as_can_be_end_the_drawing_of_candidates(scheduled) -> None:
    _, _, running = scheduled("ist", {"lora": {"rank": 2}}, layers=8)
    running.kept["scores"] = torch.tensor([60.0] * 4 + [-60.0] * 4, dtype=torch.float64)
    drawn = running.schedule.draw(running, Moment(11, 100, None, sample=lambda count: lambda: 1.0))
    # Those that are dispensable by far are not drawn.
    assert {place.layer for place in drawn} <= {4, 5, 6, 7}


@pytest.mark.parametrize("schedule", ["lisa", "hft", "ist"])
def test_the_best_state_is_read_after_the_end_and_everything_could_train(scheduled, schedule) -> None:
    backbone, model, running = scheduled(schedule, {"lora": {"rank": 2}})
    state = running.state()
    train(model, tiny_batch(backbone), 3)
    running.resume(state)
    own = [parameter for inserted in applied(model).inserted for parameter in inserted.parameters]
    assert np.all([parameter.requires_grad for parameter in own])
