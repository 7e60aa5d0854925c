"""Bytes are those of the files that are written, FLOPs those that torch counts in a real model."""

import json

import pytest
import torch
from safetensors.torch import load_file
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from autopeft.backbones import head_parameters, load_backbone
from autopeft.costs import Costs, typical, typical_costs
from autopeft.errors import ConfigurationError
from autopeft.methods import HEAD_ONLY, METHODS, VOCABULARY, apply, remove, save
from autopeft.methods.builder import applied
from autopeft.space import canonical
from autopeft.testing.methods import train
from autopeft.testing.models import tiny_backbone, tiny_batch
from tests.methods.examples import EXAMPLES
from tests.methods.table import DATA

TOKENS = 20
MODULES = {
    **{name: {name: knobs} for name, knobs in EXAMPLES.items()},
    "gated lora": {"lora": {"rank": 4, "gate": True}},
    "gated prefix": {"prefix": {"length": 3, "gate": True}},
    "corda": {"lora": {"rank": 4, "init": "corda", "variant": "rslora"}},
    "unipelt": {
        "lora": {"rank": 4, "gate": True},
        "prefix": {"length": 3, "gate": True},
        "serial_adapter": {"size": 4, "gate": True},
    },
    "prompt before adapters": {"prompt": {"length": 3}, "parallel_adapter": {"size": 4}},
    "both kinds": {"lora": {"rank": 4}, "loha": {"rank": 2, "targets": ["up"]}},
}


@pytest.fixture(scope="module", params=("bert", "gpt2", "llama", "vit"))
def backbone(request, tmp_path_factory):
    return load_backbone(tiny_backbone(request.param, tmp_path_factory.mktemp("costs")))


@pytest.fixture(scope="module")
def costs(backbone):
    return Costs(backbone, TOKENS)


def built(backbone, name):
    """Return a configuration and the real model built to it; skip what PEFT cannot build."""
    configuration = canonical({"modules": MODULES[name]}, VOCABULARY, backbone.shape)
    model = backbone.classifier(2)
    try:
        apply(configuration, model, backbone.anatomy, seed=0)
    except ConfigurationError:
        pytest.skip("refused here")
    if any(METHODS[method].grows for method in configuration.modules):
        train(model, tiny_batch(backbone), 2, of=2, head=False)
    return configuration, model


def counted(backbone, model):
    """Return the FLOPs of a forward, attention's among them, and the number of tokens in it."""
    inputs = {"input_ids": torch.full((1, TOKENS), 5), "attention_mask": torch.ones(1, TOKENS, dtype=torch.long)}
    if not backbone.modality.tokenizes:
        size = backbone.config.image_size
        inputs = {"pixel_values": torch.zeros(1, backbone.config.num_channels, size, size)}
    with torch.no_grad(), sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        model(**inputs)
    patches = (
        (backbone.config.image_size // backbone.config.patch_size) ** 2 + 1
        if not backbone.modality.tokenizes
        else TOKENS
    )
    return counter.get_total_flops(), patches


@pytest.mark.parametrize("name", MODULES)
def test_bytes_are_those_written(backbone, costs, name, tmp_path) -> None:
    configuration, model = built(backbone, name)
    save(model, tmp_path)
    head = {f"{outer}{key}" for key in head_parameters(model) for outer in ("", "base_model.", "base_model.model.")}
    written = [load_file(path) for path in tmp_path.rglob("*.safetensors")]
    stored = sum(
        value.numel() * value.element_size() for file in written for key, value in file.items() if key not in head
    )
    assert costs.bytes(configuration) == stored > 0


@pytest.mark.parametrize("name", MODULES)
def test_flops_are_those_of_a_forward(backbone, costs, name) -> None:
    configuration, model = built(backbone, name)
    inserted = applied(model).inserted
    merges = {each.part.method.merges(knobs) for each in inserted for knobs in each.part.cells.values()}
    if merges == {True}:
        with torch.no_grad():
            for each in reversed(inserted):
                model = each.tuner.merge_and_unload()
        assert costs.flops(configuration) == 0
    adapted, tokens = counted(backbone, model)
    bare, _ = counted(backbone, backbone.classifier(2))
    assert costs.flops(configuration) == (adapted - bare) / tokens


def test_counting_leaves_the_meta_model_alone(backbone, costs) -> None:
    before = [(name, type(module)) for name, module in backbone.meta().named_modules()]
    for name in ("unipelt", "prompt before adapters"):
        configuration = canonical({"modules": MODULES[name]}, VOCABULARY, backbone.shape)
        try:
            costs.flops(configuration), costs.bytes(configuration)
        except ConfigurationError:
            assert not backbone.modality.tokenizes
    assert [(name, type(module)) for name, module in backbone.meta().named_modules()] == before
    apply(HEAD_ONLY, backbone.meta(), backbone.anatomy)
    remove(backbone.meta())


def test_head_only_stores_and_costs_nothing(costs) -> None:
    assert costs.bytes(HEAD_ONLY) == costs.flops(HEAD_ONLY) == 0


def test_a_learning_rate_costs_nothing(backbone, costs, monkeypatch) -> None:
    rates = [{"serial_adapter": {"size": 4, "learning_rate": rate}} for rate in (1e-3, 1e-2)]
    first, second = (canonical({"modules": modules}, VOCABULARY, backbone.shape) for modules in rates)
    found = costs.flops(first)
    monkeypatch.setattr(costs._forwards, "extra", lambda *_: pytest.fail("counted again"))
    assert costs.flops(second) == found > 0


def test_what_the_listing_says_is_what_it_costs() -> None:
    packaged = load_backbone()
    costs = Costs(packaged)
    recorded = {name: row["costs"] for name, row in json.loads(DATA.read_text()).items()}
    assert recorded == {name: typical_costs(name, costs, packaged) for name in METHODS}
    assert [name for name, row in recorded.items() if row is None] == ["adaption_prompt"]
    assert typical("lora", packaged.shape).describe().startswith("lora r=8 a=16 q,v @0-5")
