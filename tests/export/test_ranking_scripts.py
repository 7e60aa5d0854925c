"""Scripts around transformers' Trainer for the kinds of task that rank: they learn what trials learn, and run."""

import json
import subprocess
import sys
from dataclasses import replace
from importlib.util import module_from_spec, spec_from_file_location
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import yaml

from autopeft.export import ExportJob, export
from autopeft.methods import VOCABULARY
from autopeft.space import canonical
from autopeft.tasks import TaskSpec, load_task, pad_id_of
from autopeft.tasks.ranking.metrics import ranking_scores
from autopeft.testing.decoders import tiny_decoder
from autopeft.testing.models import TEXTS, tiny_backbone
from autopeft.trials import kind_of, use_threads
from tests.tasks.rerank.data import ASKED, judged_rows, write_rows

CASES = [
    ("rerank", "bert", {}, {"loss": "listwise"}),
    ("rerank", "bert", {}, {"loss": "pairwise"}),
    ("retrieve", "bert", {}, {}),
    ("retrieve", "llama", {"pooling": "last"}, {}),
    ("rerank", "llama", {}, {}),
    ("rerank", "llama", {"grades": 3}, {}),
]


@pytest.fixture(scope="module", params=CASES, ids=lambda case: "-".join([*case[:2], *case[2], *case[3].values()]))
def exported(request, tmp_path_factory):
    """An export of LoRA on a tiny model, with what was exported."""
    use_threads(1)
    kind, architecture, reading, chosen = request.param
    work = tmp_path_factory.mktemp("work")
    spec = TaskSpec(data=write_rows(work / "rows.jsonl", judged_rows()), kind=kind, **reading)
    task = load_task(spec)
    if kind == "rerank" and architecture == "llama":
        model = tiny_decoder(architecture, work, vocabulary=(*TEXTS, ASKED))
    else:
        model = tiny_backbone(architecture, work)
    backbone = kind_of(task).load_backbone(model)
    task = kind_of(task).fitted(task, backbone)
    asked = {"examples": 16, "epochs": 1.0, "precision": "fp32", **chosen}
    setting, _ = kind_of(task).choose_setting(task, backbone.tokenizer(), **asked)
    modules = {"lora": {"rank": 4, "targets": ["q", "v"]}}
    configuration = canonical({"modules": modules, "training": {"learning_rate": 1e-2}}, VOCABULARY, backbone.shape)
    job = ExportJob(configuration, backbone, task, replace(setting, batch_size=3), seed=0)
    export(job, "transformers", work / "out")
    return job, work / "out"


def script_of(folder):
    spec = spec_from_file_location("exported_script", folder / "train.py")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_it_needs_nothing_of_autopeft_and_learns_what_trials_learn(exported):
    job, folder = exported
    assert "autopeft." not in (folder / "train.py").read_text()
    script, settings = script_of(folder), yaml.safe_load((folder / "training.yaml").read_text())
    rows = [json.loads(line) for line in (folder / "data" / "train.jsonl").read_text().splitlines()]
    assert len(rows) == len(job.task.train)
    tokenizer = script.tokenizer_of(settings)
    encode, collate = script.encoder(tokenizer, settings), script.collator(tokenizer)
    batch = collate([encode(row) for row in rows[:3]])

    kind = kind_of(job.task).under(job.setting)
    own = job.backbone.tokenizer()
    encoded = kind.encode(job.task.train, own, job.setting.max_length)
    ours = kind.collate(encoded, encoded.rows_of(np.arange(3)), pad_id_of(own))
    model = kind.model(job.backbone, torch.device("cpu")).eval()
    labels = batch.pop("labels")
    unit = next(getattr(script, name) for name in ("on_queries", "contrast", "answering") if hasattr(script, name))
    loss, finish = unit(model, settings)
    assert finish is None
    with torch.no_grad():
        expected = kind.loss(model, ours, torch.device("cpu"), "fp32")
        assert float(loss(model(**batch), labels)) == pytest.approx(float(expected), rel=1e-5)


@pytest.mark.parametrize("exported", CASES[:1], indirect=True)
def test_its_figure_is_the_metric_of_trials(exported):
    job, folder = exported
    script, settings = script_of(folder), yaml.safe_load((folder / "training.yaml").read_text())
    rows = [json.loads(line) for line in (folder / "data" / "validation.jsonl").read_text().splitlines()]
    tokenizer = script.tokenizer_of(settings)
    encode, collate = script.encoder(tokenizer, settings), script.collator(tokenizer)
    labels = torch.cat([collate([encode(row)])["labels"] for row in rows]).numpy()
    scores = np.random.default_rng(0).normal(size=len(labels)).astype(np.float32)
    found = script.ranking(SimpleNamespace(predictions=scores[:, None], label_ids=labels))
    queries = job.task.validation.queries
    split = np.split(scores, np.cumsum([len(query.documents) for query in queries])[:-1])
    assert found["ndcg@10"] == pytest.approx(ranking_scores("ndcg@10", queries, split).mean(), abs=1e-6)


@pytest.mark.slow
def test_it_trains_where_it_lies(exported):
    _, folder = exported
    command = [sys.executable, "train.py", "--max_steps", "3", "--report_to", "none"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert "eval_loss" in done.stdout
    assert json.loads((folder / "output" / "adapter_config.json").read_text())["r"] == 4
