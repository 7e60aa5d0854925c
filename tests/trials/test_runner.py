import time
from dataclasses import replace

import numpy as np
import pytest
import torch

from autopeft.backbones import load_backbone
from autopeft.costs import Costs
from autopeft.methods import HEAD_ONLY, VOCABULARY, stock_lora
from autopeft.space import canonical
from autopeft.tasks import LabelledTexts
from autopeft.tasks.classification import Classes, Classification
from autopeft.testing.models import tiny_backbone
from autopeft.testing.tasks import task_of
from autopeft.trials import Outcome, TrialRunner, TrialSetting, draw, use_threads
from autopeft.trials import runner as runner_module
from tests.marks import mostly_slow
from tests.trials.outcomes import lasting

WORDS = ("good happy", "bad sad")
CPU = torch.device("cpu")
SETTING = TrialSetting(examples=64, validation_examples=32, epochs=3.0, batch_size=8, max_length=16)


def make_task(count=96):
    rng = np.random.default_rng(0)
    fill = ["film", "story", "the", "of", "and", "a short text", "it"]
    labels = [i % 2 for i in range(count)]
    texts = [f"{' '.join(rng.choice(fill, rng.integers(1, 5)))} {WORDS[label]}" for label in labels]
    split = LabelledTexts(texts, labels)
    return task_of(Classification(), Classes(("good", "bad")), split)


@pytest.fixture(scope="module", params=mostly_slow(["bert", "gpt2"]))
def backbone(request, tmp_path_factory):
    use_threads(1)
    return load_backbone(tiny_backbone(request.param, tmp_path_factory.mktemp("model")))


@pytest.fixture(scope="module")
def runner(backbone):
    return TrialRunner(backbone, make_task(), SETTING, CPU)


@pytest.fixture(scope="module")
def composite(backbone):
    modules = {
        "lora": {"rank": 2, "layers": "1-2", "targets": ["q", "o"]},
        "serial_adapter": {"size": 4, "layers": [2]},
        "parallel_adapter": {"size": 4, "layers": [1]},
        "prefix": {"length": 2, "layers": [2]},
    }
    data = {"modules": modules, "training": {"learning_rate": 1e-2}}
    return canonical(data, VOCABULARY, backbone.shape)


def weights(model):
    return {name: value.clone() for name, value in model.base_model.state_dict().items()}


def test_a_trial_learns_and_reports(runner, backbone):
    outcome = runner.run(stock_lora(backbone.shape, 1e-2), seed=0)
    assert outcome.status == "complete", outcome.detail
    assert outcome.accuracy == outcome.metrics["accuracy"] > 0.8
    assert [point["step"] for point in outcome.curve] == [*SETTING.rungs, SETTING.steps] == [2, 3, 6, 12, 24]
    assert outcome.curve[-1]["accuracy"] == outcome.accuracy
    assert outcome.params > 0
    assert set(outcome.metrics) == {"accuracy", "macro_f1", "mcc", "loss"}
    assert lasting(Outcome.from_dict(outcome.to_dict())) == lasting(outcome)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_an_outcome_depends_on_configuration_and_seed_alone(backbone, composite, precision):
    setting = replace(SETTING, precision=precision)
    stock = stock_lora(backbone.shape, 1e-2)
    one = TrialRunner(backbone, make_task(), setting, CPU)
    first = {c.hash: lasting(one.run(c, 0)) for c in (composite, stock, HEAD_ONLY)}
    torch.manual_seed(77)
    torch.randn(3)
    two = TrialRunner(backbone, make_task(), setting, CPU)
    for configuration in (HEAD_ONLY, stock, composite, stock):
        assert first[configuration.hash]["status"] == "complete"
        assert lasting(two.run(configuration, 0)) == first[configuration.hash]
    assert lasting(two.run(stock, 1))["metrics"] != first[stock.hash]["metrics"]


def test_trials_leave_the_backbone_and_the_global_generator_as_they_were(runner, composite):
    before = weights(runner.model)
    modules = [id(module) for module in runner.model.modules()]
    state = torch.get_rng_state()
    runner.run(composite, 0)
    after = weights(runner.model)
    assert list(before) == list(after)
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert [id(module) for module in runner.model.modules()] == modules
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize(
    ("modules", "training"),
    [
        ({"full": {}}, {"schedule": "lisa", "lisa_layers": 1, "lisa_every": 2}),
        ({"full": {}}, {"schedule": "hft"}),
        ({"lora": {"rank": 2, "layers": [1, 2]}}, {"schedule": "ist", "ist_every": 2}),
        ({"lora": {"rank": 2, "layers": [1, 2]}}, {"optimiser": "mezo"}),
        ({"full": {}}, {"optimiser": "sparse_mezo", "schedule": "lisa"}),
    ],
    ids=["lisa", "hft", "ist", "mezo", "sparse-mezo"],
)
def test_a_trial_of_other_steps_depends_on_its_seed_alone_and_leaves_no_trace(runner, backbone, modules, training):
    written = {"modules": modules, "training": training}
    configuration = canonical(written, VOCABULARY, backbone.shape)
    before = weights(runner.model)
    first, second, other = (runner.run(configuration, seed) for seed in (1, 1, 2))
    assert first.status == "complete"
    assert first.params == Costs(backbone).params(configuration)
    assert [point["loss"] for point in first.curve] == [point["loss"] for point in second.curve]
    assert first.metrics == second.metrics != other.metrics
    after = weights(runner.model)
    assert all(torch.equal(after[name], value) for name, value in before.items())


def test_a_trial_stopped_at_a_rung_keeps_its_curve_and_leaves_no_trace(runner, composite):
    whole = runner.run(composite, 0)
    before = [id(module) for module in runner.model.modules()]
    stopped = runner.run(composite, 0, go_on=lambda point: point["step"] < 12)
    assert (stopped.status, stopped.accuracy) == ("stopped", None)
    assert lasting(stopped)["curve"] == lasting(whole)["curve"][:4]
    assert [id(module) for module in runner.model.modules()] == before
    assert lasting(runner.run(composite, 0)) == lasting(whole)


def test_measuring_at_rungs_changes_nothing_else(backbone, composite):
    plain = TrialRunner(backbone, make_task(), replace(SETTING, early_stopping=False), CPU)
    rungs = TrialRunner(backbone, make_task(), SETTING, CPU)
    without, with_rungs = plain.run(composite, 0), rungs.run(composite, 0)
    assert len(without.curve) == 1
    assert without.metrics == with_rungs.metrics


def test_on_fewer_examples_each_rung_is_a_fine_tune_of_its_own(backbone, composite):
    task, plain = make_task(), replace(SETTING, validation_examples=96, early_stopping=False)
    setting = replace(plain, early_stopping=True, fidelity="examples")
    whole = TrialRunner(backbone, task, plain, CPU).run(composite, 0)
    assert [(stage.examples, stage.steps) for stage in setting.stages] == [(8, 3), (16, 6), (32, 12), (64, 24)]
    runner = TrialRunner(backbone, task, setting, CPU)
    outcome = runner.run(composite, 0)
    assert outcome.status == "complete", outcome.detail
    assert [point["step"] for point in outcome.curve] == [*setting.rungs, 24] == [3, 6, 12, 24]
    assert (outcome.metrics, outcome.params) == (whole.metrics, whole.params)
    part = draw(task, setting)[0].take(np.sort(runner._material._order[:32]))
    alone = TrialRunner(backbone, replace(task, train=part), replace(plain, examples=32), CPU).run(composite, 0)
    assert outcome.curve[2]["accuracy"] == alone.accuracy
    assert outcome.curve[2]["loss"] == pytest.approx(alone.metrics["loss"], rel=1e-6)
    before = [id(module) for module in runner.model.modules()]
    assert runner.run(composite, 0, go_on=lambda point: point["step"] < 12).status == "stopped"
    assert [id(module) for module in runner.model.modules()] == before


def test_the_head_alone_trains_when_there_are_no_modules(runner):
    outcome = runner.run(HEAD_ONLY, 0)
    assert (outcome.status, outcome.params) == ("complete", 0)


def test_nothing_below_the_lowest_adapter_is_differentiated(runner, backbone, monkeypatch):
    data = {"modules": {"lora": {"rank": 2, "layers": [2], "targets": ["q"]}}, "training": {}}
    seen = {}

    def watch(index):
        def hook(module, inputs, output):
            hidden = output[0] if isinstance(output, tuple) else output
            seen.setdefault(index, []).append(hidden.requires_grad)

        return hook

    hooks = [runner.model.get_submodule(backbone.anatomy.layer(i)).register_forward_hook(watch(i)) for i in range(3)]
    outcome = runner.run(canonical(data, VOCABULARY, backbone.shape), 0)
    for hook in hooks:
        hook.remove()
    assert outcome.status == "complete"
    assert not any(seen[0] + seen[1])
    assert any(seen[2])


def test_a_passed_deadline_is_a_timeout(runner):
    outcome = runner.run(HEAD_ONLY, 0, deadline=time.time() - 1)
    assert outcome.status == "timeout"
    assert outcome.accuracy is None


def test_divergence_is_told_from_errors(backbone):
    setting = replace(SETTING, head_learning_rate=float("inf"))
    outcome = TrialRunner(backbone, make_task(), setting, CPU).run(HEAD_ONLY, 0)
    assert outcome.status == "nan"
    assert "not finite" in outcome.message or "loss is nan" in outcome.message


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (MemoryError(), "oom"),
        (torch.OutOfMemoryError("CUDA out of memory"), "oom"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory"), "oom"),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"), "oom"),
        (RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"), "oom"),
        (RuntimeError("shapes differ"), "error"),
        (ValueError("odd"), "error"),
    ],
)
def test_faults_are_typed_and_the_next_trial_is_unharmed(runner, composite, monkeypatch, error, status):
    def fail(*args, **kwargs):
        raise error

    expected = lasting(runner.run(HEAD_ONLY, 0))
    with monkeypatch.context() as patch:
        patch.setattr(runner_module, "fit", fail)
        outcome = runner.run(composite, 0)
    assert outcome.status == status
    assert outcome.params > 0
    assert ("Traceback" in outcome.detail) == (status == "error")
    assert lasting(runner.run(HEAD_ONLY, 0)) == expected


def test_a_profile_measures_steps_and_leaves_no_trace(runner, composite):
    before, modules = weights(runner.model), [id(module) for module in runner.model.modules()]
    head, much = runner.profile(HEAD_ONLY, 0), runner.profile(composite, 0)
    own = sum(value.numel() * value.element_size() for value in before.values())
    assert own < head.peak < much.peak
    assert head.seconds > 0
    assert much.seconds > 0
    assert [id(module) for module in runner.model.modules()] == modules
    assert all(torch.equal(before[name], value) for name, value in weights(runner.model).items())
    assert runner.profile(composite, 0).peak == much.peak


def test_until_a_rung_it_learns_what_a_whole_trial_has_learned_by_then(runner, composite):
    whole = runner.run(composite, 3)
    part = runner.run(composite, 3, until=1 / 4)
    assert part.status == "complete"
    assert [point["step"] for point in part.curve] == [SETTING.step_at(1 / 4)]
    assert SETTING.step_at(1 / 4) == 6
    assert part.metrics["loss"] == next(point["loss"] for point in whole.curve if point["step"] == 6)
    assert lasting(runner.run(composite, 3)) == lasting(whole)
