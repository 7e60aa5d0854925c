"""Cross-encoders: batches of whole queries, scores of documents, what is saved and refused."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from autopeft.backbones import load_backbone
from autopeft.errors import AutopeftError
from autopeft.methods import stock_lora
from autopeft.saved import open_saved
from autopeft.tasks import TaskSpec, load_task, pad_id_of
from autopeft.tasks.ranking.metrics import ranking_scores
from autopeft.tasks.rerank import METRICS
from autopeft.tasks.tables import Table
from autopeft.testing.models import tiny_backbone
from autopeft.training import evaluate, evaluation_ground, fine_tune
from autopeft.trials import TrialRunner, kind_of, use_threads
from autopeft.trials.rerank.losses import LOSSES
from tests.tasks.rerank.data import judged_rows, write_rows

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    rows = judged_rows()
    # Queries of one document, of two, of many.
    return write_rows(tmp_path_factory.mktemp("data") / "rows.jsonl", [row for n, row in enumerate(rows) if n % 7])


@pytest.fixture(scope="module")
def task(data):
    use_threads(1)
    return load_task(TaskSpec(data=data, candidates=4))


@pytest.fixture(scope="module")
def backbone(tmp_path_factory):
    return load_backbone(tiny_backbone("roberta", tmp_path_factory.mktemp("model")))


@pytest.fixture(scope="module")
def setting(task, backbone):
    chosen, _ = kind_of(task).choose_setting(task, backbone.tokenizer(), precision="fp32")
    return replace(chosen, examples=48, epochs=2.0)


def test_pairs_are_those_of_the_tokenizer_each_query_with_each_document(task, backbone):
    kind, tokenizer = kind_of(task), backbone.tokenizer()
    few = task.test.take([3, 0])
    encoded = kind.encode(few, tokenizer, 24)
    pairs = [(query.text, few.corpus[name]) for query in few.queries for name in query.documents]
    assert (
        encoded.inputs["input_ids"]
        == tokenizer(*map(list, zip(*pairs, strict=True)), truncation=True, max_length=24)["input_ids"]
    )


@pytest.mark.parametrize("loss", LOSSES)
def test_parts_of_a_batch_train_as_the_whole_does(loss, task, backbone, setting):
    kind, tokenizer = kind_of(task).under(replace(setting, loss=loss)), backbone.tokenizer()
    encoded = kind.encode(task.train, tokenizer, 32)
    model = kind.model(backbone, CPU)
    group = kind.grouped(encoded, 8)[0]
    found = []
    for at_once in (8, 3):
        model.zero_grad()
        batches = [kind.collate(encoded, part, pad_id_of(tokenizer)) for part in kind.parted(encoded, group, at_once)]
        terms = sum(map(kind.terms, batches))
        for batch in batches:
            (kind.loss(model, batch, CPU, "fp32") * (kind.terms(batch) / terms)).backward()
        found.append(torch.cat([each.grad.flatten() for each in model.parameters() if each.grad is not None]))
    assert found[0].abs().max() > 0
    torch.testing.assert_close(found[0], found[1], atol=1e-5, rtol=1e-3)


def test_figures_are_those_of_the_scores_that_are_predicted(task, backbone, setting, tmp_path):
    """A trial's figures, its scores by query, and what is predicted for the same pairs agree."""
    runner = TrialRunner(backbone, task, setting, CPU)
    outcome = runner.run(stock_lora(backbone.shape, 5e-3), 0, folder=tmp_path)
    assert outcome.status == "complete", outcome.detail
    assert set(outcome.metrics) == {*METRICS, "loss"}
    scores = runner.score(tmp_path, "test")
    assert len(scores) == len(task.test)
    fine_tune(stock_lora(backbone.shape, 5e-3), backbone, task, setting, tmp_path / "tuned")
    opened = open_saved(tmp_path / "tuned")
    rows = [
        (f"row {n}", {"query": query, "document": document}) for n, (query, document) in enumerate(task.test.pairs())
    ]
    split, numbers, _ = task.kind.unlabelled(task.schema, Table("f", ("query", "document"), rows))
    assert numbers == [*range(len(rows))]
    told, _ = kind_of(task).predict(opened.ready, split)
    values = np.array([each.value for each in told], np.float32)
    ends = np.cumsum([len(query.documents) for query in task.test.queries])[:-1]
    by_query = ranking_scores("ndcg@10", task.test.queries, np.split(values, ends))
    found = evaluate(tmp_path / "tuned", backbone, task, setting)
    assert by_query.mean() == pytest.approx(found.figures["ndcg@10"], abs=1e-4)


def test_the_loss_that_was_trained_on_is_measured_again(data, task, backbone, setting, tmp_path):
    setting = replace(setting, loss="pairwise", epochs=1.0)
    tuned = fine_tune(stock_lora(backbone.shape, 5e-3), backbone, task, setting, tmp_path)
    ground = evaluation_ground(tmp_path, {"data": data, "candidates": 4})
    assert ground.setting.loss == "pairwise"
    found = evaluate(tmp_path, ground.backbone, ground.task, ground.setting)
    assert found.figures["loss"] == pytest.approx(tuned.test["loss"], abs=1e-5)


def test_settings_are_in_queries(task, backbone):
    kind, tokenizer = kind_of(task), backbone.tokenizer()
    setting, said = kind.choose_setting(task, tokenizer, examples=30, epochs=2.0, precision="fp32")
    assert (setting.examples, setting.steps, setting.loss) == (30, 16, "listwise")
    assert "trained on the listwise loss" in said[0]
    assert type(setting).from_dict(setting.to_dict()) == setting
    with pytest.raises(AutopeftError, match="found 'hinge'; expected one of listwise, pairwise, pointwise"):
        kind.choose_setting(task, tokenizer, loss="hinge")
