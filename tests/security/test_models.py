"""Model folders of strangers: their pickles are not read, their code is not run, and nothing leads elsewhere."""

import json
import shutil
from functools import partial
from pathlib import Path

import pytest
import torch
import transformers.dynamic_module_utils
from peft import LoraConfig, get_peft_model
from safetensors import safe_open
from transformers import AutoModelForSequenceClassification
from transformers.integrations import hub_kernels

from autopeft.backbones import backbone, load_backbone
from autopeft.errors import BackboneError
from autopeft.launch import SearchPlan
from autopeft.testing.models import tiny_backbone
from tests.backbones.own_code import MARK, changed, own_classifier
from tests.cli.in_process import run_here
from tests.security.attacks import Bomb

ROWS = "text,label\n" + "\n".join(f"film {n},{'ab'[n % 2]}" for n in range(40))


@pytest.fixture
def model(tmp_path):
    """A model of a stranger, which may be changed."""
    return Path(tiny_backbone("bert", tmp_path))


@pytest.fixture
def unguarded(monkeypatch):
    """What transformers and torch do of themselves is taken out: pickles are read as torch before 2.6 read them."""
    monkeypatch.setattr(torch, "load", partial(_load, torch.load))


def _load(load, *words, **how):
    return load(*words, **{**how, "weights_only": False, "mmap": None})


def pickled(file, mark):
    """Write a file of weights whose pickle makes a folder."""
    torch.save({"bomb": Bomb(mark)}, file)


def only_a_pickle(model, mark):
    (model / "model.safetensors").unlink()
    pickled(model / "pytorch_model.bin", mark)
    return r"found pytorch_model\.bin for weights; expected safetensors.*convert it once"


def a_pickle_in_an_index(model, mark):
    (model / "model.safetensors").unlink()
    pickled(model / "part.bin", mark)
    index = {"metadata": {}, "weight_map": {"bert.embeddings.word_embeddings.weight": "part.bin"}}
    (model / "model.safetensors.index.json").write_text(json.dumps(index))
    return r"found part\.bin for weights; expected safetensors"


@pytest.mark.parametrize("attack", [only_a_pickle, a_pickle_in_an_index])
def test_a_pickle_is_not_read_and_is_without_the_guard(attack, model, tmp_path, unguarded, monkeypatch):
    mark = tmp_path / "mark"
    message = attack(model, mark)
    with pytest.raises(BackboneError, match=message):
        load_backbone(str(model)).classifier(2)
    assert not mark.exists()
    monkeypatch.setattr(backbone, "check_files", lambda *words, **how: None)
    monkeypatch.setattr(backbone, "SAFE", {})
    with pytest.raises((BackboneError, RuntimeError, AttributeError, TypeError)):
        load_backbone(str(model)).classifier(2)
    assert mark.is_dir()


def test_adapters_beside_it_are_not_put_in(model, monkeypatch):
    hostile = get_peft_model(load_backbone(str(model)).classifier(2), LoraConfig(target_modules=["query"], r=2))
    hostile.peft_config["default"].base_model_name_or_path = "/attacker/model"
    hostile.save_pretrained(model)
    with pytest.raises(BackboneError, match=r"holds adapters beside a config\.json"):
        load_backbone(str(model))
    monkeypatch.setattr(backbone, "check_files", lambda *words, **how: None)
    assert any("lora" in name for name, _ in load_backbone(str(model)).classifier(2).named_parameters())


def test_a_file_of_weights_elsewhere_is_refused(model, tmp_path, monkeypatch):
    shutil.move(model / "model.safetensors", tmp_path / "elsewhere.safetensors")
    with safe_open(tmp_path / "elsewhere.safetensors", framework="pt") as file:
        index = {"metadata": {}, "weight_map": dict.fromkeys(file.keys(), "../elsewhere.safetensors")}
    (model / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(BackboneError, match=r"names weights outside its folder, \.\./elsewhere\.safetensors"):
        load_backbone(str(model))
    monkeypatch.setattr(backbone, "check_files", lambda *words, **how: None)
    assert load_backbone(str(model)).classifier(2)


def test_its_code_is_not_run_and_is_where_transformers_is_told_so(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(transformers.dynamic_module_utils, "HF_MODULES_CACHE", str(tmp_path / "modules"))
    folder = own_classifier(tmp_path)
    (tmp_path / "rows.csv").write_text(ROWS)
    words = ["--model", folder, "--data", "rows.csv", "--text", "text", "--label", "label", "-o", "run"]
    done = run_here("search", *words, cwd=tmp_path)
    assert done.returncode == 2
    assert "brings code of its own, which would run on this machine" in done.stderr
    assert MARK not in done.stdout + done.stderr + capsys.readouterr().out
    assert not (tmp_path / "modules").exists()
    assert AutoModelForSequenceClassification.from_pretrained(folder, trust_remote_code=True)
    assert MARK in capsys.readouterr().out


def test_a_plan_cannot_have_its_code_run(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(transformers.dynamic_module_utils, "HF_MODULES_CACHE", str(tmp_path / "modules"))
    own_classifier(tmp_path)
    (tmp_path / "rows.csv").write_text(ROWS)
    plan = "model: tiny-bert\ndata: rows.csv\ntext: text\nlabel: label\ntrust_remote_code: true\nout: run\n"
    (tmp_path / "plan.yaml").write_text(plan)
    done = run_here("search", "plan.yaml", cwd=tmp_path)
    assert (done.returncode, "A YAML file cannot allow it" in done.stderr) == (2, True)
    assert MARK not in capsys.readouterr().out
    monkeypatch.setattr("autopeft.launch.plan.ALLOWED", ())
    plan = SearchPlan.from_file(tmp_path / "plan.yaml")
    load_backbone(str(tmp_path / "tiny-bert"), trust_remote_code=plan.trust_remote_code)
    assert MARK in capsys.readouterr().out


def test_no_kernel_is_fetched_for_it(model, monkeypatch):
    fetched = []

    def fetch(name, *words, **how):
        fetched.append(name)
        raise ValueError("no network")

    monkeypatch.setattr(hub_kernels, "is_kernels_available", lambda: True)
    monkeypatch.setattr(hub_kernels, "get_kernel", fetch)
    changed(model, attn_implementation="attacker/kernel")
    with pytest.raises(BackboneError, match=r"asks for attacker/kernel, a kernel of the hub: code that would run"):
        load_backbone(str(model))
    assert fetched == []
    monkeypatch.setattr(backbone, "check_kernels", lambda *words: None)
    with pytest.raises(BackboneError, match=r"config\.json describes no model"):
        load_backbone(str(model))
    assert fetched == ["attacker/kernel"]
