"""LoftQ: refused with the name of its extra where bitsandbytes is not there, and what it does where it is."""

import subprocess
import sys
from importlib.util import find_spec

import pytest
import torch

from autopeft.costs import Costs
from autopeft.errors import ConfigurationError
from autopeft.methods import VOCABULARY, adapter_parameters, apply, remove
from autopeft.space import SearchSpace, canonical
from autopeft.testing.methods import logits
from autopeft.testing.models import tiny_batch

LOFTQ = {"lora": {"rank": 8, "alpha": "1r", "init": "loftq", "targets": ["q", "up"]}}
THERE = find_spec("bitsandbytes") is not None


@pytest.mark.slow
@pytest.mark.skipif(THERE, reason="bitsandbytes is there")
def test_without_bitsandbytes_the_space_check_names_the_extra(tmp_path, tiny) -> None:
    file = tmp_path / "quantised.yaml"
    file.write_text("modules:\n  lora:\n    rank: 4\n    init: default | loftq\n")
    said = f"{file}:4: modules.lora.init: found 'default | loftq', expected what is installed: loftq needs bitsandbytes"
    for words in (["spaces", "check", file], ["search", "--space", file, "--out", tmp_path / "run"]):
        command = [sys.executable, "-m", "autopeft.cli", *map(str, words)]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 2
        assert said in done.stderr
        assert "pip install 'autopeft[quantization]'" in done.stderr
    assert not (tmp_path / "run").exists()
    with pytest.raises(ConfigurationError, match=r"autopeft\[quantization\]"):
        canonical({"modules": LOFTQ}, VOCABULARY, tiny().shape)


def test_other_starts_need_nothing() -> None:
    assert SearchSpace("x", modules={"lora": {"rank": 4, "init": "default | pissa"}}).problems(VOCABULARY) == []


@pytest.mark.skipif(not THERE, reason="needs bitsandbytes, the extra `quantization`")
def test_the_weight_is_what_4_bits_hold_and_lora_what_they_lose(tiny) -> None:
    backbone = tiny()
    model, name = backbone.classifier(2), backbone.anatomy.module(0, "up")
    weight = model.get_submodule(name).weight.detach().clone()
    before = logits(model, tiny_batch(backbone))
    configuration = canonical({"modules": LOFTQ}, VOCABULARY, backbone.shape)
    apply(configuration, model, backbone.anatomy, seed=0)
    layer = model.get_submodule(name)
    quantised = layer.get_base_layer().weight.detach()
    # NF4 keeps 16 values for each block of 64 weights.
    assert all(len(block.unique()) <= 16 for block in quantised.flatten().split(64))
    lost = weight - quantised
    kept = layer.lora_B["default"].weight @ layer.lora_A["default"].weight
    left, values, right = torch.linalg.svd(lost, full_matrices=False)
    torch.testing.assert_close(kept, left[:, :8] * values[:8] @ right[:8], atol=1e-5, rtol=0)
    assert (lost - kept).norm() < lost.norm()
    counted = sum(parameter.numel() for parameter in adapter_parameters(model).values())
    assert Costs(backbone).params(configuration) == counted
    remove(model)
    assert torch.equal(model.get_submodule(name).weight, weight)
    assert torch.equal(logits(model, tiny_batch(backbone)), before)


@pytest.mark.skipif(not THERE, reason="needs bitsandbytes, the extra `quantization`")
def test_weights_stored_the_other_way_round_are_refused(tiny) -> None:
    backbone = tiny("gpt2")
    configuration = canonical({"modules": {"lora": {"rank": 4, "init": "loftq"}}}, VOCABULARY, backbone.shape)
    with pytest.raises(ConfigurationError, match="loftq does not support"):
        apply(configuration, backbone.classifier(2), backbone.anatomy)
