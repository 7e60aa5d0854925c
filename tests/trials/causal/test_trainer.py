"""Decoders, fine-tuned with TRL's SFTTrainer."""

import subprocess
import sys

import pytest
import torch

from autopeft.backbones import load_decoder
from autopeft.methods import VOCABULARY, load
from autopeft.space import canonical
from autopeft.testing.decoders import CHAT_TEMPLATE, tiny_decoder
from autopeft.testing.targets import tiny_task
from autopeft.training import evaluate, fine_tune
from autopeft.trials import TrialRunner
from autopeft.trials.causal.setting import CausalSetting

SETTING = CausalSetting(examples=32, validation_examples=32, epochs=6.0, batch_size=8, max_length=64)
LORA = {"modules": {"lora": {"rank": 4, "targets": ["q", "v", "up"]}}, "training": {"learning_rate": 2e-2}}
PROMPT = {"modules": {"prompt": {"length": 3}}, "training": {"learning_rate": 5e-2}}


@pytest.fixture(scope="module")
def backbone(tmp_path_factory):
    return load_decoder(tiny_decoder("llama", tmp_path_factory.mktemp("model"), template=CHAT_TEMPLATE))


@pytest.mark.parametrize("data", [LORA, PROMPT], ids=["lora", "prompt"])
def test_it_learns_as_a_trial_does_and_what_is_saved_is_measured(backbone, tmp_path, data):
    pytest.importorskip("trl", reason="needs TRL, the extra `trl`")
    task = tiny_task(causal=True, count=32)
    configuration = canonical(data, VOCABULARY, backbone.shape)
    trial = TrialRunner(backbone, task, SETTING, torch.device("cpu")).run(configuration, seed=0)
    found = fine_tune(configuration, backbone, task, SETTING, tmp_path)
    assert found.steps == 24
    # The same examples, steps, rates and start; only their order differs.
    assert found.validation["loss"] == pytest.approx(trial.metrics["loss"], rel=0.15)
    assert evaluate(tmp_path, backbone, task, SETTING).figures == pytest.approx(found.test, abs=1e-6)
    model = backbone.language_model()
    assert load(tmp_path, model, backbone.anatomy) == configuration


@pytest.mark.slow
def test_without_trl_the_extra_is_named(backbone, tmp_path):
    code = (
        "import sys\nsys.modules['trl'] = None\n"
        "from pathlib import Path\nfrom autopeft.backbones import load_decoder\n"
        "from autopeft.methods import VOCABULARY\nfrom autopeft.space import canonical\n"
        "from autopeft.testing.targets import tiny_task\nfrom autopeft.training import fine_tune\n"
        "from autopeft.trials import TrialSetting\n"
        f"backbone = load_decoder({str(backbone.path)!r})\n"
        f"configuration = canonical({LORA!r}, VOCABULARY, backbone.shape)\n"
        f"fine_tune(configuration, backbone, tiny_task(True), TrialSetting(8, 8), Path({str(tmp_path)!r}))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "run `pip install 'autopeft[trl]'`" in done.stderr
