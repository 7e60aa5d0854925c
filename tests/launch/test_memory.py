"""A backbone that fits nowhere is refused from its config alone."""

import pytest
import torch
from transformers import LlamaConfig

from autopeft.backbones import load_backbone, load_decoder, loaded_bytes, quantization
from autopeft.costs import Costs
from autopeft.errors import BackboneError
from autopeft.launch.memory import check_memory, may_run_out
from autopeft.launch.places import Places
from autopeft.methods import stock_lora
from autopeft.tasks import TaskSpec, load_task
from autopeft.testing.decoders import tiny_decoder
from autopeft.trials import TrialRunner, use_threads
from autopeft.trials.causal.setting import CausalSetting

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


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_no_decoder_takes_more_than_the_bound(tmp_path, precision):
    use_threads(1)
    decoder = load_decoder(tiny_decoder("llama", tmp_path))
    lines = [f"the heart beats fast and the blood runs through the veins of arm {number}" for number in range(40)]
    (tmp_path / "notes.csv").write_text("\n".join(["text", *lines]))
    task = load_task(TaskSpec(data=str(tmp_path / "notes.csv"), text="text", kind="causal"))
    setting = CausalSetting(examples=4, validation_examples=2, batch_size=4, max_length=16, precision=precision)
    stock = stock_lora(decoder.shape, 1e-3)
    peak = TrialRunner(decoder, task, setting, torch.device("cpu")).profile(stock, 0).peak
    params = Costs(decoder).params(stock)
    assert may_run_out(decoder, setting, params, peak - 1)
    assert not may_run_out(decoder, setting, params, 100 * peak)


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
