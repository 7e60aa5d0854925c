"""Preferences for tools that train by them: the same pairs, beta and adapter; others refuse with the reason."""

import json
import subprocess
import sys
from dataclasses import replace

import pytest
import yaml

from autopeft.backbones import load_decoder
from autopeft.errors import ConfigurationError
from autopeft.exporting import ExportJob, export, refusal, target_named
from autopeft.exporting.trl_pairs import as_older_trl_prefers, as_trl_prefers
from autopeft.methods import VOCABULARY
from autopeft.space import canonical
from autopeft.tasks import IGNORED
from autopeft.testing.decoders import CHAT_TEMPLATE, tiny_decoder
from autopeft.trials import TrialSetting
from tests.exporting.fixtures.record import FILE
from tests.trials.preference.data import plain, talks, task_of

RECORDED = yaml.safe_load(FILE.read_text())
LORA = {"lora": {"rank": 4, "targets": ["q", "v"]}}
#: A template that writes more after the end of a turn.
ENDING = CHAT_TEMPLATE.replace(" [EOS] '", " [EOS] story '")
TOOLS = ("trl", "axolotl", "llamafactory")
FILES = {"trl": "training.yaml", "axolotl": "axolotl.yaml", "llamafactory": "llamafactory.yaml"}


def job_of(folder, rows=plain, template=None, modules=LORA, training=None, **setting):
    backbone = load_decoder(tiny_decoder("llama", folder, template=template))
    data = {"modules": modules, "training": {"learning_rate": 1e-3, **(training or {})}}
    how = {"examples": 8, "validation_examples": 8, "epochs": 2.0, "batch_size": 4, "max_length": 64, **setting}
    return ExportJob(
        canonical(data, VOCABULARY, backbone.shape), backbone, task_of(folder, rows()), TrialSetting(**how), 3
    )


def settings(folder, tool):
    return yaml.safe_load((folder / FILES[tool]).read_text())


@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize(("rows", "template"), [(plain, None), (talks, ENDING)], ids=["texts", "talks"])
def test_pairs_are_written_that_the_tool_reads_as_trials_do(rows, template, tool, tmp_path):
    job = job_of(tmp_path, rows, template, training={"beta": 0.3})
    export(job, tool, tmp_path / "out")
    found = settings(tmp_path / "out", tool)
    assert [found[key] for key in ("beta", "rl_beta", "pref_beta") if key in found] == [0.3]
    assert set(found) <= set(RECORDED[tool]["keys"]) | {"beta", "disable_dropout"}
    tokens = job.kind.encode(job.task.train, job.backbone.tokenizer(), 64).inputs
    read = target_named(tool).read(job, tmp_path / "out", 3)
    assert read == [*zip(tokens["input_ids"][:6], tokens["labels"][:6], strict=True)]
    assert len((tmp_path / "out" / "data" / "train.jsonl").read_text().splitlines()) == len(job.task.train)


def test_what_is_cut_goes_to_llamafactory_in_tokens(tmp_path):
    job = job_of(tmp_path, max_length=9)
    done = export(job, "llamafactory", tmp_path / "out")
    assert any("pairs would be other tokens than in trials" in note for note in done.notes)
    assert settings(tmp_path / "out", "llamafactory")["tokenized_path"] == "data/tokens"
    assert max(len(ids) for ids, _ in target_named("llamafactory").read(job, tmp_path / "out", 8)) == 9


def test_a_text_after_the_end_that_trl_would_not_write_is_refused(tmp_path):
    # Arrow would give thoughts to all messages; where a pair is text, what ends it is added.
    rows = talks()
    for row in rows:
        row["chosen"][0]["reasoning_content"] = "many"
    job = job_of(tmp_path, lambda: rows, ENDING)
    for tool in ("trl", "axolotl"):
        with pytest.raises(ConfigurationError, match=f"{tool} would make other tokens of .* --to llamafactory"):
            export(job, tool, tmp_path / "out")
    export(job, "llamafactory", tmp_path / "out")


def test_a_prompt_that_goes_into_one_token_with_its_answer_is_not_for_an_older_trl():
    tokenizer = type("Tokenizer", (), {"eos_token": ".", "__call__": lambda _, text: {"input_ids": _merged(text)}})()
    row = {"prompt": "ab", "chosen": "cd", "rejected": "e"}
    assert as_trl_prefers(row, tokenizer)[0] == (_merged("abcd."), [IGNORED, *_merged("abcd.")[1:]])
    assert as_older_trl_prefers(row, tokenizer)[0][0] != _merged("abcd.")


def _merged(text):
    """Return a token for each letter, one for `bc`."""
    return [ord(letter) for letter in text.replace("bc", "Z")]


@pytest.mark.parametrize("tool", ["torchtune", "transformers", "sentence-transformers"])
def test_tools_without_dpo_refuse_with_the_reason(tool, tmp_path):
    with pytest.raises(ConfigurationError, match="learns which of two answers to prefer; expected --to trl or"):
        export(job_of(tmp_path), tool, tmp_path / "out")


@pytest.mark.parametrize("tool", TOOLS)
def test_starts_that_change_the_reference_are_left_out_when_asked(tool, tmp_path):
    job = job_of(tmp_path, modules={"lora": {"rank": 4, "targets": ["q", "v"], "init": "pissa"}})
    said = refusal(target_named(tool), job.configuration, job.backbone, job.kind)
    assert "its adapter off is not the untouched one" in said
    with pytest.raises(ConfigurationError, match="--allow-lossy"):
        export(job, tool, tmp_path / "out")
    done = export(job, tool, tmp_path / "out", allow_lossy=True)
    assert any("lora.init" in each for each in done.left_out)


@pytest.mark.parametrize(("tool", "refused"), [("trl", False), ("axolotl", True), ("llamafactory", True)])
def test_dropout_of_adapters_stays_where_the_tool_leaves_it_on(tool, refused, tmp_path):
    job = job_of(tmp_path, modules={"lora": {"rank": 4, "targets": ["q", "v"], "dropout": 0.1}})
    said = refusal(target_named(tool), job.configuration, job.backbone, job.kind)
    assert ("lora.dropout" in (said or "")) == refused


def test_the_keys_of_trl_are_those_of_its_dpo(tmp_path):
    pytest.importorskip("trl", reason="needs TRL, the extra `trl`")
    from trl import DPOConfig, ModelConfig, ScriptArguments, TrlParser

    export(job_of(tmp_path, training={"beta": 0.2}), "trl", tmp_path / "out")
    parser = TrlParser((ScriptArguments, DPOConfig, ModelConfig))
    words = ["--config", str(tmp_path / "out" / "dpo.yaml"), "--output_dir", str(tmp_path / "o"), "--use_cpu", "true"]
    script, training, model = parser.parse_args_and_config(words)
    assert (training.beta, training.disable_dropout, training.max_length) == (0.2, False, 64)
    assert (script.dataset_name, model.lora_r) == ("./data", 4)
    assert not (tmp_path / "out" / "sft.yaml").exists()


@pytest.mark.slow
@pytest.mark.parametrize(("rows", "template"), [(plain, None), (talks, ENDING)], ids=["texts", "talks"])
def test_the_script_trains(rows, template, tmp_path):
    pytest.importorskip("trl", reason="needs TRL, the extra `trl`")
    job = job_of(tmp_path, rows, template)
    export(replace(job, setting=replace(job.setting, precision="fp32")), "trl", tmp_path / "out")
    command = [sys.executable, "train.py", "--max_steps", "2", "--report_to", "none"]
    done = subprocess.run(command, cwd=tmp_path / "out", capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "eval_rewards/accuracies" in done.stdout
    assert json.loads((tmp_path / "out" / "output" / "adapter_config.json").read_text())["r"] == 4
