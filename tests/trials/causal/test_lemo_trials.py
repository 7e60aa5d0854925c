"""Trials and trainings that leave tokens and neurons out: what they share, measure, save and take up again."""

from dataclasses import replace

import pytest
import torch

from autopeft.backbones import load_decoder
from autopeft.costs import Costs
from autopeft.methods import VOCABULARY, load
from autopeft.methods.context import blocks, dropper
from autopeft.space import canonical
from autopeft.testing.decoders import CHAT_TEMPLATE, tiny_decoder
from autopeft.testing.targets import tiny_task
from autopeft.training import evaluate, fine_tune
from autopeft.training.trainer import Ours
from autopeft.trials import TrialRunner, use_threads
from autopeft.trials import shortcuts as shortcuts_module
from autopeft.trials.causal.setting import CausalSetting
from tests.trials.outcomes import lasting

CPU = torch.device("cpu")
SETTING = CausalSetting(examples=32, validation_examples=16, epochs=4.0, batch_size=8, max_length=64)
LEMO = {"context": "lemo", "lemo_kept": 0.5, "lemo_neurons": 0.3}
TASK = tiny_task(causal=True, count=32)


@pytest.fixture(autouse=True)
def short_blocks(monkeypatch, tmp_path):
    """Texts of these tests have few tokens."""
    use_threads(1)
    monkeypatch.setenv("AUTOPEFT_CACHE", str(tmp_path / "cache"))
    for module in (blocks, dropper):
        monkeypatch.setattr(module, "BLOCK", 4)


@pytest.fixture(scope="module")
def backbone(tmp_path_factory):
    return load_decoder(tiny_decoder("llama", tmp_path_factory.mktemp("model"), template=CHAT_TEMPLATE))


def lora(backbone, layers=(0, 1, 2), **training):
    modules = {"lora": {"rank": 4, "layers": list(layers), "targets": ["q", "v", "o"]}}
    training = {"learning_rate": 2e-2, **training}
    return canonical({"modules": modules, "training": training}, VOCABULARY, backbone.shape)


def test_a_trial_learns_leaves_no_trace_and_depends_on_its_seed_alone(backbone):
    runner = TrialRunner(backbone, TASK, SETTING, CPU)
    before = {name: value.clone() for name, value in runner.model.state_dict().items()}
    plain = runner.run(lora(backbone), 0)
    found, again = (runner.run(lora(backbone, **LEMO), 0) for _ in range(2))
    assert found.status == "complete", found.detail
    assert lasting(found) == lasting(again)
    assert found.params == plain.params == Costs(backbone).params(lora(backbone, **LEMO))
    assert found.metrics["loss"] != plain.metrics["loss"]
    assert found.metrics["loss"] < found.curve[0]["loss"]
    # All of it given, it is the trial without.
    everything = lora(backbone, **{**LEMO, "lemo_kept": 1.0, "lemo_neurons": 1.0})
    assert lasting(runner.run(everything, 0)) == lasting(plain)
    after = runner.model.state_dict()
    assert all(torch.equal(after[name], value) for name, value in before.items())
    assert lasting(runner.run(lora(backbone), 0)) == lasting(plain)


def test_what_is_kept_of_lower_layers_is_what_they_would_compute(backbone, monkeypatch):
    """The middle layers drop tokens below adapters too: of three layers the first is one of these."""
    found = []
    for keeps in (True, False):
        with monkeypatch.context() as patch:
            if not keeps:
                patch.setattr(shortcuts_module, "frozen_depth", lambda *_: 0)
            runner = TrialRunner(backbone, TASK, SETTING, CPU)
            for kept in (0.5, 1.0):
                found.append(runner.run(lora(backbone, (2,), **{**LEMO, "lemo_kept": kept}), 0))
    (dropping, sparse), (dropping_whole, sparse_whole) = found[:2], found[2:]
    for one, other in ((dropping, dropping_whole), (sparse, sparse_whole)):
        assert one.status == "complete", one.detail
        assert one.metrics["loss"] == pytest.approx(other.metrics["loss"], rel=1e-4)
    assert dropping.metrics["loss"] != pytest.approx(sparse.metrics["loss"], rel=1e-4)


@pytest.mark.parametrize("training", [{"schedule": "lisa", "lisa_every": 2}, {"pruning": "heads", "heads_count": 1}])
def test_it_goes_with_other_words_of_training(backbone, training):
    runner = TrialRunner(backbone, TASK, SETTING, CPU)
    first, second = (runner.run(lora(backbone, **LEMO, **training), 0) for _ in range(2))
    assert first.status == "complete", first.detail
    assert lasting(first) == lasting(second)


def test_layers_may_be_computed_again_and_a_batch_in_parts(backbone, monkeypatch):
    whole = TrialRunner(backbone, TASK, SETTING, CPU).run(lora(backbone, **LEMO), 0)
    setting = replace(SETTING, gradient_checkpointing=True)
    runner = TrialRunner(backbone, TASK, setting, CPU)
    again = runner.run(lora(backbone, **LEMO), 0)
    assert again.metrics["loss"] == pytest.approx(whole.metrics["loss"], rel=1e-3)
    loss, tries = type(runner._kind).loss, []

    def at_most_two(self, model, batch, device, precision):
        if len(batch["input_ids"]) > 2:
            tries.append(len(batch["input_ids"]))
            raise torch.OutOfMemoryError("out of memory")
        return loss(self, model, batch, device, precision)

    monkeypatch.setattr(type(runner._kind), "loss", at_most_two)
    in_parts = runner.run(lora(backbone, **LEMO), 0)
    assert tries == [8, 4]
    assert in_parts.metrics["loss"] == pytest.approx(whole.metrics["loss"], rel=1e-3)


def test_a_step_takes_less_memory_with_fewer_tokens_and_with_fewer_neurons(backbone):
    runner = TrialRunner(backbone, TASK, replace(SETTING, batch_size=32), CPU)

    def peak(kept, neurons):
        return runner.profile(lora(backbone, **{**LEMO, "lemo_kept": kept, "lemo_neurons": neurons}), 0).peak

    assert peak(0.3, 0.1) < min(peak(1.0, 0.1), peak(0.3, 1.0))
    assert max(peak(1.0, 0.1), peak(0.3, 1.0)) < runner.profile(lora(backbone), 0).peak


class Interrupted(Exception):
    """Someone has pulled the plug."""


@pytest.mark.slow
def test_a_training_goes_on_where_it_was_stopped_and_what_is_saved_needs_no_words(backbone, tmp_path, monkeypatch):
    pytest.importorskip("trl", reason="needs TRL, the extra `trl`")
    configuration = lora(backbone, **LEMO)
    measure, measured, stop = Ours.evaluate, [], 0

    def stop_at_the_third(self, *args, **kwargs):
        found = measure(self, *args, **kwargs)
        measured.append(found["eval_loss"])
        if len(measured) == stop:
            raise Interrupted
        return found

    monkeypatch.setattr(Ours, "evaluate", stop_at_the_third)
    whole = fine_tune(configuration, backbone, TASK, SETTING, tmp_path / "whole")
    uninterrupted, measured[:], stop = [*measured], [], 3
    with pytest.raises(Interrupted):
        fine_tune(configuration, backbone, TASK, SETTING, tmp_path / "parts")
    measured[:], stop = [], 0
    resumed = fine_tune(configuration, backbone, TASK, SETTING, tmp_path / "parts")
    assert measured == pytest.approx(uninterrupted[2:], abs=1e-6)
    assert resumed.test == pytest.approx(whole.test, abs=1e-6)
    assert evaluate(tmp_path / "whole", backbone, TASK, SETTING).figures == pytest.approx(whole.test, abs=1e-6)
    assert load(tmp_path / "whole", backbone.language_model(), backbone.anatomy) == configuration


def test_steps_of_trial_and_training_leave_out_and_measuring_does_not(backbone, tmp_path, monkeypatch):
    pytest.importorskip("trl", reason="needs TRL, the extra `trl`")
    keep, times = dropper.keep, []
    monkeypatch.setattr(dropper, "keep", lambda *args: times.append(1) or keep(*args))
    configuration = lora(backbone, **LEMO)
    assert TrialRunner(backbone, TASK, SETTING, CPU).run(configuration, 0).status == "complete"
    # In two of three layers, the last aside.
    assert len(times) == 2 * SETTING.steps
    times.clear()
    assert fine_tune(configuration, backbone, TASK, SETTING, tmp_path).steps == SETTING.steps
    assert len(times) == 2 * SETTING.steps
