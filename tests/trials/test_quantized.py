"""Trials on backbones in 4 and 8 bits, where bitsandbytes is there."""

from dataclasses import replace

import pytest
import torch

from autopeft.backbones import load_backbone
from autopeft.methods import HEAD_ONLY, VOCABULARY, stock_lora
from autopeft.space import canonical
from autopeft.testing.models import tiny_backbone
from autopeft.trials import TrialRunner, use_threads
from tests.trials.test_prefix import at_the_top
from tests.trials.test_runner import SETTING, lasting, make_task, weights

pytest.importorskip("bitsandbytes", reason="needs bitsandbytes, the extra `quantization`")

TASK = make_task()
#: The outcomes agree with those of plain weights about so well, on a tiny model whose labels are easy to tell.
CLOSE = {"4bit": 0.25, "8bit": 0.1}


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("AUTOPEFT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "prefixes"


@pytest.fixture(scope="module", params=["bert", "qwen2"])
def model(request, tmp_path_factory):
    use_threads(1)
    return tiny_backbone(request.param, tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module", params=["4bit", "8bit"])
def backbone(request, model):
    return load_backbone(model, quantization=request.param)


def make_runner(backbone, **changes):
    return TrialRunner(backbone, TASK, replace(SETTING, **changes), torch.device("cpu"))


def composite(backbone):
    modules = {
        "lora": {"rank": 2, "layers": "1-2", "targets": ["q", "o"]},
        "serial_adapter": {"size": 4, "layers": [2]},
        "parallel_adapter": {"size": 4, "layers": [1]},
        "prefix": {"length": 2, "layers": [2]},
    }
    return canonical({"modules": modules, "training": {"learning_rate": 1e-2}}, VOCABULARY, backbone.shape)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_an_outcome_depends_on_configuration_and_seed_alone(backbone, precision):
    configurations = (composite(backbone), stock_lora(backbone.shape, 1e-2), HEAD_ONLY)
    one = make_runner(backbone, precision=precision)
    first = {each.hash: lasting(one.run(each, 0)) for each in configurations}
    two = make_runner(backbone, precision=precision)
    for each in configurations[::-1]:
        assert first[each.hash]["status"] == "complete", first[each.hash]
        assert lasting(two.run(each, 0)) == first[each.hash]


def test_a_trial_learns_and_leaves_the_packed_weights_as_they_were(backbone, model):
    runner = make_runner(backbone)
    before = weights(runner.model)
    outcome = runner.run(stock_lora(backbone.shape, 1e-2), 0)
    assert outcome.status == "complete", outcome.detail
    after = weights(runner.model)
    assert before.keys() == after.keys()
    assert all(torch.equal(value, after[name]) for name, value in before.items())
    plain = make_runner(load_backbone(model)).run(stock_lora(backbone.shape, 1e-2), 0)
    assert outcome.params == plain.params
    assert outcome.metrics["loss"] == pytest.approx(plain.metrics["loss"], abs=CLOSE[backbone.quantization])


def test_layers_below_are_kept_where_a_text_is_the_same_in_every_batch(backbone, folder):
    runner = make_runner(backbone)
    outcome = runner.run(at_the_top(backbone), 0)
    assert outcome.status == "complete", outcome.detail
    assert bool(list(folder.glob("*.safetensors"))) == (backbone.quantization == "4bit")


def test_kept_layers_do_not_mix_with_those_of_plain_weights(model, folder):
    for quantization in (None, "4bit"):
        backbone = load_backbone(model, quantization=quantization)
        make_runner(backbone).run(at_the_top(backbone), 0)
    assert len(list(folder.glob("*.safetensors"))) == 4


def test_kept_layers_change_no_outcome_in_4_bits(model, monkeypatch):
    backbone = load_backbone(model, quantization="4bit")
    short = make_runner(backbone).run(at_the_top(backbone), 0)
    full = make_runner(backbone)
    monkeypatch.setattr(full._shortcuts, "_keeps", False)
    assert short.metrics["loss"] == pytest.approx(full.run(at_the_top(backbone), 0).metrics["loss"], abs=1e-2)


def test_gradient_checkpointing_trains_the_same(backbone):
    found = [make_runner(backbone, gradient_checkpointing=on).run(composite(backbone), 0) for on in (False, True)]
    assert [outcome.status for outcome in found] == ["complete", "complete"]
    assert found[0].metrics["loss"] == pytest.approx(found[1].metrics["loss"], abs=1e-2)
