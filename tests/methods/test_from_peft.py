"""Configs of PEFT's LoRA are read as PEFT itself reads them."""

import json

import pytest
from peft import LoraConfig, get_peft_model
from peft.tuners.lora import LoraLayer

from autopeft.backbones import load_backbone
from autopeft.costs import Costs
from autopeft.errors import ConfigurationError
from autopeft.methods import VOCABULARY, adapter_parameters, apply, is_from_peft, read_peft, remove
from autopeft.space import canonical
from autopeft.testing.models import tiny_backbone

CONFIGS = {
    "suffixes": {"r": 4, "target_modules": ["query", "value"]},
    "patterns": {
        "r": 4,
        "target_modules": ["query", "key"],
        "rank_pattern": {"query": 2, r"layer\.1\.attention\.self\.key": 8},
        "alpha_pattern": {"query": 32},
    },
    "regex": {"r": 3, "target_modules": r".*layer\.0\..*\.(query|value)"},
    "some layers": {"r": 2, "target_modules": ["query"], "layers_to_transform": [1], "layers_pattern": "layer"},
    "rslora": {"r": 2, "target_modules": ["key"], "use_rslora": True, "lora_dropout": 0.1},
    "usual": {"r": 2},
    "dora": {"r": 2, "target_modules": ["value"], "use_dora": True, "init_lora_weights": "orthogonal"},
}


def written(folder, **settings):
    """Return what PEFT writes of a config."""
    LoraConfig(**settings).save_pretrained(folder)
    return json.loads((folder / "adapter_config.json").read_text())


def scales_of(model):
    return sorted(module.scaling["default"] for module in model.modules() if isinstance(module, LoraLayer))


@pytest.fixture(scope="module")
def backbone(tmp_path_factory):
    return load_backbone(tiny_backbone("bert", tmp_path_factory.mktemp("bert")))


@pytest.mark.parametrize("name", CONFIGS)
def test_the_same_matrices_have_the_same_sizes_as_with_peft(backbone, tmp_path, name):
    data = written(tmp_path, **CONFIGS[name])
    assert is_from_peft(data)
    found = canonical({**read_peft(data, backbone), "training": {"learning_rate": 1e-3}}, VOCABULARY, backbone.shape)
    ours, theirs = backbone.classifier(2), backbone.classifier(2)
    apply(found, ours, backbone.anatomy, seed=0)
    sizes = {
        name.replace(".default", ""): tuple(parameter.shape) for name, parameter in adapter_parameters(ours).items()
    }
    scales = scales_of(ours)
    remove(ours)
    model = get_peft_model(theirs, LoraConfig(**CONFIGS[name]))
    lora = {
        name.removeprefix("base_model.model.").replace(".default", ""): tuple(parameter.shape)
        for name, parameter in model.named_parameters()
        if "lora_" in name
    }
    assert sorted(sizes.values()) == sorted(lora.values())
    assert len(sizes) == len(lora)
    assert scales == pytest.approx(scales_of(model))
    assert Costs(backbone).params(found) == sum(
        parameter.numel() for parameter in model.parameters() if parameter.requires_grad
    )


def test_all_linear_is_what_peft_takes_it_for(backbone, tmp_path):
    data = written(tmp_path, r=2, target_modules="all-linear")
    llama = load_backbone(tiny_backbone("llama", tmp_path))
    lora = read_peft(data, llama)["modules"]["lora"]
    assert sorted(lora["targets"]) == sorted(llama.anatomy.present)
    assert len(lora["rank"]) == llama.shape.layers * len(llama.anatomy.present)
    with pytest.raises(ConfigurationError, match=r"also for .*pooler\.dense"):
        read_peft(data, backbone)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"target_modules": ["dense"]}, "also for .*pooler.dense"),
        ({"target_modules": ["nothing_of_the_kind"]}, "it is for none; expected modules such as"),
        ({"target_modules": ["query"], "bias": "all"}, "with bias, which configurations cannot say"),
        ({"target_modules": ["query"], "init_lora_weights": False}, "init_lora_weights .* found False"),
        ({"target_modules": ["query"], "trainable_token_indices": [1]}, "with trainable_token_indices"),
    ],
)
def test_what_a_configuration_cannot_say_is_refused(backbone, tmp_path, settings, said):
    with pytest.raises(ConfigurationError, match=said):
        read_peft(written(tmp_path, **settings), backbone)


def test_other_types_are_refused_and_configurations_are_no_configs_of_peft(backbone):
    with pytest.raises(ConfigurationError, match="PEFT's IA3; expected LORA"):
        read_peft({"peft_type": "IA3"}, backbone)
    assert not is_from_peft({"modules": {"lora": {"rank": 1}}})
