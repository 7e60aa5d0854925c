"""What keeps the memory of a decoder's trial low changes nothing of what it learns."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.functional import cross_entropy

from autopeft.backbones import load_decoder
from autopeft.costs import Costs
from autopeft.errors import ConfigurationError
from autopeft.methods import VOCABULARY, adapter_parameters, apply, remove, stock_lora
from autopeft.methods.lora_starts import DATA_STARTS
from autopeft.space import canonical
from autopeft.tasks import IGNORED
from autopeft.testing.decoders import DECODERS, tiny_decoder
from autopeft.testing.methods import randomise
from autopeft.trials import use_threads
from autopeft.trials.causal import CausalTrials
from autopeft.trials.causal import cross_entropy as module
from autopeft.trials.causal.cross_entropy import segmented_cross_entropy
from autopeft.trials.holding import hold_as_computed
from autopeft.trials.peak import watch_peak
from tests.marks import mostly_slow
from tests.methods.examples import EXAMPLES


@settings(max_examples=25, deadline=None)
@given(
    rows=st.integers(1, 9),
    words=st.integers(1, 7),
    at_once=st.integers(1, 30),
    seed=st.integers(0, 99),
    frozen=st.booleans(),
)
def test_cross_entropy_in_segments_is_torchs(rows, words, at_once, seed, frozen):
    torch.manual_seed(seed)
    one = torch.randn(rows, 4).requires_grad_()
    head = torch.randn(4, words).requires_grad_(not frozen)
    targets = torch.randint(words, (rows,))
    wanted = cross_entropy(one @ head, targets, reduction="none")
    tensors = [one] if frozen else [one, head]
    # Some tokens count more than others, as in preferences.
    share = torch.randn(rows)
    expected = torch.autograd.grad(share @ wanted, tensors)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_AT_ONCE", at_once)
        found = segmented_cross_entropy(one, targets, lambda some: some @ head, words, frozen=frozen)
        torch.testing.assert_close(torch.autograd.grad(share @ found, tensors), expected)
        torch.testing.assert_close(found, wanted)
        with torch.no_grad():
            again = segmented_cross_entropy(one, targets, lambda some: some @ head, words, frozen=frozen)
    torch.testing.assert_close(again, wanted)


@pytest.mark.parametrize("architecture", ["llama", "gpt2", "phi"])
def test_matrices_held_in_bf16_compute_the_same_to_the_bit(tmp_path, architecture):
    use_threads(1)
    decoder = load_decoder(tiny_decoder(architecture, tmp_path))
    ids = torch.arange(3, 33).reshape(2, 15)
    found = []
    for hold in (False, True):
        model = decoder.language_model()
        if hold:
            hold_as_computed(model, decoder.anatomy)
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
    hold_as_computed(model, decoder.anatomy)
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


@pytest.mark.parametrize("name", ["lora", "full", "full_layers", "full_embeddings"])
@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("half", [True, False])
def test_what_waits_on_disk_is_not_counted_as_held(tmp_path, half, tied, name):
    backbone = load_decoder(tiny_decoder("llama", tmp_path, tied=tied))
    data = {"modules": {name: EXAMPLES[name]}, "training": {"optimiser": "mezo"}}
    configuration = canonical(data, VOCABULARY, backbone.shape)
    model = backbone.language_model()
    if half:
        hold_as_computed(model, backbone.anatomy)
    with watch_peak(model) as peak:
        before = peak()
    apply(configuration, model, backbone.anatomy)
    with watch_peak(model) as peak:
        assert peak() - before == Costs(backbone, half=half).held(configuration)


def whole_loss(model, batch):
    """Return the mean cross-entropy from the logits of all tokens, as transformers makes them."""
    labels = batch["labels"]
    inputs = {name: value for name, value in batch.items() if name != "labels"}
    # Some methods put a prompt in front of the text.
    logits = model(**inputs).logits[:, -labels.shape[1] :]
    return cross_entropy(logits[:, :-1].flatten(0, 1), labels[:, 1:].flatten())


@pytest.mark.parametrize(
    ("architecture", "tied", "name"),
    mostly_slow(
        [
            ("llama", True, "lora"),
            ("llama", True, "full"),
            ("llama", False, "full_embeddings"),
            ("llama", True, "full_embeddings"),
            ("llama", False, "trainable_tokens"),
            ("llama", True, "prompt"),
            ("llama", True, "prefix_tuning"),
            ("llama", True, "shadow"),
            *((each, False, "lora") for each in DECODERS if each != "llama"),
        ]
    ),
)
def test_a_loss_in_segments_has_loss_and_gradients_of_the_whole(tmp_path, monkeypatch, architecture, tied, name):
    backbone = load_decoder(tiny_decoder(architecture, tmp_path, tied=tied))
    model = backbone.language_model()
    knobs = {"rank": 2, "targets": [backbone.anatomy.present[0]]} if name == "lora" else EXAMPLES[name]
    configuration = canonical({"modules": {name: knobs}}, VOCABULARY, backbone.shape)
    apply(configuration, model, backbone.anatomy, seed=0)
    randomise(model, 0.1)
    ids = torch.arange(3, 33).reshape(2, 15)
    labels = ids.masked_fill(torch.arange(15) % 4 == 0, IGNORED)
    batch = {"input_ids": ids, "attention_mask": torch.ones_like(ids), "labels": labels}
    # Of 22 learned tokens a few at a time.
    monkeypatch.setattr(module, "_AT_ONCE", 5 * model.config.vocab_size)
    found = {}
    for way in (whole_loss, lambda model, batch: CausalTrials.loss(None, model, batch, torch.device("cpu"), "fp32")):
        model.zero_grad(set_to_none=True)
        loss = way(model, batch)
        loss.backward()
        found[way] = loss.detach(), {name: each.grad for name, each in adapter_parameters(model).items()}
    (expected, whole), (loss, gradients) = found.values()
    torch.testing.assert_close(loss, expected)
    for parameter, gradient in whole.items():
        torch.testing.assert_close(gradients[parameter], gradient, msg=lambda said, of=parameter: f"{of}: {said}")
    assert any(gradient is not None and gradient.any() for gradient in whole.values())


@pytest.mark.parametrize("name", ["lora", "full_embeddings"])
def test_logits_are_never_there_of_all_tokens(decoder, monkeypatch, name):
    """Neither in training, whether the head trains or not, nor in measuring."""
    monkeypatch.setattr(module, "_AT_ONCE", 3 * decoder.config.vocab_size)
    ids = torch.arange(3, 33).reshape(2, 15)
    batch = {"input_ids": ids, "attention_mask": torch.ones_like(ids), "labels": ids}
    model, sizes = decoder.language_model(), []
    apply(canonical({"modules": {name: EXAMPLES[name]}}, VOCABULARY, decoder.shape), model, decoder.anatomy, seed=0)
    model.get_output_embeddings().register_forward_hook(
        lambda _module, _inputs, output: sizes.append(output[..., 0].numel())
    )
    kind, cpu = CausalTrials(None), torch.device("cpu")
    kind.loss(model, batch, cpu, "fp32").backward()
    kind.measure(model, [(np.arange(2), batch)], "fp32", lambda rows, longest: None)
    assert max(sizes) == 3
    assert sum(sizes) >= 2 * 28
