"""Decoders that are shown sets of documents: what they learn, how answers are read, what an order is worth."""

import json
import re

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer
from tokenizers.decoders import ByteLevel as ByteLevelDecoder
from tokenizers.models import BPE
from tokenizers.pre_tokenizers import ByteLevel
from tokenizers.trainers import BpeTrainer
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from autopeft.backbones import load_either
from autopeft.errors import AutopeftError, DataError
from autopeft.tasks import IGNORED, TaskSpec, load_task
from autopeft.tasks.ranking.metrics import in_this_order
from autopeft.tasks.ranking.queries import Queries, Query
from autopeft.tasks.rerank.sets import PROMPT, answer_of, named_in
from autopeft.testing.models import tiny_backbone
from autopeft.trials import Ready, kind_of, use_threads
from autopeft.trials.rerank import naming, setwise
from tests.cli.in_process import run_here
from tests.tasks.rerank.data import judged_rows, write_rows

SIZE, QUERIES = 8, 60


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("<answer>[3]</answer>", 2),
        ("<think>The third says it.</think> <answer>[3]</answer> and no more", 2),
        ("<answer> [1]\n</answer>", 0),
        ("<answer>3</answer>", None),
        ("[3]", None),
        ("<answer>[3]", None),
        ("<answer>[0]</answer>", None),
        ("<answer>[6]</answer>", None),
        ("<answer>[2] or [3]</answer>", None),
        ("<answer>[3]</answer> <answer>[4]</answer>", 2),
        ("", None),
    ],
)
def test_answers_are_found_in_texts_and_need_brackets(text, place):
    assert named_in(text, 5) == place


def test_what_is_learned_is_what_is_read():
    assert [named_in(answer_of(number), 20) for number in range(1, 21)] == [*range(20)]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with judged rows, and a tiny decoder that can write everything."""
    use_threads(1)
    folder = tmp_path_factory.mktemp("sets")
    rows = judged_rows(QUERIES)
    write_rows(folder / "rows.jsonl", rows)
    core = Tokenizer(BPE())
    core.pre_tokenizer, core.decoder = ByteLevel(add_prefix_space=False), ByteLevelDecoder()
    trainer = BpeTrainer(special_tokens=["<end>"], initial_alphabet=ByteLevel.alphabet(), vocab_size=700)
    core.train_from_iterator([PROMPT, *(str(row["document"]) for row in rows)], trainer)
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=core, eos_token="<end>", model_max_length=1024)
    tokenizer.save_pretrained(folder / "tiny")
    sizes = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4}
    ends = {"bos_token_id": None, "eos_token_id": tokenizer.eos_token_id}
    torch.manual_seed(0)
    LlamaForCausalLM(LlamaConfig(vocab_size=len(tokenizer), **sizes, **ends)).save_pretrained(folder / "tiny")
    return folder


@pytest.fixture(scope="module")
def backbone(place):
    return load_either(str(place / "tiny"))


def sets(place, backbone=None, **settings):
    task = load_task(TaskSpec(data=str(place / "rows.jsonl"), candidates=4, set_size=SIZE, **settings))
    return task if backbone is None else kind_of(task).fitted(task, backbone)


def test_a_training_set_has_one_relevant_document_anywhere_among_others(place):
    task = sets(place)
    rows = {(row["query"], row["document"]): row["relevance"] for row in judged_rows(QUERIES)}
    where = []
    for query in task.train.queries:
        assert len(query.documents) == len(set(query.documents)) == SIZE
        told = [rows.get((query.text, task.train.corpus[name]), 0) > 0 for name in query.documents]
        assert told == [grade > 0 for grade in query.grades]
        where.append(told.index(True))
        assert sum(told) == 1
    assert set(where) == set(range(SIZE))
    assert any("sets of 8 instead" in note for note in task.notes)
    assert sets(place).fingerprint == task.fingerprint
    assert sets(place, seed=1).fingerprint != task.fingerprint
    assert load_task(TaskSpec(data=str(place / "rows.jsonl"), candidates=4)).fingerprint != task.fingerprint


def test_nothing_is_learned_but_the_answer(place, backbone):
    task, tokenizer = sets(place, backbone), backbone.tokenizer()
    encoded = kind_of(task).encode(task.train.take(range(5)), tokenizer, 1024)
    for query, ids, labels in zip(task.train.queries, *encoded.inputs.values(), strict=False):
        learned = [label for label in labels if label != IGNORED]
        right = query.grades.index(max(query.grades)) + 1
        assert tokenizer.decode(learned) == f" <answer>[{right}]</answer><end>"
        text = tokenizer.decode(ids[: len(ids) - len(learned)])
        assert f'answers the query "{query.text}" best?' in text
        assert re.findall(r"^\[(\d)\] ", text, re.MULTILINE) == [str(number + 1) for number in range(SIZE)]
        assert text.index(f"[{right}] ") < text.index(task.train.corpus[query.documents[right - 1]])


def test_sets_without_a_right_answer_are_ranked_and_not_learned(place, backbone):
    task, tokenizer = sets(place, backbone), backbone.tokenizer()
    lost = Queries([Query("film", ("a", "b"), (0, 0), (1,)), Query("film", ("a", "b"), (0, 1))], {"a": "x", "b": "y"})
    assert len(kind_of(task).encode(lost, tokenizer, 1024)) == 1
    assert len(naming.named(kind_of(task).model(backbone, torch.device("cpu")), lost, tokenizer, "fp32")) == 2


def told(monkeypatch, answer):
    """Let a model write what a function says of each prompt."""
    monkeypatch.setattr(
        naming,
        "generate_all",
        lambda model, prompts, tokenizer, **how: [[answer(tokenizer.decode(prompt))] for prompt in prompts],
    )


def test_the_document_that_is_named_comes_first_and_others_stay(place, backbone, monkeypatch):
    task, tokenizer = sets(place, backbone), backbone.tokenizer()
    probe, model = kind_of(task).probes(task.validation, tokenizer, None)[0], backbone.meta()
    told(monkeypatch, lambda prompt: "I cannot say.")
    as_found = probe.scores(model, "fp32", 100)
    for metric in ("ndcg@10", "mrr@10", "map"):
        assert as_found[metric].tolist() == in_this_order(metric, task.validation.queries).tolist()
    assert not as_found["named_right"].any()

    def right(prompt):
        # Of these data relevant documents have this word, and others have not.
        good = re.findall(r"^\[(\d)\] .*\bgood\b", prompt, re.MULTILINE)
        return f"Well, <answer>[{good[0]}]</answer>" if good else ""

    told(monkeypatch, right)
    found = probe.scores(model, "fp32", 100)
    hits = np.array([max(query.grades) > 0 for query in task.validation.queries])
    assert hits.any()
    assert found["mrr@10"].tolist() == hits.astype(float).tolist() == found["named_right"].tolist()
    assert found["ndcg@10"].mean() >= as_found["ndcg@10"].mean()
    assert len(probe.scores(model, "fp32", 3)["map"]) == 3


def test_sets_that_the_model_cannot_read_are_said(place, backbone, monkeypatch):
    task, tokenizer = sets(place, backbone), backbone.tokenizer()
    told(monkeypatch, lambda prompt: "<answer>[1]</answer>")
    some = task.validation.take(range(4))
    assert naming.named(backbone.meta(), some, tokenizer, "fp32") == [0] * 4
    tokenizer.model_max_length = 100
    assert naming.named(backbone.meta(), some, tokenizer, "fp32") == [None] * 4
    with pytest.raises(
        DataError, match=r"sets of documents take up to \d+ tokens, but the model reads at most 100; show"
    ):
        kind_of(task).choose_setting(task, tokenizer)


def test_more_documents_than_a_set_has_play_it_out(place, backbone, tmp_path, monkeypatch):
    task = sets(place, backbone)
    shown = []

    def longest(model, split, tokenizer, precision):
        shown.extend(len(query.documents) for query in split.queries)
        return [max(range(len(q.documents)), key=lambda n: len(split.corpus[q.documents[n]])) for q in split.queries]

    monkeypatch.setattr(setwise, "named", longest)
    queries = [Query("a" if number < 20 else "b", (str(number),), (0,)) for number in range(21)]
    corpus = {str(number): "x" * (number % 17) for number in range(21)}
    ready = Ready(tmp_path, None, None, 64, "fp32", {})
    found, said = kind_of(task).predict(ready, Queries(queries, corpus))
    # The longest of the first query; the only one of the second is not asked about.
    assert [number for number, each in enumerate(found) if each.value == 1.0] == [16, 20]
    assert sorted(shown) == [3, 4, 8, 8]
    assert said == ()
    monkeypatch.setattr(setwise, "named", lambda model, split, *how: [None] * len(split))
    found, [said] = kind_of(task).predict(ready, Queries(queries[:3], corpus))
    assert [each.value for each in found] == [1.0, 0.0, 0.0]
    assert said == "1 sets have no document named, or are too long; the first that was shown is taken there"
    with pytest.raises(AutopeftError, match="leave --max-new-tokens out"):
        kind_of(task).predict(ready, Queries(queries, corpus), max_new_tokens=3)


def test_what_cannot_be_is_refused(place, backbone, tmp_path):
    with pytest.raises(DataError, match="--set-size is 8, but 20 documents are ranked for a query of test"):
        load_task(TaskSpec(data=str(place / "rows.jsonl"), set_size=8))
    with pytest.raises(DataError, match="--grades are of documents alone, and --set-size shows several at once"):
        sets(place, grades=4)
    encoder, task = load_either(tiny_backbone("roberta", tmp_path)), sets(place)
    with pytest.raises(AutopeftError, match="--set-size is for decoders, and tiny-roberta is none"):
        kind_of(task).fitted(task, encoder)
    task = sets(place, backbone)
    with pytest.raises(AutopeftError, match="--loss: found 'listwise', but what is written is learned token by token"):
        kind_of(task).choose_setting(task, backbone.tokenizer(), loss="listwise")
    with pytest.raises(DataError, match="--set-size is not for a task of causal"):
        load_task(TaskSpec(data=str(place / "rows.jsonl"), set_size=8, kind="causal"))


@pytest.mark.slow
def test_it_goes_through_the_verbs(place):
    def run(*words):
        done = run_here(*words, cwd=place)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    data = ("--kind", "rerank", "--data", "rows.jsonl", "--candidates", 4, "--set-size", SIZE)
    small = ("--budget", "30%", "--workers", 0, "--examples", 16, "--epochs", 1, "--trials", 3, "--precision", "fp32")
    said = run("search", "--model", "tiny", *data, *small, "--no-select", "-o", "run")
    assert "writes which is the best" in " ".join(said.split())
    front = json.loads((place / "run" / "front.json").read_text())
    assert front["metric"] == "ndcg@10"
    assert all("named_right" in row["metrics"] for row in (*front["front"], *front["baselines"]))
    assert json.loads(run("select", "run", "--seeds", 3, "--workers", 0, "--json"))["metric"] == "ndcg@10"
    run("train", "run", "--pick", 1, "-o", "trained", "--merge")
    figures = json.loads((place / "trained" / "metrics.json").read_text())["test"]
    found = json.loads(run("evaluate", "trained", "--data", "rows.jsonl", "--candidates", 4, "--json"))
    assert {name: found[name] for name in figures} == pytest.approx(figures, abs=1e-5)
    lines = [{"query": "happy film", "document": text} for text in ("good film", "bad arm", "sad story")]
    write_rows(place / "new.jsonl", lines)
    for folder in ("trained", "trained/merged"):
        told = [row["predicted"] for row in json.loads(run("predict", folder, "new.jsonl", "--json"))]
        assert sorted(told) == [0.0, 0.0, 1.0]
    assert "[3]</answer>" in (place / "trained" / "README.md").read_text()
    run("export", "run", "--pick", 1, "--to", "trl", "-o", "trl")
    rows = [json.loads(line) for line in (place / "trl" / "data" / "train.jsonl").read_text().splitlines()]
    assert all(set(row) == {"prompt", "completion"} and named_in(row["completion"], SIZE) is not None for row in rows)
    run("export", "run", "--pick", 1, "--to", "transformers", "-o", "script")
