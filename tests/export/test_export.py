"""Exports: the files alone build the configuration."""

import subprocess
import sys

import pytest
from peft import PeftConfig, get_peft_model

from autopeft.backbones import load_backbone
from autopeft.costs import Costs
from autopeft.errors import AutopeftError, ConfigurationError
from autopeft.export import export
from autopeft.methods import HEAD_ONLY, VOCABULARY
from autopeft.space import canonical, read_configuration
from autopeft.testing.models import ARCHITECTURES, tiny_backbone

ONE = {"modules": {"lora": {"rank": {"0": 4, "2": 8}, "alpha": "2r", "targets": ["q", "v"]}}}
OWN = {"modules": {"serial_adapter": {"size": 4, "layers": [1]}}}
GATED = {"modules": {"lora": {"rank": 4, "gate": True}}}
SEVERAL = {"modules": ONE["modules"] | OWN["modules"] | {"prefix": {"length": 2}}}


@pytest.fixture(scope="module", params=ARCHITECTURES)
def backbone(request, tmp_path_factory):
    return load_backbone(tiny_backbone(request.param, tmp_path_factory.mktemp("export")))


@pytest.mark.parametrize("data", [ONE, OWN, GATED], ids=["lora", "serial", "gated"])
def test_peft_builds_one_method_from_its_folder(backbone, data, tmp_path):
    configuration = canonical(data, VOCABULARY, backbone.shape)
    lines = export(configuration, backbone, "peft", tmp_path)
    assert any("import autopeft" in line for line in lines) == (data is not ONE)
    model = get_peft_model(backbone.classifier(2), PeftConfig.from_pretrained(str(tmp_path)))
    trainable = {name: p.numel() for name, p in model.named_parameters() if p.requires_grad}
    head = sum(count for name, count in trainable.items() if "modules_to_save" in name)
    assert head > 0
    assert sum(trainable.values()) - head == Costs(backbone).params(configuration)


def test_several_methods_have_a_folder_each(backbone, tmp_path):
    configuration = canonical(SEVERAL, VOCABULARY, backbone.shape)
    export(configuration, backbone, "peft", tmp_path)
    assert sorted(path.parent.name for path in tmp_path.glob("*/adapter_config.json")) == [
        "lora",
        "prefix",
        "serial_adapter",
    ]


def test_our_own_target_is_read_back(backbone, tmp_path):
    configuration = canonical(SEVERAL, VOCABULARY, backbone.shape)
    export(configuration, backbone, "autopeft", tmp_path)
    written = read_configuration(tmp_path / "configuration.yaml")
    assert canonical(written, VOCABULARY, backbone.shape) == configuration


def test_refusals(tmp_path):
    backbone = load_backbone()
    with pytest.raises(ConfigurationError, match="no adapter"):
        export(HEAD_ONLY, backbone, "peft", tmp_path)
    with pytest.raises(AutopeftError, match="did you mean 'peft'"):
        export(HEAD_ONLY, backbone, "pef", tmp_path)


def test_stock_peft_loads_lora_without_autopeft(tmp_path):
    backbone = load_backbone()
    export(canonical(ONE, VOCABULARY, backbone.shape), backbone, "peft", tmp_path)
    code = (
        "import sys\nfrom peft import PeftConfig, get_peft_model\n"
        "from transformers import AutoModelForSequenceClassification as Auto\n"
        f"model = Auto.from_pretrained({str(backbone.path)!r})\n"
        f"get_peft_model(model, PeftConfig.from_pretrained({str(tmp_path)!r}))\n"
        "assert 'autopeft' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
