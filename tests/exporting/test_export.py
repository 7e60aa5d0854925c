"""What exported files do in other processes, most of which know nothing of autopeft."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from importlib.metadata import PackageNotFoundError

import pytest
import torch
import yaml
from peft import PeftConfig, get_peft_model
from safetensors.torch import save_file

import autopeft
from autopeft.backbones import load_backbone, load_decoder, quantization
from autopeft.costs import Costs
from autopeft.errors import ConfigurationError
from autopeft.exporting import TARGETS, ExportJob, export
from autopeft.exporting.training import training_steps
from autopeft.methods import VOCABULARY, apply, load, save
from autopeft.methods.builder import applied
from autopeft.methods.lengths import suited
from autopeft.space import canonical
from autopeft.testing.decoders import CHAT_TEMPLATE, tiny_decoder
from autopeft.testing.methods import logits, randomise
from autopeft.testing.models import ARCHITECTURES, tiny_backbone, tiny_batch
from autopeft.testing.targets import tiny_job
from tests.exporting.test_schemas import RECORDED
from tests.exporting.test_targets import LAYERED, PLAIN, SEVERAL

WHERE = {"lora": {"rank": {"0": 4, "2": 8}, "alpha": "2r", "targets": ["q", "v"]}}

LOAD = """
import sys
from importlib.abc import MetaPathFinder
from safetensors.torch import load_file
import torch

class NoAutopeft(MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name.partition(".")[0] == "autopeft":
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, NoAutopeft())
from peft import PeftModel
from transformers import AutoModelForSequenceClassification as Auto
folder, model, data = sys.argv[1:]
found = load_file(data)
loaded = PeftModel.from_pretrained(Auto.from_pretrained(model, num_labels=2), folder).eval()
expected = found.pop("expected")
with torch.no_grad():
    assert torch.allclose(loaded(**found).logits, expected, atol=1e-6)
assert not any(name.partition(".")[0] == "autopeft" for name in sys.modules)
print("the same")
"""


@pytest.fixture(scope="module")
def decoder(tmp_path_factory):
    return load_decoder(tiny_decoder("llama", tmp_path_factory.mktemp("model"), template=CHAT_TEMPLATE))


def run(*words, cwd=None):
    # The machine's own paths, not those of this checkout: what is exported has to do without it.
    path = os.pathsep.join(entry for entry in sys.path if "site-packages" in entry or "-lib" in entry)
    command = [sys.executable, *map(str, words)]
    environment = {**os.environ, "PYTHONPATH": path}
    done = subprocess.run(command, capture_output=True, text=True, cwd=cwd, env=environment, timeout=900)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def trained(backbone, job, folder):
    """Save adapters and a head as a finalist's are saved; return logits of a batch."""
    model = backbone.classifier(2)
    apply(job.configuration, model, backbone.anatomy, seed=0)
    randomise(model)
    save(model, folder)
    batch = tiny_batch(backbone)
    return batch, logits(model, batch)


@pytest.mark.parametrize("architecture", [name for name in ARCHITECTURES if name != "vit"])
def test_peft_builds_one_method_on_every_architecture(architecture, tmp_path):
    backbone = load_backbone(tiny_backbone(architecture, tmp_path))
    job = tiny_job(backbone, WHERE, causal=False)
    export(job, "peft", tmp_path / "out")
    model = get_peft_model(backbone.classifier(2), PeftConfig.from_pretrained(str(tmp_path / "out")))
    trainable = {name: p.numel() for name, p in model.named_parameters() if p.requires_grad}
    head = sum(count for name, count in trainable.items() if "modules_to_save" in name)
    assert head > 0
    assert sum(trainable.values()) - head == Costs(backbone).params(job.configuration)


@pytest.mark.slow
@pytest.mark.parametrize("modules", [WHERE, {"ia3": {}}], ids=["lora", "ia3"])
def test_trained_adapters_reload_without_autopeft(tmp_path, modules):
    backbone = load_backbone(tiny_backbone("bert", tmp_path))
    job = tiny_job(backbone, modules, causal=False)
    batch, expected = trained(backbone, job, tmp_path / "seed-0")
    (tmp_path / "seed-0" / "test.npy").touch()
    finished = ExportJob(job.configuration, backbone, job.task, job.setting, 0, tmp_path / "seed-0")
    code = export(finished, "peft", tmp_path / "out").code
    assert 'PeftModel.from_pretrained(model, ".")' in code
    assert not (tmp_path / "out" / "test.npy").exists(), "what a selection puts beside adapters is its own"
    inputs = {name: value for name, value in batch.items() if name != "labels"}
    save_file({**inputs, "expected": expected.contiguous()}, tmp_path / "data")
    (tmp_path / "load.py").write_text(LOAD)
    assert "the same" in run(tmp_path / "load.py", tmp_path / "out", backbone.path, tmp_path / "data")
    lines = run("-c", f"import sys; sys.modules['autopeft'] = None\n{code}", cwd=tmp_path / "out").splitlines()
    assert (
        sum(line.split()[-2] in job.task.schema.labels for line in lines if "text" in line and line[-1].isdigit()) == 2
    )


def test_what_is_compressed_is_exported_whole_and_what_stands_beside_pruned_weights_is_not(tmp_path):
    backbone = load_backbone(tiny_backbone("bert", tmp_path))
    job = tiny_job(backbone, SEVERAL, causal=False)

    def finished(name, training):
        written = {"modules": SEVERAL, "training": {**job.configuration.training, **training}}
        asked = replace(job, configuration=canonical(written, VOCABULARY, backbone.shape))
        model = backbone.classifier(2)
        apply(asked.configuration, model, backbone.anatomy, seed=1)
        randomise(model)
        for pruner in applied(model).pruners:
            pruner.prune()
        save(model, tmp_path / name)
        return model, replace(asked, trained=tmp_path / name)

    model, packed = finished("packed", {"compression": "compeft"})
    done = export(packed, "peft", tmp_path / "out")
    assert any("here every number stands in its place" in note for note in done.notes)
    assert len(list((tmp_path / "out").glob("*/adapter_model.safetensors"))) == 3
    assert not list((tmp_path / "out").rglob("*packed*"))
    twin = backbone.classifier(2)
    assert "compression" not in load(tmp_path / "out", twin, backbone.anatomy).training
    assert torch.equal(logits(twin, tiny_batch(backbone)), logits(model, tiny_batch(backbone)))
    _, pruned = finished("pruned", {"pruning": "unstructured"})
    with pytest.raises(ConfigurationError, match=r"peft cannot express training\.pruning.*train --merge`"):
        export(pruned, "peft", tmp_path / "not")
    assert not (tmp_path / "not").exists()


def test_several_trained_methods_keep_their_folders_and_the_head(tmp_path):
    backbone = load_backbone(tiny_backbone("bert", tmp_path))
    job = tiny_job(backbone, SEVERAL, causal=False)
    trained(backbone, job, tmp_path / "seed-0")
    finished = ExportJob(job.configuration, backbone, job.task, job.setting, 0, tmp_path / "seed-0")
    assert 'load(".", model, backbone.anatomy)' in export(finished, "peft", tmp_path / "out").code
    assert sorted(path.parent.name for path in (tmp_path / "out").glob("*/adapter_model.safetensors")) == [
        "lora",
        "prefix",
        "serial_adapter",
    ]
    assert (tmp_path / "out" / "head.safetensors").is_file()


def test_what_was_trained_with_stands_in_the_tools_own_keys_or_beside(decoder, tmp_path):
    job = tiny_job(decoder, PLAIN, causal=True)
    for name in ("trl", "axolotl", "llamafactory", "torchtune", "transformers", "peft", "autopeft"):
        export(job, name, tmp_path / name)
    found = {path.name: yaml.safe_load(path.read_text()) for path in tmp_path.rglob("*.yaml")}
    assert found["sft.yaml"]["learning_rate"] == found["axolotl.yaml"]["learning_rate"] == 5e-4
    assert found["llamafactory.yaml"]["per_device_train_batch_size"] == found["axolotl.yaml"]["micro_batch_size"] == 4
    assert found["torchtune.yaml"]["optimizer"]["lr"] == 5e-4
    assert {found[name]["seed"] for name in ("sft.yaml", "axolotl.yaml", "llamafactory.yaml", "torchtune.yaml")} == {3}
    beside = yaml.safe_load((tmp_path / "peft" / "training.yaml").read_text())
    assert beside["learning_rate"] == {"lora": 5e-4}
    assert (beside["schedule"], beside["batch_size"], beside["seed"]) == ("linear", 4, 3)


def test_rates_suit_the_length_that_is_trained_for_and_both_are_said(decoder, tmp_path):
    job = replace(tiny_job(decoder, PLAIN, causal=True), found_at=1)
    rate = suited(job.configuration, 1, training_steps(job)).training["learning_rate"]
    assert rate < 5e-4
    for name in ("trl", "transformers", "peft", "autopeft"):
        done = export(job, name, tmp_path / name)
        assert any(f"Learning rate {rate:g}, which suits" in note and "it was 0.0005" in note for note in done.notes)
    found = {path.name: yaml.safe_load(path.read_text()) for path in tmp_path.rglob("*.yaml")}
    assert found["sft.yaml"]["learning_rate"] == rate
    beside = yaml.safe_load((tmp_path / "peft" / "training.yaml").read_text())
    assert beside["learning_rate"] == {"lora": rate}
    assert found["configuration.yaml"]["training"]["learning_rate"] == rate


@pytest.mark.parametrize("bits", ["4bit", "8bit"])
def test_quantised_weights_and_checkpointing_stand_in_the_tools_own_keys_or_beside(tmp_path, monkeypatch, bits):
    # Written without a check, for which the weights would be loaded by bitsandbytes.
    monkeypatch.setattr(quantization, "MISSING_BITSANDBYTES", None)
    backbone = load_decoder(tiny_decoder("llama", tmp_path / "model", template=CHAT_TEMPLATE), quantization=bits)
    job = tiny_job(backbone, PLAIN, causal=True)
    job = replace(job, setting=replace(job.setting, gradient_checkpointing=True))
    found = {}
    for name, target in TARGETS.items():
        if target.unfit(backbone) is None:
            folder = tmp_path / name
            folder.mkdir()
            target.write(job, folder)
            file = "training.yaml" if (folder / "training.yaml").is_file() else f"{name}.yaml"
            found[name] = yaml.safe_load((folder / file).read_text())
    assert all(found[name][f"load_in_{bits}"] for name in ("trl", "axolotl"))
    assert found["axolotl"]["adapter"] == {"4bit": "qlora", "8bit": "lora"}[bits]
    assert found["llamafactory"]["quantization_bit"] == int(bits[0])
    assert not found["llamafactory"]["disable_gradient_checkpointing"]
    assert all(set(found[name]) <= set(RECORDED[name]["keys"]) for name in ("axolotl", "llamafactory"))
    assert all(found[name]["quantization"][f"load_in_{bits}"] for name in ("transformers", "peft", "autopeft"))
    assert all(found[name]["gradient_checkpointing"] for name in ("trl", "axolotl", "peft", "autopeft"))
    assert found["transformers"]["arguments"]["gradient_checkpointing"]
    assert ("torchtune" in found) == (bits == "4bit")
    if "torchtune" in found:
        recipe = yaml.safe_load((tmp_path / "torchtune" / "torchtune.yaml").read_text())
        assert recipe["model"]["quantize_base"]
        assert recipe["enable_activation_checkpointing"]


def test_dropout_that_trials_switched_off_is_carried(tmp_path):
    backbone = load_backbone(tiny_backbone("bert", tmp_path))
    off = {"attention_probs_dropout_prob": 0.0, "hidden_dropout_prob": 0.0}
    job = tiny_job(backbone, WHERE, causal=False)
    export(job, "transformers", tmp_path / "script")
    export(job, "peft", tmp_path / "peft")
    for folder in ("script", "peft"):
        assert yaml.safe_load((tmp_path / folder / "training.yaml").read_text())["backbone"] == off


def test_data_are_written_without_the_test_split(decoder, tmp_path):
    export(tiny_job(decoder, PLAIN, causal=True), "axolotl", tmp_path)
    assert sorted(path.name for path in (tmp_path / "data").iterdir()) == ["train.jsonl", "validation.jsonl"]
    first = json.loads((tmp_path / "data" / "train.jsonl").read_text().splitlines()[0])
    learned = "".join(part["text"] for part in first["segments"] if part["label"])
    assert learned.startswith("a small model reads a short text")
    assert learned.endswith("[EOS]")


@pytest.mark.slow
@pytest.mark.parametrize(("causal", "modules"), [(False, WHERE), (True, LAYERED)], ids=["classify", "generate"])
def test_the_script_of_transformers_trains(decoder, tmp_path, causal, modules):
    backbone = decoder if causal else load_backbone(tiny_backbone("bert", tmp_path))
    export(tiny_job(backbone, modules, causal), "transformers", tmp_path / "out")
    said = run("train.py", "--max_steps", 3, cwd=tmp_path / "out")
    assert "eval_loss" in said
    assert (tmp_path / "out" / "output" / "adapter_model.safetensors").is_file()


def test_the_script_of_a_method_of_ours_imports_autopeft(decoder, tmp_path):
    export(tiny_job(decoder, {"serial_adapter": {"size": 4}}, causal=True), "transformers", tmp_path)
    text = (tmp_path / "train.py").read_text()
    assert "import autopeft  # noqa: F401  (PEFT lacks SERIAL_ADAPTER)" in text


@pytest.mark.slow
def test_the_script_of_trl_and_its_command_train_alike(decoder, tmp_path):
    pytest.importorskip("trl", reason="needs TRL, the extra `trl`")
    export(tiny_job(decoder, PLAIN, causal=True), "trl", tmp_path)
    words = ["--max_steps", 3, "--report_to", "none", "--logging_steps", 1]
    run("train.py", *words, cwd=tmp_path)
    run("-m", "trl.scripts.sft", "--config", "sft.yaml", "--output_dir", "cli", *words, cwd=tmp_path)
    states = [
        json.loads((tmp_path / name / "checkpoint-3" / "trainer_state.json").read_text()) for name in ("output", "cli")
    ]
    losses = [[entry["loss"] for entry in state["log_history"] if "loss" in entry] for state in states]
    assert losses[0] == pytest.approx(losses[1], abs=1e-4)
    assert len(losses[0]) == 3


def test_a_checkout_that_is_not_installed_knows_its_version(decoder, monkeypatch):
    def missing(name):
        raise PackageNotFoundError(name)

    monkeypatch.setattr("importlib.metadata.distribution", missing)
    job = tiny_job(decoder, {"lora": {"rank": 4}}, causal=True)
    assert job.came_from == f"autopeft {autopeft.__version__}, a configuration of no run"
