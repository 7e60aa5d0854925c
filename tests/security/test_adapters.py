"""Folders of adapters of strangers: what they are for leads to no code, and what they hold is tensors."""

import json
import shutil
import sys

import pytest
import torch
import transformers.dynamic_module_utils
from peft import LoraConfig, get_peft_model

import autopeft
from autopeft.backbones import load_backbone
from autopeft.errors import AutopeftError, BackboneError, ConfigurationError
from autopeft.methods import VOCABULARY
from autopeft.saved import opening
from autopeft.space import canonical
from autopeft.tasks import LabelledTexts
from autopeft.tasks.classification import Classes, Classification
from autopeft.testing.models import TEXTS, tiny_backbone
from autopeft.testing.tasks import task_of
from tests.backbones.own_code import MARK, changed, own_classifier
from tests.cli.in_process import run_here
from tests.saved.test_cards import saved
from tests.security.attacks import Bomb, plugin_that_marks


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Adapters, and a whole model, as a training writes them."""
    place = tmp_path_factory.mktemp("made")
    backbone = load_backbone(tiny_backbone("bert", place))
    splits = [LabelledTexts(list(TEXTS) * 4, [0, 1] * (2 * len(TEXTS))) for _ in range(3)]
    task = task_of(Classification(), Classes(("bad", "good"), columns=("text",)), *splits)
    configuration = canonical({"modules": {"lora": {"rank": 2}}}, VOCABULARY, backbone.shape)
    saved(configuration, backbone, task, place / "adapter", merge=True)
    return place


@pytest.fixture
def hostile(made, tmp_path, monkeypatch):
    """The same, to be changed by a stranger."""
    monkeypatch.setattr(transformers.dynamic_module_utils, "HF_MODULES_CACHE", str(tmp_path / "modules"))
    shutil.copytree(made / "adapter", tmp_path / "adapter")
    return tmp_path / "adapter"


def test_a_base_that_brings_code_is_not_run(hostile, tmp_path, capsys):
    evil = own_classifier(tmp_path)
    used = json.loads((hostile / "predict.json").read_text())
    changed(hostile, "predict.json", base=used["base"] | {"path": str(evil), "architecture": "own-bert"})
    done = run_here("predict", "adapter", "-i", "good", cwd=tmp_path)
    assert done.returncode == 2
    assert "brings code of its own, which would run on this machine" in done.stderr
    assert MARK not in done.stdout + done.stderr + capsys.readouterr().out
    done = run_here("predict", "adapter", "-i", "good", "--trust-remote-code", cwd=tmp_path)
    assert MARK in done.stdout


def test_another_base_than_it_was_trained_on_is_refused(hostile, tmp_path):
    other = tiny_backbone("bert", tmp_path / "other")
    (tmp_path / "other" / "tiny-bert" / "model.safetensors").unlink()
    model = load_backbone(tiny_backbone("bert", tmp_path / "third")).classifier(2)
    model.save_pretrained(other)
    used = json.loads((hostile / "predict.json").read_text())
    changed(hostile, "predict.json", base=used["base"] | {"path": str(other)})
    with pytest.raises(ConfigurationError, match="holds other weights than when the adapters"):
        autopeft.predict(hostile, ["good"])


def test_the_base_that_its_peft_config_names_is_not_looked_at(hostile):
    before = autopeft.predict(hostile, ["good"]).rows
    changed(hostile, "adapter_config.json", base_model_name_or_path="/attacker/model")
    assert autopeft.predict(hostile, ["good"]).rows == before


@pytest.mark.parametrize("which", ["adapter", "adapter/merged"])
def test_weights_of_pickles_are_not_read(which, hostile, tmp_path, monkeypatch):
    name = "adapter_model" if which == "adapter" else "model"
    folder = tmp_path / which
    (folder / f"{name}.safetensors").unlink()
    pickle = folder / ("adapter_model.bin" if which == "adapter" else "pytorch_model.bin")
    torch.save({"bomb": Bomb(tmp_path / "mark")}, pickle)
    plain = torch.load
    monkeypatch.setattr(torch, "load", lambda file, **how: plain(file, weights_only=False))
    with pytest.raises((BackboneError, ConfigurationError)):
        autopeft.predict(folder, ["good"])
    assert not (tmp_path / "mark").exists()
    if which == "adapter/merged":
        monkeypatch.setattr(opening, "SAFE", {})
        monkeypatch.setattr(opening, "check_files", lambda *words: None)
        with pytest.raises(AutopeftError):
            autopeft.predict(folder, ["good"])
        assert (tmp_path / "mark").is_dir()


def test_a_plugin_that_lies_beside_them_is_not_run(hostile, tmp_path):
    (hostile / "evil.py").write_text(plugin_that_marks(tmp_path / "mark"))
    held = json.loads((hostile / "autopeft.json").read_text())
    held["configuration"]["modules"] = {"evil": {"rank": 2}}
    (hostile / "autopeft.json").write_text(json.dumps(held))
    with pytest.raises(ConfigurationError, match="holds adapters of evil, which autopeft lacks; name the Python file"):
        autopeft.predict(hostile, ["good"])
    assert not (tmp_path / "mark").exists()
    with pytest.raises(ConfigurationError, match="registers nothing"):
        autopeft.predict(hostile, ["good"], plugin=hostile / "evil.py")
    assert (tmp_path / "mark").is_dir()


def test_no_module_is_imported_that_its_peft_config_names(made, tmp_path, monkeypatch):
    (tmp_path / "evil_core.py").write_text(plugin_that_marks(tmp_path / "mark"))
    monkeypatch.syspath_prepend(tmp_path)
    config = LoraConfig(target_modules=["query"], megatron_config={"a": 1}, megatron_core="evil_core.x")
    model = load_backbone(str(made / "tiny-bert")).classifier(2)
    with pytest.raises(ValueError, match="does not start with a valid prefix"):
        get_peft_model(model, config)
    assert not (tmp_path / "mark").exists()
    monkeypatch.setattr("peft.tuners.lora.tp_layer.get_default_module_allowlist", lambda: ["evil_core"])
    with pytest.raises(ModuleNotFoundError):
        get_peft_model(load_backbone(str(made / "tiny-bert")).classifier(2), config)
    assert (tmp_path / "mark").is_dir()
    sys.modules.pop("evil_core", None)
