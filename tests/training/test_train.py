"""`autopeft.train`: what the command does, as a call that returns paths and figures."""

import json

import pytest
import torch
from safetensors.torch import load_file

import autopeft
from autopeft.errors import ConfigurationError
from autopeft.testing.models import tiny_backbone
from autopeft.training import prepare_training
from autopeft.training.seen import seen_rows


@pytest.fixture
def place(tmp_path, monkeypatch):
    rows = [f"{'good happy' if n % 2 else 'bad sad'} film {n},{'yes' if n % 2 else 'no'}" for n in range(120)]
    (tmp_path / "train.csv").write_text("\n".join(["text,label", *rows]) + "\n")
    tiny_backbone("bert", tmp_path)
    (tmp_path / "of.yaml").write_text("modules: {lora: {rank: 2, targets: [q]}}")
    (tmp_path / "stuck.yaml").write_text("modules: {serial_adapter: {size: 4}}")
    monkeypatch.chdir(tmp_path)
    return tmp_path


SETTINGS = {"model": "tiny-bert", "data": "train.csv", "text": "text", "label": "label", "epochs": 1}


def test_a_file_is_trained_and_what_was_reached_returned(place):
    found = autopeft.train("of.yaml", output="out", merge=True, **SETTINGS)
    figures = json.loads((found.folder / "metrics.json").read_text())
    assert (found.test, found.params) == (figures["test"], figures["params"])
    assert (found.merged / "config.json").is_file()
    again = autopeft.train("of.yaml", output="out", merge=True, **SETTINGS)
    assert again.already
    assert (again.test, again.merged) == (found.test, found.merged)
    task = prepare_training(place / "of.yaml", SETTINGS).task
    assert seen_rows(found.folder, task.kind, task.train) == len(task.train)
    assert seen_rows(found.folder, task.kind, task.test) == 0


@pytest.mark.parametrize("little", [0.0, 100.0])
def test_a_method_that_leaves_batches_out_leaves_them_out(place, little):
    (place / "one.yaml").write_text(f"modules: {{locft: {{little: {little}}}}}")
    found = autopeft.train("one.yaml", output="out", batch_size=8, **SETTINGS)
    (saved,) = found.folder.rglob("adapter_model.safetensors")
    (trained,) = (tensor for name, tensor in load_file(saved).items() if name.endswith("trained_copy.weight"))
    before = load_file(place / "tiny-bert" / "model.safetensors")["encoder.layer.1.output.dense.weight"]
    assert torch.equal(trained, before) == bool(little)


def test_what_cannot_be_merged_is_said_before_training(place):
    with pytest.raises(ConfigurationError, match="serial_adapter cannot be folded"):
        autopeft.train("stuck.yaml", output="out", merge=True, **SETTINGS)
    assert not (place / "out").exists()
