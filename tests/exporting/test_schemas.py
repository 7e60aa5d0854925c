"""Exported YAML against what the tools themselves take: their own schemas where they are installed, else their keys.

The tools pin versions that do not go together; `tests/exporting/fixtures/record.py` says how to have them all.
"""

import dataclasses
import os

import pytest
import yaml

from autopeft.backbones import load_decoder
from autopeft.costs import Costs
from autopeft.exporting import export
from autopeft.testing.decoders import CHAT_TEMPLATE, tiny_decoder
from autopeft.testing.targets import tiny_job
from tests.exporting.fixtures.record import FILE
from tests.exporting.test_targets import FRACTION, LAYERED, ONE, PISSA, PLAIN

RECORDED = yaml.safe_load(FILE.read_text())


@pytest.fixture(scope="module")
def decoder(tmp_path_factory):
    return load_decoder(tiny_decoder("llama", tmp_path_factory.mktemp("model"), template=CHAT_TEMPLATE))


def exported(decoder, target, modules, folder, name=None):
    export(tiny_job(decoder, modules, causal=True), target, folder)
    return yaml.safe_load((folder / (name or f"{target}.yaml")).read_text())


@pytest.mark.parametrize("modules", [PLAIN, FRACTION, LAYERED], ids=["plain", "fraction", "layered"])
def test_all_keys_are_known_to_the_tools(decoder, tmp_path, modules):
    for target in ("axolotl", "llamafactory"):
        data = exported(decoder, target, modules, tmp_path / target)
        assert set(data) <= set(RECORDED[target]["keys"])
    settings = exported(decoder, "trl", modules, tmp_path / "trl", "training.yaml")
    assert set(settings) <= set(RECORDED["trl"]["keys"])
    if modules is PLAIN:
        assert set(exported(decoder, "trl", modules, tmp_path / "trl2", "sft.yaml")) <= set(RECORDED["trl"]["keys"])
    if modules is not LAYERED:
        model = exported(decoder, "torchtune", modules, tmp_path / "torchtune")["model"]
        assert set(model) - {"_component_"} <= set(RECORDED["torchtune"]["keys"])


@pytest.mark.parametrize("modules", [PLAIN, ONE, LAYERED, PISSA, FRACTION])
def test_axolotl_takes_its_file(decoder, tmp_path, modules):
    pytest.importorskip("axolotl", reason="needs axolotl")
    from axolotl.utils.schemas.config import AxolotlInputConfig

    data = exported(decoder, "axolotl", modules, tmp_path)
    found = AxolotlInputConfig(**data)
    assert (found.adapter, found.lora_r, found.learning_rate) == ("lora", data["lora_r"], data["learning_rate"])
    assert found.lora_rank_pattern == data.get("lora_rank_pattern")


@pytest.mark.parametrize("modules", [PLAIN, ONE, LAYERED, PISSA])
def test_llamafactory_takes_its_file(decoder, tmp_path, modules, monkeypatch):
    monkeypatch.setenv("DISABLE_VERSION_CHECK", os.environ.get("DISABLE_VERSION_CHECK", "1"))
    pytest.importorskip("llamafactory", reason="needs llamafactory")
    from llamafactory.hparams import DataArguments, FinetuningArguments, ModelArguments, TrainingArguments
    from transformers import HfArgumentParser

    data = exported(decoder, "llamafactory", modules, tmp_path)
    kinds = (ModelArguments, DataArguments, TrainingArguments, FinetuningArguments)
    _, _, training, tuning = HfArgumentParser(kinds).parse_dict(data, allow_extra_keys=False)
    assert (tuning.lora_rank, training.learning_rate) == (data["lora_rank"], data["learning_rate"])
    assert tuning.lora_target == data["lora_target"].split(",")


@pytest.mark.parametrize("modules", [PLAIN, ONE, FRACTION])
def test_torchtune_builds_its_model(decoder, tmp_path, modules, monkeypatch):
    pytest.importorskip("torchtune", reason="needs torchtune")
    # The last torchtune works with releases of torchao that PEFT refuses to work beside.
    monkeypatch.setattr("peft.tuners.lora.torchao.is_torchao_available", lambda: False)
    from omegaconf import OmegaConf
    from torchtune import config
    from torchtune.modules.peft import get_adapter_params

    exported(decoder, "torchtune", modules, tmp_path)
    recipe = OmegaConf.load(tmp_path / "torchtune.yaml")
    config.validate(recipe)
    model = config.instantiate(recipe.model)
    params = sum(parameter.numel() for parameter in get_adapter_params(model).values())
    job = tiny_job(decoder, modules, causal=True)
    assert params == Costs(decoder).params(job.configuration)
    total = sum(parameter.numel() for parameter in model.parameters()) - params
    assert total == decoder.num_parameters


@pytest.mark.parametrize("modules", [PLAIN, ONE])
def test_trl_reads_its_file_as_we_do(decoder, tmp_path, modules):
    pytest.importorskip("trl", reason="needs TRL, the extra `trl`")
    from trl import ModelConfig, ScriptArguments, SFTConfig, TrlParser, get_peft_config

    data = exported(decoder, "trl", modules, tmp_path, "sft.yaml")
    parser = TrlParser((ScriptArguments, SFTConfig, ModelConfig))
    words = ["--config", str(tmp_path / "sft.yaml"), "--output_dir", str(tmp_path / "out"), "--use_cpu", "true"]
    script, training, model = parser.parse_args_and_config(words)
    assert (training.learning_rate, script.dataset_name) == (data["learning_rate"], "./data")
    config = get_peft_config(model)
    assert (config.r, config.lora_alpha, config.use_dora) == (data["lora_r"], data["lora_alpha"], data["use_dora"])
    targets = data["lora_target_modules"]
    assert config.target_modules == (set(targets) if len(targets) > 1 else targets[0])
    assert dataclasses.asdict(config)["bias"] == "none"
