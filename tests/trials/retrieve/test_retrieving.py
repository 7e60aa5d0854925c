"""Vectors are made as sentence-transformers makes them, and trained on what belongs together."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy, normalize

from autopeft.backbones import load_embedder
from autopeft.errors import AutopeftError, BackboneError
from autopeft.methods import HEAD_ONLY, stock_lora
from autopeft.tasks import TaskSpec, load_task
from autopeft.tasks.ranking.queries import Queries, Query
from autopeft.tasks.retrieve import METRICS, POOLINGS, Vectors
from autopeft.testing.models import tiny_backbone
from autopeft.trials import TrialRunner, kind_of, use_threads
from autopeft.trials.retrieve.contrast import LEFT_OUT, NEGATIVE, QUERY, SCALE, TARGET, contrasted, pooled
from autopeft.trials.retrieve.texts import batch_of_texts, encode_texts
from tests.tasks.rerank.data import judged_rows, write_rows

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    use_threads(1)
    return write_rows(tmp_path_factory.mktemp("data") / "rows.jsonl", judged_rows())


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tiny_backbone("bert", tmp_path_factory.mktemp("model"))


def fitted(data, backbone, **settings):
    task = load_task(TaskSpec(data=data, kind="retrieve", **settings))
    return kind_of(task).fitted(task, backbone)


SPLIT = Queries(
    [
        Query("happy film", ("a", "b", "c"), (1, 0, 0), (1,), ("d",)),
        Query("sad story", ("d", "a", "e"), (2, 1, 0)),
        Query("left arm", ("f",), (1,)),
    ],
    {"a": "good", "b": "bad film", "c": "sad", "d": "story", "e": "lung", "f": "heart"},
)


def test_a_row_says_what_it_is_to_each_query(folder):
    encoded = encode_texts(SPLIT, Vectors(), load_embedder(folder).tokenizer(), 16)
    batch = batch_of_texts(encoded, np.arange(len(encoded)), 0)
    expected = [
        [QUERY, QUERY, QUERY],
        [TARGET, LEFT_OUT, NEGATIVE],
        [NEGATIVE, NEGATIVE, NEGATIVE],
        [NEGATIVE, NEGATIVE, NEGATIVE],
        [QUERY, QUERY, QUERY],
        [LEFT_OUT, TARGET, NEGATIVE],
        [LEFT_OUT, TARGET, NEGATIVE],
        [NEGATIVE, NEGATIVE, NEGATIVE],
        [QUERY, QUERY, QUERY],
        [NEGATIVE, NEGATIVE, TARGET],
    ]
    assert batch["labels"].tolist() == expected
    alone = batch_of_texts(encoded, np.array([1, 2]), 0)
    assert alone["labels"].shape == (2, 0)


def test_prompts_stand_before_what_they_are_for(folder):
    tokenizer = load_embedder(folder).tokenizer()
    schema = Vectors(prompts={"query": "how many ", "document": "the "})
    found = encode_texts(SPLIT.take([0]), schema, tokenizer, 16).inputs["input_ids"]
    assert found == [
        tokenizer(text)["input_ids"] for text in ("how many happy film", "the good", "the bad film", "the sad")
    ]


def test_the_loss_is_cross_entropy_among_what_is_not_relevant(folder):
    encoded = encode_texts(SPLIT, Vectors(), load_embedder(folder).tokenizer(), 16)
    marks = batch_of_texts(encoded, np.arange(len(encoded)), 0)["labels"]
    vectors = normalize(torch.randn(len(encoded), 8, generator=torch.Generator().manual_seed(0)), dim=1)
    vectors.requires_grad_()
    documents = [row for row in range(len(encoded)) if marks[row, 0] != QUERY]
    expected = 0.0
    for number, row in enumerate([0, 4, 8]):
        for target in (each for each in documents if marks[each, number] == TARGET):
            rivals = [target, *(each for each in documents if marks[each, number] == NEGATIVE)]
            logits = SCALE * vectors[rivals] @ vectors[row]
            expected += cross_entropy(logits[None], torch.tensor([0])).item()
    found = contrasted(vectors, marks)
    assert found.item() == pytest.approx(expected, rel=1e-5)
    found.backward()
    assert torch.isfinite(vectors.grad).all()


def test_with_nothing_to_be_told_from_there_is_no_loss_and_a_gradient_of_zero():
    vectors = torch.eye(2, requires_grad=True)
    found = contrasted(vectors, torch.tensor([[QUERY], [TARGET]]))
    found.backward()
    assert (float(found), float(vectors.grad.abs().sum())) == (0.0, 0.0)


@pytest.mark.parametrize("pooling", POOLINGS)
def test_padding_is_no_part_of_a_vector(pooling):
    states = torch.randn(2, 5, 4)
    mask = torch.tensor([[1, 1, 1, 0, 0], [1, 1, 1, 1, 1]])
    found = pooled(states, mask, pooling)
    assert torch.allclose(found[0], pooled(states[:1, :3], mask[:1, :3], pooling)[0])
    assert torch.allclose(found[1], {"mean": states[1].mean(0), "first": states[1, 0], "last": states[1, -1]}[pooling])


def test_a_trial_trains_adapters_alone_and_is_measured_by_every_metric(data, folder):
    backbone = load_embedder(folder)
    task = fitted(data, backbone)
    setting, said = kind_of(task).choose_setting(task, backbone.tokenizer(), precision="fp32")
    assert "told from all others of a batch" in said[0]
    runner = TrialRunner(backbone, task, replace(setting, examples=48, epochs=2.0), CPU)
    outcome = runner.run(stock_lora(backbone.shape, 5e-3), 0)
    assert outcome.status == "complete", outcome.detail
    assert set(outcome.metrics) == {*METRICS, "loss"}
    # A and B of rank 8 on q and v: there is no head.
    assert outcome.params == backbone.shape.layers * 2 * 2 * 8 * backbone.shape.hidden
    untouched = runner.run(HEAD_ONLY, 0)
    assert (untouched.status, untouched.params) == ("complete", 0)
    assert untouched.metrics["loss"] > outcome.metrics["loss"]


def test_metrics_are_those_of_ranking_the_whole_corpus(data, folder):
    backbone = load_embedder(folder)
    task = fitted(data, backbone, pooling="first")
    kind, tokenizer, model = kind_of(task), backbone.tokenizer(), backbone.embedder()
    encoded = kind.encode(task.test, tokenizer, 32)
    parts = [(rows, kind.collate(encoded, rows, 0)) for rows in kind.grouped(encoded, 8)]
    figures = kind.measure(model, parts, "fp32", lambda rows, longest: None).figures

    def vector(text):
        with torch.no_grad():
            return normalize(model(**tokenizer(text, truncation=True, max_length=32, return_tensors="pt"))[0][:, 0])[0]

    names = sorted({name for query in task.test.queries for name in query.documents}, reverse=True)
    corpus = torch.stack([vector(task.test.corpus[name]) for name in names])
    reached = []
    for query in task.test.queries:
        order = (-(corpus @ vector(query.text))).argsort(stable=True).tolist()
        first = next(place for place, at in enumerate(order, 1) if names[at] in query.relevant)
        reached.append(1 / first if first <= 10 else 0.0)
    assert figures["mrr@10"] == pytest.approx(np.mean(reached), abs=1e-6)
    assert 0 < figures["recall@100"] <= 1
    assert math.isfinite(figures["loss"])


def test_the_model_says_how_its_vectors_are_made(data, tmp_path):
    backbone = load_embedder(tiny_backbone("bert", tmp_path))
    assert fitted(data, backbone).schema == Vectors(pooling="mean", size=backbone.shape.hidden)
    assert fitted(data, load_embedder(tiny_backbone("llama", tmp_path))).schema.pooling == "last"
    folder = tmp_path / "tiny-bert" / "1_Pooling"
    folder.mkdir()
    (folder / "config.json").write_text('{"pooling_mode_cls_token": true, "pooling_mode_mean_tokens": false}')
    sidecar = tmp_path / "tiny-bert" / "config_sentence_transformers.json"
    sidecar.write_text('{"prompts": {"query": "how ", "passage": "the ", "other": "x"}}')
    told = load_embedder(str(tmp_path / "tiny-bert"))
    assert (told.pooling, told.prompts) == ("first", {"query": "how ", "document": "the "})
    assert fitted(data, told, pooling="mean").schema.pooling == "mean"
    (folder / "config.json").write_text('{"pooling_mode": ["lasttoken"]}')
    assert load_embedder(str(tmp_path / "tiny-bert")).pooling == "last"
    modules = tmp_path / "tiny-bert" / "modules.json"
    modules.write_text('[{"type": "a.Transformer"}, {"type": "a.Pooling"}, {"type": "sentence_transformers.Dense"}]')
    with pytest.raises(BackboneError, match=r"more than a model and pooling: Dense.* by naming --pooling"):
        fitted(data, load_embedder(str(tmp_path / "tiny-bert")))
    modules.unlink()
    (folder / "config.json").write_text('{"pooling_mode": "max"}')
    with pytest.raises(
        BackboneError, match="asks for max; expected one of mean, cls, lasttoken, or another by --pooling"
    ):
        fitted(data, load_embedder(str(tmp_path / "tiny-bert")))


def test_prompts_count_where_texts_are_cut_and_are_said(data, tmp_path):
    folder = tiny_backbone("bert", tmp_path)
    (tmp_path / "tiny-bert" / "config_sentence_transformers.json").write_text(
        json.dumps({"prompts": {"query": "how many of it " * 10}})
    )
    backbone = load_embedder(folder)
    task = fitted(data, backbone)
    kind, tokenizer = kind_of(task), backbone.tokenizer()
    setting, said = kind.choose_setting(task, tokenizer)
    assert "before each query" in " ".join(said)
    encoded = kind.encode(task.train.take([0, 1]), tokenizer, setting.max_length)
    first, second = (encoded.inputs["input_ids"][row] for row in (0, 1 + len(task.train.queries[0].documents)))
    assert first != second
    assert encoded.truncated == 0.0


def test_a_loss_is_not_to_be_chosen(data, folder):
    backbone = load_embedder(folder)
    task = fitted(data, backbone)
    with pytest.raises(AutopeftError, match="--loss: found 'pairwise'"):
        kind_of(task).choose_setting(task, backbone.tokenizer(), loss="pairwise")
