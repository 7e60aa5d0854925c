"""A backbone that fits nowhere is refused from its config alone."""

import pytest
from transformers import LlamaConfig

from autopeft.backbones import load_backbone, loaded_bytes, quantization
from autopeft.errors import BackboneError
from autopeft.launch.memory import check_memory
from autopeft.launch.places import Places

GIB = 2**30


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A config of Llama-2-70B's sizes; there are no weights that could be loaded."""
    path = tmp_path_factory.mktemp("models") / "llama-70b"
    LlamaConfig(
        hidden_size=8192,
        intermediate_size=28672,
        num_hidden_layers=80,
        num_attention_heads=64,
        num_key_value_heads=8,
        vocab_size=32000,
        architectures=["LlamaForCausalLM"],
    ).save_pretrained(path)
    return str(path)


@pytest.fixture(scope="module")
def large(folder):
    return load_backbone(folder)


def refusal(backbone, places, memory):
    with pytest.raises(BackboneError) as caught:
        check_memory(backbone, places, memory)
    return str(caught.value)


def test_weights_are_counted_as_they_are_loaded(large):
    plain = large.num_parameters
    head = 2 * 8192
    assert loaded_bytes(large.meta(), None) == 4 * (plain + head)
    matrices = plain - 32000 * 8192 - (2 * 80 + 1) * 8192
    rest = 4 * (plain - matrices + head)
    assert loaded_bytes(large.meta(), "4bit") == rest + matrices // 2 + 4 * matrices // 64
    assert rest + matrices < loaded_bytes(large.meta(), "8bit") < 1.001 * (rest + matrices)


def test_it_says_what_is_needed_and_what_would_help(large):
    said = refusal(large, Places(1, 1), 79 * GIB)
    assert said.startswith("llama-70b takes 256.0 GiB for its weights alone (fp32), found 79.0 GiB free on a GPU; ")
    assert "--load-in-4bit (36.8 GiB)" in said
    assert "--load-in-8bit (64.8 GiB)" in said
    assert "--workers" not in said
    said = refusal(large, Places(1, 0), 24 * GIB)
    assert said.endswith("found 24.0 GiB of this machine; expected a smaller --model, or a machine with more memory")


def test_workers_share_a_device(large):
    check_memory(large, Places(2, 2), 300 * GIB)
    said = refusal(large, Places(4, 2), 300 * GIB)
    assert "300.0 GiB free on a GPU, shared by 2 workers; expected --workers 2" in said
    said = refusal(large, Places(4, 0), 600 * GIB)
    assert "600.0 GiB of this machine, shared by 4 workers; expected --workers 2" in said


def test_what_is_loaded_in_4_bits_is_counted_so(folder, monkeypatch):
    monkeypatch.setattr(quantization, "MISSING_BITSANDBYTES", None)
    packed = load_backbone(folder, quantization="4bit")
    check_memory(packed, Places(1, 1), 40 * GIB)
    said = refusal(packed, Places(1, 1), 24 * GIB)
    assert "36.8 GiB for its weights alone (4bit)" in said
    assert "--load-in" not in said
