"""What is exported runs as it lies there: the page's one command in a process of its own, with no option added."""

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from autopeft.backbones import load_backbone, load_decoder
from autopeft.errors import AutopeftError, ConfigurationError
from autopeft.exporting import Origin, export
from autopeft.tasks.causal import FORMATS, TOOLS, Causal, CausalSplit, Turn
from autopeft.testing.decoders import CHAT_TEMPLATE, tiny_decoder
from autopeft.testing.models import TEXTS, tiny_backbone
from autopeft.testing.targets import tiny_job
from autopeft.testing.tasks import task_of

PLAIN = {"lora": {"rank": 4, "alpha": 8, "targets": ["q", "v"]}}
GPT2 = {"lora": {"rank": 4, "targets": ["qkv"]}}
SERIAL = {"serial_adapter": {"size": 4}}

#: As `CHAT_TEMPLATE`, with marks around what the assistant says, and with tools where there are some.
MARKED = (
    "{% for message in messages %}{{ message['role'] + ' ' }}{% if message['role'] == 'assistant' %}"
    "{% generation %}{{ message['content'] + ' [EOS] ' }}{% endgeneration %}"
    "{% else %}{{ message['content'] + ' [EOS] ' }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ 'assistant ' }}{% endif %}"
)
TOOLED = (
    "{% if tools %}{{ tools | tojson + ' ' }}{% endif %}{% for message in messages %}{{ message['role'] + ' ' }}"
    "{% for call in message['tool_calls'] or [] %}{{ call['function'] | tojson }}{% endfor %}"
    "{{ message['content'] + ' [EOS] ' }}{% endfor %}{% if add_generation_prompt %}{{ 'assistant ' }}{% endif %}"
)

ASKED, ANSWER = Turn("user", TEXTS[4]), Turn("assistant", TEXTS[0])
CALL = {"type": "function", "function": {"name": "find", "arguments": {"item": "kettle"}}}
EXAMPLES = {
    "completions": ("prompt", None, (ASKED, ANSWER)),
    "text": ("text", None, (ANSWER,)),
    "chat": ("prompt", CHAT_TEMPLATE, (ASKED, ANSWER)),
    "conversations": ("messages", CHAT_TEMPLATE, (ASKED, ANSWER, ASKED, Turn("assistant", TEXTS[1]))),
    "marked": ("messages", MARKED, (ASKED, ANSWER, ASKED, Turn("assistant", TEXTS[1]))),
    "tools": (
        "messages",
        TOOLED,
        (
            Turn(TOOLS, json.dumps([{"name": "find"}])),
            ASKED,
            Turn("assistant", "", json.dumps({"tool_calls": [CALL]})),
            Turn("tool", TEXTS[2]),
            ANSWER,
        ),
    ),
}


def exported(target, kind, precision, folder, *, architecture="llama", modules=PLAIN):
    """Export a tiny job of a kind of data."""
    if kind == "classification":
        backbone = load_backbone(tiny_backbone(architecture, folder / "model"))
        job = tiny_job(backbone, modules, causal=False)
    else:
        name, template, example = EXAMPLES[kind]
        backbone = load_decoder(tiny_decoder(architecture, folder / "model", template=template))
        form = next(form for form in FORMATS if form.name == name)
        split = CausalSplit([example] * 8)
        task = task_of(Causal(), form, split, name="tiny")
        job = replace(tiny_job(backbone, modules, causal=True), task=task)
    setting = replace(job.setting, precision=precision, epochs=1.0, max_length=120)
    origin = Origin(Path("run"), 7, "0.5000 on validation")
    return export(replace(job, setting=setting, origin=origin), target, folder / "out")


def command_of(folder):
    """Return the words of the one command that the page names."""
    return re.search(r"that searched:\n\n    (.+)\n", (folder / "README.md").read_text()).group(1).split()


def run_page(folder):
    """Run the command that the page names, as it stands, in the folder; return what it wrote."""
    words = command_of(folder)
    program = [sys.executable] if words[0] == "python" else [str(Path(sys.executable).with_name(words[0]))]
    # The machine's own paths, not those of this checkout: what is exported has to do without it.
    path = os.pathsep.join(entry for entry in sys.path if "site-packages" in entry or "-lib" in entry)
    done = subprocess.run(
        [*program, *words[1:]],
        capture_output=True,
        text=True,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path},
        timeout=900,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads((folder / "output" / "adapter_config.json").read_text())


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("kind", ["classification", *EXAMPLES])
@pytest.mark.slow
def test_the_script_of_transformers_trains(tmp_path, kind, precision):
    architecture = "bert" if kind == "classification" else "llama"
    done = exported("transformers", kind, precision, tmp_path, architecture=architecture)
    assert run_page(done.folder)["r"] == 4
    assert json.loads((done.folder / "output" / "config.json").read_text())["model_type"] == architecture


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("kind", EXAMPLES)
@pytest.mark.slow
def test_the_script_of_trl_trains(tmp_path, kind, precision):
    pytest.importorskip("trl", reason="needs TRL, the extra `trl`")
    done = exported("trl", kind, precision, tmp_path)
    assert run_page(done.folder)["r"] == 4


@pytest.mark.parametrize(
    ("target", "kind", "architecture", "modules"),
    [
        ("transformers", "classification", "gpt2", GPT2),
        ("transformers", "classification", "roberta", SERIAL),
        ("transformers", "classification", "qwen2", PLAIN),
        ("transformers", "completions", "gpt2", GPT2),
        ("trl", "completions", "gpt2", GPT2),
        ("trl", "conversations", "qwen2", PLAIN),
    ],
)
@pytest.mark.slow
def test_other_backbones_train_in_bf16(tmp_path, target, kind, architecture, modules):
    if target == "trl":
        pytest.importorskip("trl", reason="needs TRL, the extra `trl`")
    run_page(exported(target, kind, "bf16", tmp_path, architecture=architecture, modules=modules).folder)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("kind", EXAMPLES)
@pytest.mark.parametrize("target", ["axolotl", "llamafactory", "torchtune"])
@pytest.mark.slow
def test_other_tools_train_by_their_command(tmp_path, target, kind, precision):
    """They pin other versions than ours: have their programs on the path, from environments of their own."""
    done = exported(target, kind, precision, tmp_path)
    words = command_of(done.folder)
    if target == "torchtune":
        assert "pip install transformers" in (done.folder / "README.md").read_text()
    if shutil.which(words[0]) is None:
        pytest.skip(f"needs {words[0]} on the path")
    found = subprocess.run(words, capture_output=True, text=True, cwd=done.folder, timeout=900)
    assert found.returncode == 0, found.stdout + found.stderr


@pytest.mark.slow
def test_a_bf16_search_on_a_machine_without_a_gpu_leads_to_a_script_that_runs_there(tmp_path):
    assert run_page(exported("transformers", "classification", "bf16", tmp_path, architecture="bert").folder)["r"] == 4


@pytest.mark.parametrize("kind", EXAMPLES)
def test_what_sfttrainer_makes_of_the_rows_is_what_we_say(tmp_path, kind):
    """The check before an export goes by our reading of TRL; here TRL itself reads."""
    trl = pytest.importorskip("trl", reason="needs TRL, the extra `trl`")
    from datasets import load_dataset
    from transformers import AutoModelForCausalLM

    from autopeft.exporting.data import first_rows
    from autopeft.exporting.trl_rows import as_trl_reads

    done = exported("trl", kind, "fp32", tmp_path)
    settings = yaml.safe_load((done.folder / "training.yaml").read_text())
    backbone = load_decoder(settings["model_name_or_path"])
    arguments = trl.SFTConfig(
        output_dir=str(tmp_path / "o"),
        use_cpu=True,
        max_length=settings["max_length"],
        assistant_only_loss=settings.get("assistant_only_loss", False),
    )
    data = load_dataset("json", data_files=str(done.folder / "data" / "train.jsonl"), split="train")
    model = AutoModelForCausalLM.from_pretrained(backbone.path)
    trainer = trl.SFTTrainer(model, arguments, train_dataset=data, processing_class=backbone.tokenizer())
    [ours] = [as_trl_reads(row, backbone.tokenizer()) for row in first_rows(done.folder, 1)]
    assert (trainer.train_dataset[0]["input_ids"], trainer.train_dataset[0]["labels"]) == tuple(ours)


@pytest.mark.parametrize("target", ["transformers", "peft", "autopeft"])
def test_every_file_that_can_says_first_where_it_is_from(tmp_path, target):
    done = exported(target, "classification", "fp32", tmp_path, architecture="bert")
    for name in done.files:
        if Path(name).suffix in (".py", ".yaml", ".md"):
            first = (done.folder / name).read_text().split("\n", 3)
            assert any("autopeft 0." in line and "trial 7 of run" in line and "0.5000" in line for line in first)


@pytest.mark.slow
def test_the_code_of_an_untrained_adapter_runs_in_its_folder(tmp_path):
    done = exported("peft", "classification", "fp32", tmp_path, architecture="bert", modules=SERIAL)
    script = f"{done.code}\nprint(model.active_peft_config.peft_type)"
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=done.folder, timeout=300)
    assert "SERIAL_ADAPTER" in found.stdout, found.stderr


def test_a_second_export_into_a_folder_leaves_nothing_of_the_first(tmp_path):
    first = exported("transformers", "classification", "fp32", tmp_path, architecture="bert")
    assert "train.py" in first.files
    second = exported("peft", "classification", "fp32", tmp_path, architecture="bert")
    there = {path.relative_to(second.folder).as_posix() for path in second.folder.rglob("*") if path.is_file()}
    assert there == set(second.files)
    assert "train.py" not in there


@pytest.mark.parametrize("fault", [OSError(28, "No space left on device"), ConfigurationError("another model")])
def test_an_export_that_fails_leaves_the_earlier_one(tmp_path, monkeypatch, fault):
    done = exported("transformers", "classification", "fp32", tmp_path, architecture="bert")
    before = {path: path.read_bytes() for path in done.folder.rglob("*") if path.is_file()}

    def fail(*_):
        raise fault

    monkeypatch.setattr("autopeft.exporting.exporting.check", fail)
    with pytest.raises(AutopeftError):
        exported("peft", "classification", "fp32", tmp_path, architecture="bert")
    assert {path: path.read_bytes() for path in done.folder.rglob("*") if path.is_file()} == before


def test_a_folder_of_other_files_is_refused(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").touch()
    with pytest.raises(AutopeftError, match=r"mine\.txt"):
        exported("peft", "classification", "fp32", tmp_path, architecture="bert")


@pytest.mark.parametrize(
    ("modules", "short"),
    [
        (PLAIN, {"target_modules": ["query", "value"], "r": 4, "lora_alpha": 8, "layers_to_transform": None}),
        ({"lora": {"rank": 4, "layers": [1]}}, {"target_modules": ["query", "value"], "layers_to_transform": [1]}),
        (
            {"lora": {"rank": {"0": 4, "1": 4, "2": 8}, "alpha": 8, "targets": ["q"]}},
            {"target_modules": ["query"], "r": 4, "rank_pattern": {"bert.encoder.layer.2.attention.self.query": 8}},
        ),
        # Its name is an ending of another module's.
        (
            {"lora": {"rank": 4, "layers": [0], "targets": ["down"]}},
            {"target_modules": ["bert.encoder.layer.0.output.dense"]},
        ),
    ],
)
def test_configs_read_as_a_person_would_have_written_them(tmp_path, modules, short):
    done = exported("peft", "classification", "fp32", tmp_path, architecture="bert", modules=modules)
    config = json.loads((done.folder / "adapter_config.json").read_text())
    assert {key: config[key] for key in short} == short


@pytest.mark.slow
def test_the_packaged_model_is_named_by_its_hub_id(tmp_path):
    backbone = load_backbone()
    for target in ("peft", "transformers", "autopeft"):
        done = export(tiny_job(backbone, PLAIN, causal=False), target, tmp_path / target)
        for name in done.files:
            assert "site-packages" not in (done.folder / name).read_text(), name
    assert run_page(tmp_path / "transformers")["base_model_name_or_path"] == "sentence-transformers/all-MiniLM-L6-v2"


def test_names_of_odd_letters_stay_in_their_line(tmp_path):
    backbone = load_backbone(tiny_backbone("bert", tmp_path / "model"))
    job = tiny_job(backbone, PLAIN, causal=False)
    names = ("a, b", "new\nline | <b>")
    job = replace(
        job,
        task=replace(job.task, name="a | <b>", schema=replace(job.task.schema, labels=names)),
        origin=Origin(Path("a\nrun | #"), 1, "0.5000 on validation"),
    )
    done = export(job, "transformers", tmp_path / "out")
    page = (done.folder / "README.md").read_text()
    assert page.startswith("# tiny-bert on a \\| \\<b\\>, for transformers\n")
    assert yaml.safe_load((done.folder / "training.yaml").read_text())["labels"] == list(names)
