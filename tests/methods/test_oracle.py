"""Bottleneck adapters and prefixes against what the `adapters` package 1.3.0 computed (fixtures/record.py)."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from transformers import BertConfig

from autopeft.backbones import load_backbone
from autopeft.methods import VOCABULARY, apply
from autopeft.space import canonical

FIXTURE = load_file(Path(__file__).parent / "fixtures" / "adapters.safetensors")
CASES = {
    "houlsby": ({"serial_adapter": {"size": 4, "position": "both"}}, "serial_adapter"),
    "serial_ffn": ({"serial_adapter": {"size": 2}}, "serial_adapter"),
    "parallel": ({"parallel_adapter": {"size": 4, "scale": 4}}, "parallel_adapter"),
    "prefix": ({"prefix": {"length": 3}}, "layer_prefix"),
}


def part(name):
    return {key.removeprefix(f"{name}."): value for key, value in FIXTURE.items() if key.startswith(f"{name}.")}


@pytest.fixture(scope="module")
def backbone(tmp_path_factory):
    folder = tmp_path_factory.mktemp("oracle")
    BertConfig(
        vocab_size=20,
        hidden_size=8,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=16,
        architectures=["BertModel"],
    ).save_pretrained(folder)
    return load_backbone(str(folder))


@pytest.fixture
def model(backbone):
    from transformers import BertForSequenceClassification

    model = BertForSequenceClassification(backbone.config).eval()
    model.bert.load_state_dict(part("base"))
    return model


def output(model):
    with torch.no_grad():
        return model.bert(FIXTURE["input_ids"], attention_mask=FIXTURE["attention_mask"]).last_hidden_state


def load_bottlenecks(model, kind, recorded):
    for name, value in recorded.items():
        if "adapter_" in name:
            place, _, rest = name.partition(".adapters.a.")
            layer = model.bert.get_submodule(f"{place}.dense")
            which, kind_of = ("down", rest.split(".")[-1]) if "down" in rest else ("up", rest.split(".")[-1])
            getattr(getattr(layer, f"{kind}_{which}")["default"], kind_of).data.copy_(value)


def load_prefix(model, recorded):
    # tokens x (layer, key or value) x heads x head size
    whole = next(value for name, value in recorded.items() if name.endswith("control_trans")).view(3, 4, 2, 4)
    for index, layer in enumerate(model.bert.encoder.layer):
        layer.attention.self.layer_prefix_key["default"].data.copy_(whole[:, 2 * index])
        layer.attention.self.layer_prefix_value["default"].data.copy_(whole[:, 2 * index + 1])


@pytest.mark.parametrize("name", CASES)
def test_adapters_computes_the_same(backbone, model, name) -> None:
    modules, kind = CASES[name]
    torch.testing.assert_close(output(model), FIXTURE["plain"], atol=1e-6, rtol=0)
    apply(canonical({"modules": modules}, VOCABULARY, backbone.shape), model, backbone.anatomy)
    recorded = part(name)
    if kind == "layer_prefix":
        load_prefix(model, recorded)
    else:
        load_bottlenecks(model, kind, recorded)
    found = output(model)
    real = FIXTURE["attention_mask"].bool()
    print(f"largest difference {(found - recorded['output'])[real].abs().max():.1e}")
    torch.testing.assert_close(found[real], recorded["output"][real], atol=1e-6, rtol=0)
