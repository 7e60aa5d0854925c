"""What keeps the memory of a decoder's trial low changes nothing of what it learns."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.functional import cross_entropy

from autopeft.backbones import load_decoder
from autopeft.errors import ConfigurationError
from autopeft.methods import VOCABULARY, adapter_parameters, apply, remove, stock_lora
from autopeft.methods.lora_starts import DATA_STARTS
from autopeft.space import canonical
from autopeft.testing.decoders import tiny_decoder
from autopeft.trials import use_threads
from autopeft.trials.causal import cross_entropy as module
from autopeft.trials.causal.cross_entropy import lean_cross_entropy
from autopeft.trials.holding import hold_as_computed
from tests.methods.examples import EXAMPLES


@settings(max_examples=25, deadline=None)
@given(rows=st.integers(1, 9), words=st.integers(1, 7), at_once=st.integers(1, 30), seed=st.integers(0, 99))
def test_cross_entropy_in_parts_is_torchs(rows, words, at_once, seed):
    torch.manual_seed(seed)
    one = (3 * torch.randn(rows, words)).requires_grad_()
    other = one.detach().clone().requires_grad_()
    targets = torch.randint(words, (rows,))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_AT_ONCE", at_once)
        found = lean_cross_entropy(one, targets)
    wanted = cross_entropy(other, targets)
    (2 * found).backward()
    (2 * wanted).backward()
    torch.testing.assert_close(found, wanted)
    torch.testing.assert_close(one.grad, other.grad)
    with torch.no_grad():
        torch.testing.assert_close(lean_cross_entropy(one, targets), wanted)


@pytest.mark.parametrize("architecture", ["llama", "gpt2", "phi"])
def test_matrices_held_in_bf16_compute_the_same_to_the_bit(tmp_path, architecture):
    use_threads(1)
    decoder = load_decoder(tiny_decoder(architecture, tmp_path))
    ids = torch.arange(3, 33).reshape(2, 15)
    found = []
    for hold in (False, True):
        model = decoder.language_model()
        if hold:
            hold_as_computed(model, decoder.anatomy, "fp32")
            assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}
            hold_as_computed(model, decoder.anatomy, "bf16")
            assert model.get_input_embeddings().weight.dtype == torch.float32
            layers = model.get_submodule(decoder.anatomy.layer(0))
            assert torch.bfloat16 in {parameter.dtype for parameter in layers.parameters()}
        apply(stock_lora(decoder.shape, 1e-3), model, decoder.anatomy, seed=0)
        trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
        with torch.autocast("cpu", torch.bfloat16):
            logits = model(input_ids=ids).logits
        logits.float().square().mean().backward()
        found.append((logits.detach(), [parameter.grad for parameter in trained]))
        remove(model)
    (logits, gradients), (others, other_gradients) = found
    assert torch.equal(logits, others)
    assert all(map(torch.equal, gradients, other_gradients))


@pytest.fixture(scope="module")
def decoder(tmp_path_factory):
    use_threads(1)
    return load_decoder(tiny_decoder("llama", tmp_path_factory.mktemp("model")))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("name", "knobs"),
    [*EXAMPLES.items(), *(("lora", {"rank": 2, "init": start}) for start in sorted(DATA_STARTS))],
)
def test_every_method_trains_beside_matrices_in_bf16(decoder, name, knobs):
    model = decoder.language_model()
    hold_as_computed(model, decoder.anatomy, "bf16")
    ids = torch.arange(3, 33).reshape(2, 15)
    data = {"modules": {name: knobs}, "training": {"learning_rate": 1e-3}}
    batch = {"input_ids": ids, "labels": ids}
    try:
        apply(canonical(data, VOCABULARY, decoder.shape), model, decoder.anatomy, seed=0, batches=[batch])
    except ConfigurationError as error:
        pytest.skip(str(error))
    model.eval()
    with torch.autocast("cpu", torch.bfloat16):
        logits = model(input_ids=ids).logits
    logits.float().square().mean().backward()
    trained = list(adapter_parameters(model).values())
    assert all(parameter.dtype == torch.float32 for parameter in trained)
    assert any(parameter.grad is not None and parameter.grad.isfinite().all() for parameter in trained)
