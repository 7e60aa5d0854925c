"""Models that tag words: windows, batches, prompts, what the engine leaves out, what is saved."""

import ast
import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from peft import PeftModel
from torch.nn.functional import cross_entropy
from transformers import AutoModel, AutoModelForTokenClassification, AutoTokenizer, GPT2Config

from autopeft.backbones import load_tagger, task_type_of
from autopeft.errors import AutopeftError, BackboneError
from autopeft.exporting.script import composed
from autopeft.methods import HEAD_ONLY, VOCABULARY, apply, load, remove, stock_lora
from autopeft.space import canonical
from autopeft.tasks import IGNORED, TaskSpec, load_task, pad_id_of
from autopeft.tasks.tables import Table
from autopeft.tasks.tokens import Sentences, Tags
from autopeft.testing.models import tiny_backbone
from autopeft.training.predictions import write_predictions
from autopeft.trials import Prediction, Ready, TrialRunner, kind_of
from autopeft.trials.tokens import TokensTrials, script
from autopeft.trials.tokens.told import told_of
from tests.tasks.tokens.test_encoding import TOKENIZERS, of_bytes
from tests.trials.tokens.data import write_conll

CPU = torch.device("cpu")
RATE = {"learning_rate": 1e-2}


@pytest.fixture(scope="module")
def task(tmp_path_factory):
    return load_task(TaskSpec(data=write_conll(tmp_path_factory.mktemp("data") / "rows.conll")))


@pytest.fixture(scope="module")
def backbone(tmp_path_factory):
    return load_tagger(tiny_backbone("bert", tmp_path_factory.mktemp("model")))


@pytest.fixture(scope="module")
def setting(task, backbone):
    chosen, _ = kind_of(task).choose_setting(task, backbone.tokenizer(), precision="fp32", batch_size=8, max_length=32)
    return replace(chosen, examples=48, epochs=2.0)


def no_feed(rows, longest):
    """Leave nothing out."""


def parts_of(kind, encoded, size, rng=None):
    return [(rows, kind.collate(encoded, rows, 0)) for rows in kind.grouped(encoded, size, rng)]


def test_trainings_see_whole_sentences_and_measuring_sees_windows(task, backbone):
    kind = kind_of(task)
    encoded = kind.encode(task.train, backbone.tokenizer(), 32)
    assert encoded.examples == len(task.train) < len(encoded)
    batches = kind.grouped(encoded, 8, np.random.default_rng(0))
    assert len(batches) == -(-len(task.train) // 8)
    for rows in batches:
        sentences = set(encoded.example[rows])
        assert len(sentences) <= 8
        assert sorted(rows) == sorted(np.flatnonzero(np.isin(encoded.example, [*sentences])))
    assert max(map(len, kind.grouped(encoded, 8))) == 8
    assert max(map(len, kind.parted(encoded, max(batches, key=len), 8))) <= 8


def test_what_is_told_does_not_depend_on_batches(task, backbone):
    kind = kind_of(task)
    model = kind.model(backbone, CPU)
    encoded = kind.encode(task.test, backbone.tokenizer(), 32)
    one, other = (told_of(model, parts_of(kind, encoded, size), "fp32", no_feed) for size in (2, 64))
    assert one.sentence.tolist() == other.sentence.tolist()
    assert one.truth.tolist() == [tag for tags in task.test.tags for tag in tags]
    assert one.told.tolist() == other.told.tolist()
    assert one.loss == pytest.approx(other.loss, abs=1e-6)


def test_the_loss_is_that_of_transformers_over_the_words(task, backbone):
    kind = kind_of(task)
    model = kind.model(backbone, CPU)
    encoded = kind.encode(task.test, backbone.tokenizer(), 32)
    batch = kind.collate(encoded, encoded.rows_of(np.arange(5)), 0)
    with torch.no_grad():
        found = kind.loss(model, batch, CPU, "fp32")
        logits = model(**{name: value for name, value in batch.items() if name != "labels"}).logits
        assert found == pytest.approx(float(model(**batch).loss), abs=1e-6)
    told = batch["labels"] != IGNORED
    assert found == pytest.approx(float(cross_entropy(logits[told], batch["labels"][told])), abs=1e-6)
    assert kind.terms(batch) == int(told.sum()) == sum(map(len, task.test.tags[:5]))


def test_part_of_a_split_is_measured_by_its_own_sentences(task, backbone, setting):
    kind = kind_of(task)
    model = kind.model(backbone, CPU)
    encoded = kind.encode(task.train, backbone.tokenizer(), 32)
    rows = encoded.rows_of(np.array([3, 7, 11]))
    told = told_of(model, [(rows, kind.collate(encoded, rows, 0))], "fp32", no_feed)
    assert np.unique(told.sentence).tolist() == [0, 1, 2]
    assert told.truth.tolist() == [tag for n in (3, 7, 11) for tag in task.train.tags[n]]


@pytest.mark.parametrize("modules", [{"prompt": {"length": 3}}, {"prefix": {"length": 2}}, {"lora": {"rank": 2}}])
def test_methods_of_all_sorts_are_told_at_the_words(modules, task, backbone):
    kind = kind_of(task)
    model = kind.model(backbone, CPU)
    encoded = kind.encode(task.test, backbone.tokenizer(), 32)
    batch = kind.collate(encoded, np.arange(4), 0)
    apply(
        canonical({"modules": modules, "training": RATE}, VOCABULARY, backbone.shape), model, backbone.anatomy, seed=0
    )
    loss = kind.loss(model, batch, CPU, "fp32")
    loss.backward()
    assert torch.isfinite(loss)
    assert len(told_of(model, [(np.arange(4), batch)], "fp32", no_feed).told) == kind.terms(batch)
    remove(model)


def test_layers_below_are_left_out_with_the_same_outcome(task, backbone, setting, tmp_path, monkeypatch):
    monkeypatch.setenv("AUTOPEFT_CACHE", str(tmp_path))
    modules = {"lora": {"rank": 2, "layers": [2], "targets": ["q", "o"]}}
    top = canonical({"modules": modules, "training": RATE}, VOCABULARY, backbone.shape)
    with_cache = TrialRunner(backbone, task, setting, CPU).run(top, 0)
    whole = TrialRunner(backbone, task, setting, CPU)
    monkeypatch.setattr(whole._shortcuts, "depth", lambda configuration, prefixes: 0)
    without = whole.run(top, 0)
    assert with_cache.status == without.status == "complete", with_cache.detail
    assert [*(tmp_path / "prefixes").glob("*-2.safetensors")]
    assert with_cache.metrics == pytest.approx(without.metrics, abs=1e-4)


def test_scores_are_one_a_sentence(task, backbone, setting, tmp_path):
    runner = TrialRunner(backbone, task, setting, CPU)
    outcome = runner.run(HEAD_ONLY, 0, folder=tmp_path)
    assert outcome.status == "complete", outcome.detail
    for name in ("validation", "test"):
        assert runner.score(tmp_path, name).shape == (len(task.splits[name]),)


@pytest.mark.parametrize("architecture", ["bert", "roberta", "gpt2", "llama"])
def test_peft_loads_what_is_saved_as_token_classification(architecture, task, tmp_path):
    backbone = load_tagger(tiny_backbone(architecture, tmp_path))
    kind = kind_of(task)
    chosen, _ = kind.choose_setting(task, backbone.tokenizer(), precision="fp32", batch_size=8, max_length=32)
    runner = TrialRunner(backbone, task, replace(chosen, examples=16, epochs=1.0), CPU)
    outcome = runner.run(stock_lora(backbone.shape, 1e-2), 0, folder=tmp_path / "kept")
    assert outcome.status == "complete", outcome.detail
    assert json.loads((tmp_path / "kept" / "adapter_config.json").read_text())["task_type"] == "TOKEN_CLS"
    assert task_type_of(backbone.meta()) == "TOKEN_CLS"
    base = AutoModelForTokenClassification.from_pretrained(backbone.path, num_labels=len(task.schema.labels))
    loaded = PeftModel.from_pretrained(base, str(tmp_path / "kept")).eval()
    model = kind.model(backbone, CPU)
    load(tmp_path / "kept", model, backbone.anatomy)
    encoded = kind.encode(task.test, backbone.tokenizer(), 32)
    batch = kind.collate(encoded, np.arange(4), pad_id_of(backbone.tokenizer()))
    inputs = {name: value for name, value in batch.items() if name != "labels"}
    with torch.no_grad():
        assert torch.allclose(loaded(**inputs).logits, model(**inputs).logits, atol=1e-5)


def test_the_script_makes_the_rows_of_trials(task, backbone):
    kind, tokenizer = kind_of(task), backbone.tokenizer()
    found = kind.script(task, tokenizer, 32)
    encode = script.encoder(tokenizer, {**found.settings, "max_length": 32})
    made = [encode(row) for row in found.rows["train"]()]
    expected = kind.encode(task.train, tokenizer, 32).inputs
    for name in ("input_ids", "labels"):
        assert [each[name] for each in made] == expected[name]
    assert "from autopeft" not in composed(Path(script.__file__).read_text())


def test_what_is_done_to_long_sentences_is_said(task, backbone):
    _, said = kind_of(task).choose_setting(task, backbone.tokenizer(), max_length=16)
    long = sum(len(words) + 2 > 16 for words in task.train.words)
    assert said == (
        f"{long} of {len(task.train)} sentences are longer than 16 tokens, and read in windows that overlap: each word "
        "is told once",
    )
    odd = Sentences([("",), ("- " * 40,)] * 8, [(0,), (1,)] * 8)
    more = task.kind.task("odd", task.schema, {**task.splits, "train": odd})
    _, said = kind_of(task).choose_setting(more, backbone.tokenizer(), max_length=16)
    assert said[1:] == (
        "8 words are longer than 14 tokens alone, and cut there",
        "8 words of which the tokenizer makes nothing are read as its unknown token",
    )


def test_models_that_cannot_are_refused(task, tmp_path):
    with pytest.raises(BackboneError, match="no token classification head"):
        load_tagger(tiny_backbone("vit", tmp_path))
    tokenizer = load_tagger(tiny_backbone("bert", tmp_path)).tokenizer()
    with pytest.raises(AutopeftError, match="no room for a word"):
        kind_of(task).encode(task.test, tokenizer, 2)


def test_tokenizers_of_bytes_are_saved_such_that_the_first_word_is_one_as_others(tmp_path):
    tokenizer = of_bytes("gpt2")
    TokensTrials(Tags(("O", "B-x"))).settle_tokenizer(tokenizer)
    tokenizer.save_pretrained(tmp_path)
    again = AutoTokenizer.from_pretrained(tmp_path)
    before = TOKENIZERS["gpt2"]([" the", " heart"], is_split_into_words=True)["input_ids"]
    assert again(["the", "heart"], is_split_into_words=True)["input_ids"] == before
    assert again("the heart")["input_ids"] == before


@pytest.mark.parametrize("ending", ["csv", "tsv", "jsonl"])
def test_lists_of_tags_are_written_whole(ending, tmp_path):
    table = Table("f", ("tokens",), [("row 1", {"tokens": ["a", 'b"c']}), ("row 2", {"tokens": None})])
    file = tmp_path / f"out.{ending}"
    write_predictions(table, [Prediction(["O", "B-x,y"]), None], file)
    if ending == "jsonl":
        rows = [json.loads(line) for line in file.read_text().splitlines()]
        assert [row["predicted"] for row in rows] == [["O", "B-x,y"], None]
        return
    with file.open(newline="") as lines:
        first, second = csv.DictReader(lines, delimiter="," if ending == "csv" else "\t")
    assert json.loads(first["predicted"]) == ["O", "B-x,y"]
    assert json.loads(first["tokens"]) == ["a", 'b"c']
    assert second["predicted"] == ""


@pytest.mark.parametrize("family", ["gpt2", "llama3"])
def test_the_code_of_a_card_reads_words_as_trials_do(family, task, tmp_path, capsys):
    tokenizer = of_bytes(family)
    config = GPT2Config(vocab_size=len(tokenizer), n_embd=32, n_layer=2, n_head=4, n_positions=64, eos_token_id=0)
    AutoModel.from_config(config).save_pretrained(tmp_path / "model")
    tokenizer.save_pretrained(tmp_path / "model")
    backbone = load_tagger(str(tmp_path / "model"))
    kind = kind_of(task)
    model = kind.model(backbone, CPU)
    settled = backbone.tokenizer()
    kind.settle_tokenizer(settled)
    settled.save_pretrained(tmp_path / "saved")
    saved = AutoTokenizer.from_pretrained(tmp_path / "saved")
    names = {"torch": torch, "model": model, "config": model.config, "tokenizer": saved}
    exec("\n".join(kind.using_code(backbone, task, 60, alone=False)), names)
    printed = [ast.literal_eval(line) for line in capsys.readouterr().out.splitlines()]
    assert len({tag for line in printed for _, tag in line}) > 1
    words = [tuple(text.split()) for text in names["texts"]]
    few = Sentences(words, [(0,) * len(each) for each in words])
    for reader in (saved, backbone.tokenizer()):
        found, _ = kind.predict(Ready(tmp_path, model, reader, 60, "fp32", {}), few)
        assert [[*zip(each, one.value, strict=True)] for each, one in zip(words, found, strict=True)] == printed
