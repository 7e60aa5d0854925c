"""Adapters on disk, and our methods in PEFT's own hands."""

import json
import subprocess
import sys

import pytest
import torch
from peft import PeftConfig, PeftModel, get_peft_model
from safetensors.torch import save_file

from autopeft.errors import ConfigurationError
from autopeft.methods import HEAD_ONLY, METHODS, VOCABULARY, apply, load, save
from autopeft.methods.builder import plan
from autopeft.space.canonical import canonical
from autopeft.testing.methods import logits, randomise
from autopeft.testing.models import tiny_batch

OURS = {
    "serial_adapter": {"size": 4, "position": "both"},
    "parallel_adapter": {"size": {"0": 3, "2": 5}},
    "conv_adapter": {"size": {"0": 4, "1": 2}, "kernel": 3},
    "hyper_adapter": {"size": 4, "rank": 3},
    "prefix": {"length": {"0": 3, "1": 2}},
    "aside": {"size": {"0": 3, "2": 4}},
    "q_adapter": {"size": {"0": 3, "2": 4}, "queries": 3},
}


@pytest.mark.parametrize("name", OURS)
def test_peft_wraps_saves_loads_and_unloads(backbone, name, tmp_path) -> None:
    configuration = canonical({"modules": {name: OURS[name]}}, VOCABULARY, backbone.shape)
    ((_, method, places),) = plan(configuration)
    batch, base = tiny_batch(backbone), backbone.classifier(2)
    expected = logits(base, batch)
    head = {k: v.clone() for k, v in base.state_dict().items()}

    model = get_peft_model(base, method.peft_config(places, backbone.anatomy))
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.normal_()
    adapted = logits(model, batch)
    assert not torch.equal(adapted, expected)
    with model.disable_adapter():
        assert torch.equal(logits(model, batch), expected)
    model.save_pretrained(tmp_path)
    assert type(PeftConfig.from_pretrained(tmp_path)) is type(method.peft_config(places, backbone.anatomy))

    other = backbone.classifier(2)
    other.load_state_dict(head)
    assert torch.equal(logits(PeftModel.from_pretrained(other, tmp_path), batch), adapted)
    with pytest.raises(ValueError, match="cannot be merged"):
        model.merge_and_unload()
    plain = model.unload()
    assert torch.equal(logits(plain, batch), expected)
    assert plain.config._attn_implementation == "sdpa"


def test_every_method_of_ours_is_covered() -> None:
    elsewhere = ("SPARSE", "TRAINED_COPY", "BITFIT", "VQT")
    assert set(OURS) == {name for name, method in METHODS.items() if method.ours and method.peft_type not in elsewhere}


def _composite(backbone):
    return canonical({"modules": {"lora": {"rank": 2}, **OURS}}, VOCABULARY, backbone.shape)


def test_a_composite_is_a_folder_per_method(backbone, tmp_path) -> None:
    model = backbone.classifier(2)
    apply(_composite(backbone), model, backbone.anatomy)
    save(model, tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {
        "autopeft.json",
        "head.safetensors",
        "lora",
        *OURS,
    }
    for name in ("lora", *OURS):
        alone = PeftModel.from_pretrained(backbone.classifier(2), tmp_path / name)
        assert any("default" in key for key in alone.state_dict())


def test_what_is_written_does_not_change_from_run_to_run(backbone, tmp_path) -> None:
    model = backbone.classifier(2)
    apply(canonical({"modules": {"lora": {"rank": 2}}}, VOCABULARY, backbone.shape), model, backbone.anatomy)
    save(model, tmp_path)
    written = json.loads((tmp_path / "adapter_config.json").read_text())
    assert written["target_modules"] == sorted(written["target_modules"])
    assert written["rank_pattern"].keys() == written["alpha_pattern"].keys() == set(written["target_modules"])


def test_head_only_is_saved_too(backbone, tmp_path) -> None:
    model, batch = backbone.classifier(3), {**tiny_batch(backbone)}
    apply(HEAD_ONLY, model, backbone.anatomy)
    save(model, tmp_path)
    twin = backbone.classifier(3)
    assert load(tmp_path, twin, backbone.anatomy) == HEAD_ONLY
    assert torch.equal(logits(model, batch), logits(twin, batch))


@pytest.mark.slow
def test_a_fresh_process_computes_the_same(tiny, tmp_path) -> None:
    backbone = tiny("llama")
    model = backbone.classifier(2)
    apply(_composite(backbone), model, backbone.anatomy)
    randomise(model)
    save(model, tmp_path / "saved")
    save_file({"logits": logits(model, tiny_batch(backbone))}, tmp_path / "expected.safetensors")
    script = (
        "import sys, torch; from safetensors.torch import load_file\n"
        "from autopeft.backbones import load_backbone; from autopeft.methods import load\n"
        "from autopeft.testing.methods import logits; from autopeft.testing.models import tiny_batch\n"
        "backbone = load_backbone(sys.argv[1]); model = backbone.classifier(2)\n"
        "load(sys.argv[2] + '/saved', model, backbone.anatomy)\n"
        "expected = load_file(sys.argv[2] + '/expected.safetensors')['logits']\n"
        "assert torch.equal(logits(model, tiny_batch(backbone)), expected)\n"
    )
    subprocess.run([sys.executable, "-c", script, backbone.path, str(tmp_path)], check=True)


def test_a_folder_that_is_none_is_refused(tiny, tmp_path) -> None:
    backbone = tiny("bert")
    with pytest.raises(ConfigurationError, match=r"autopeft\.json"):
        load(tmp_path, backbone.classifier(2), backbone.anatomy)


def test_another_number_of_classes_is_refused(tiny, tmp_path) -> None:
    backbone = tiny("bert")
    model, other = backbone.classifier(2), backbone.classifier(3)
    apply(HEAD_ONLY, model, backbone.anatomy)
    save(model, tmp_path)
    with pytest.raises(ConfigurationError, match="does not fit"):
        load(tmp_path, other, backbone.anatomy)
