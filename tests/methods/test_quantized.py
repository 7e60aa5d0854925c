"""Methods beside weights in 4 and 8 bits: those that say so work, the others are refused before a trial."""

from importlib.util import find_spec

import pytest
import torch

from autopeft.backbones import head_parameters, load_backbone, quantization
from autopeft.costs import Costs
from autopeft.errors import ConfigurationError
from autopeft.methods import METHODS, VOCABULARY, adapter_parameters, apply, before_step, penalty, remove, trainable
from autopeft.methods.builder import plan
from autopeft.space import canonical
from autopeft.testing.methods import logits, randomise
from autopeft.testing.models import tiny_backbone, tiny_batch
from tests.methods.examples import EXAMPLES

LORAS = (
    {"rank": 4, "variant": "dora"},
    {"rank": 4, "variant": "rslora", "gate": True},
    {"rank": 4, "optimizer": "lora_fa", "lora_bias": True},
    {"rank": 4, "init": "gaussian"},
    {"rank": 4, "init": "eva"},
    {"rank": 4, "init": "orthogonal"},
    {"rank": 4, "init": "mica"},
    {"rank": 4, "init": "pissa"},
    {"rank": 4, "init": "olora"},
    {"rank": 4, "init": "corda"},
    {"rank": 4, "init": "lora_ga"},
)
CASES = {name: {name: knobs} for name, knobs in EXAMPLES.items()} | {
    "lora " + "-".join(str(value) for value in knobs.values()): {"lora": knobs} for knobs in LORAS
}
#: Only where the model is one that it can be put into.
DECODERS = ("adaption_prompt",)
BITS = ("4bit", "8bit")


@pytest.fixture(scope="module", params=BITS)
def backbone(request, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        # What is refused is known without bitsandbytes.
        patch.setattr(quantization, "MISSING_BITSANDBYTES", None)
        return load_backbone(tiny_backbone("bert", tmp_path_factory.mktemp("bert")), quantization=request.param)


@pytest.fixture(scope="module")
def decoder(backbone, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(quantization, "MISSING_BITSANDBYTES", None)
        folder = tiny_backbone("llama", tmp_path_factory.mktemp("llama"))
        return load_backbone(folder, quantization=backbone.quantization)


def works(backbone, configuration):
    parts = plan(configuration)
    return all(p.method.works_beside(backbone.quantization, knobs) for p in parts for knobs in p.cells.values())


@pytest.mark.parametrize("name", CASES)
def test_a_method_works_beside_packed_weights_or_is_refused(backbone, decoder, name) -> None:
    backbone = decoder if name in DECODERS else backbone
    configuration = canonical({"modules": CASES[name]}, VOCABULARY, backbone.shape)
    if not works(backbone, configuration):
        with pytest.raises(ConfigurationError, match=f"not known to work beside.*--load-in-{backbone.quantization}"):
            Costs(backbone).params(configuration)
        return
    counted = Costs(backbone).params(configuration)
    if find_spec("bitsandbytes") is None:
        pytest.skip("needs bitsandbytes, the extra `quantization`")
    batch = tiny_batch(backbone)
    model, plain = classifier(backbone), classifier(backbone).dequantize().float()
    plain.__dict__.pop(f"is_loaded_in_{backbone.quantization}")
    start = logits(model, batch)
    before = {key: value.clone() for key, value in model.state_dict().items() if isinstance(value, torch.Tensor)}
    for each in (model, plain):
        apply(configuration, each, backbone.anatomy, seed=1, batches=[batch])
        randomise(each, 0.1)
    adapters = adapter_parameters(model).values()
    assert sum(parameter.numel() for parameter in adapters) == counted
    assert {parameter.dtype for parameter in adapters} == {torch.float32}
    # Nothing is taken from packed weights as if they were numbers: the two differ by rounding.
    assert torch.allclose(logits(model, batch), logits(plain, batch), atol=1e-3)
    step(model, batch)
    remove(model)
    head = head_parameters(model)
    after = model.state_dict()
    assert all(torch.equal(value, after[key]) for key, value in before.items() if key not in head)
    model.load_state_dict({key: before[key] for key in head}, strict=False)
    assert torch.equal(logits(model, batch), start)


def classifier(backbone):
    torch.manual_seed(0)
    model = backbone.classifier(2)
    model.config.use_cache = False
    return model


def step(model, batch) -> None:
    """Train one step, in which every adapter tensor has a gradient and no packed weight has."""
    extra = penalty(model)
    loss = model(**batch).loss
    (loss if extra is None else loss + extra).backward()
    assert all(parameter.grad is not None for parameter in trainable(model).values())
    assert all(parameter.grad is None for parameter in model.parameters() if not parameter.requires_grad)
    before_step(model)
    torch.optim.AdamW(trainable(model).values(), lr=0.01).step()


@pytest.mark.parametrize("bits", BITS)
def test_most_methods_work_in_few_bits(bits) -> None:
    assert sum(bits in method.quantizations for method in METHODS.values()) > len(METHODS) / 2


@pytest.mark.skipif(find_spec("bitsandbytes") is None, reason="needs bitsandbytes, the extra `quantization`")
def test_the_builder_refuses_too(backbone) -> None:
    model = classifier(backbone)
    configuration = canonical({"modules": {"lora": {"rank": 4, "init": "pissa"}}}, VOCABULARY, backbone.shape)
    with pytest.raises(ConfigurationError, match="lora: not known to work beside weights in"):
        apply(configuration, model, backbone.anatomy)
    assert not adapted(model)


def adapted(model) -> bool:
    return any("lora" in name for name, _ in model.named_parameters())
