"""Bottlenecks, prefixes and UniPELT's gates against what the `adapters` package 1.3.0 computed (fixtures/record.py)."""

import re
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from transformers import BertConfig

from autopeft.backbones import load_backbone
from autopeft.methods import VOCABULARY, adapter_parameters, apply
from autopeft.space import canonical

FIXTURE = load_file(Path(__file__).parent / "fixtures" / "adapters.safetensors")
GATED = {
    "serial_adapter": {"size": 2, "gate": True},
    "lora": {"rank": 4, "alpha": 4, "targets": ["q", "v"], "gate": True},
    "prefix": {"length": 3, "gate": True},
}
CASES = {
    "houlsby": {"serial_adapter": {"size": 4, "position": "both"}},
    "serial_ffn": {"serial_adapter": {"size": 2}},
    "parallel": {"parallel_adapter": {"size": 4, "scale": 4}},
    "prefix": {"prefix": {"length": 3}},
    "gated_serial": {"serial_adapter": GATED["serial_adapter"]},
    "gated_lora": {"lora": GATED["lora"]},
    "gated_prefix": {"prefix": GATED["prefix"]},
    "unipelt": GATED,
    "no_residual": {"serial_adapter": {"size": 4, "position": "both", "residual": False}},
}

#: Names of the package's tensors as autopeft has them.
RENAMED = {
    r"adapters\.a\.adapter_(down|up)(\.0)?": r"dense.KIND_\1.default",
    r"adapters\.a\.gate": "dense.KIND_gate.default",
    r"loras\.a\.(lora_[AB])": r"\1.default.weight",
    r"loras\.a\.gate": "lora_gate.default",
    r"prefix_tuning\.prefix_gates\.a": "layer_prefix_gate.default",
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


def load(model, modules, recorded):
    """Copy every recorded tensor to where autopeft has it."""
    ours = {
        name.removeprefix("bert.").replace("base_layer.", ""): parameter for name, parameter in model.named_parameters()
    }
    kind = next((name for name in modules if name.endswith("_adapter")), "")
    for name, value in recorded.items():
        if name.endswith("control_trans"):
            # tokens x (layer, key or value) x heads x head size
            for index, part in enumerate(value.view(3, 4, 2, 4).unbind(1)):
                which = ("key", "value")[index % 2]
                ours[f"encoder.layer.{index // 2}.attention.self.layer_prefix_{which}.default"].data.copy_(part)
        elif name != "output":
            for pattern, replacement in RENAMED.items():
                name = re.sub(pattern, replacement.replace("KIND", kind), name)
            ours[name].data.copy_(value)


@pytest.mark.parametrize("name", CASES)
def test_adapters_computes_the_same(backbone, model, name) -> None:
    modules, recorded = CASES[name], part(name)
    torch.testing.assert_close(output(model), FIXTURE["plain"], atol=1e-6, rtol=0)
    apply(canonical({"modules": modules}, VOCABULARY, backbone.shape), model, backbone.anatomy)
    load(model, modules, recorded)
    assert sum(value.numel() for key, value in recorded.items() if key != "output") == sum(
        parameter.numel() for parameter in adapter_parameters(model).values()
    )
    found = output(model)
    real = FIXTURE["attention_mask"].bool()
    print(f"largest difference {(found - recorded['output'])[real].abs().max():.1e}")
    torch.testing.assert_close(found[real], recorded["output"][real], atol=1e-6, rtol=0)
