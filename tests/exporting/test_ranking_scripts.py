"""Scripts around transformers' Trainer for the kinds of task that rank: they learn what trials learn, and run."""

import json
import subprocess
import sys
from dataclasses import replace
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import yaml
from datasets import load_dataset
from transformers import Trainer, TrainingArguments

from autopeft.exporting import ExportJob, export
from autopeft.methods import VOCABULARY
from autopeft.space import canonical
from autopeft.tasks import TaskSpec, load_task, pad_id_of
from autopeft.tasks.ranking.queries import Queries
from autopeft.testing.decoders import tiny_decoder
from autopeft.testing.models import TEXTS, tiny_backbone
from autopeft.trials import kind_of, use_threads
from autopeft.trials.rerank.kind import query_rows
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
    if architecture == "llama":
        # As many decoders have it; trials fill up on the right all the same.
        told = Path(model) / "tokenizer_config.json"
        told.write_text(json.dumps(json.loads(told.read_text()) | {"padding_side": "left"}))
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
        # Of batches whose gradients are added up each has its share; to be measured, all of it.
        shared = script.share_of(loss, model, SimpleNamespace(gradient_accumulation_steps=4))
        assert float(shared(model(**batch), labels)) == pytest.approx(float(expected), rel=1e-5)
        # Of the whole alone, so that nothing is dropped out.
        model.training = True
        assert float(shared(model(**batch), labels)) == pytest.approx(float(expected) / 4, rel=1e-5)
        model.eval()


@pytest.mark.parametrize("exported", CASES[:1], indirect=True)
def test_its_figure_is_the_metric_of_trials_whatever_the_last_batch_holds(exported, tmp_path):
    job, folder = exported
    script, settings = script_of(folder), yaml.safe_load((folder / "training.yaml").read_text())
    rows = [json.loads(line) for line in (folder / "data" / "validation.jsonl").read_text().splitlines()]
    tokenizer = script.tokenizer_of(settings)
    encode, collate = script.encoder(tokenizer, settings), script.collator(tokenizer)
    kind = kind_of(job.task).under(job.setting)
    model = kind.model(job.backbone, torch.device("cpu")).eval()
    assert len(rows) % 3
    arguments = TrainingArguments(
        str(tmp_path),
        per_device_eval_batch_size=3,
        remove_unused_columns=False,
        label_names=["labels"],
        use_cpu=True,
        report_to="none",
    )
    trainer = Trainer(
        model,
        arguments,
        collate,
        eval_dataset=[encode(row) for row in rows],
        compute_loss_func=script.on_queries(model, settings)[0],
        compute_metrics=script.ranking,
        preprocess_logits_for_metrics=script.by_query,
    )
    found = trainer.evaluate()
    encoded = kind.encode(job.task.validation, job.backbone.tokenizer(), job.setting.max_length)
    whole = [
        (group, kind.collate(encoded, group, pad_id_of(job.backbone.tokenizer()))) for group in kind.grouped(encoded, 4)
    ]
    reached = kind.measure(model, whole, "fp32", lambda rows, longest: None)
    assert found["eval_ndcg@10"] == pytest.approx(reached.figures["ndcg@10"], abs=1e-6)


@pytest.mark.parametrize("exported", CASES[:1], indirect=True)
def test_relevant_documents_that_are_no_candidates_are_missed_and_the_rows_load(exported, tmp_path):
    job, folder = exported
    rows = [json.loads(line) for line in (folder / "data" / "validation.jsonl").read_text().splitlines()]
    query = replace(job.task.validation.queries[0], missed=(3,), elsewhere=("x",))
    [row] = query_rows(Queries([query], job.task.validation.corpus))
    assert row["best"] > rows[0]["best"]
    names = {name: str(tmp_path / f"{name}.jsonl") for name in ("train", "validation")}
    for name, some in (("train", rows[:1]), ("validation", [row])):
        Path(names[name]).write_text("".join(json.dumps(each) + "\n" for each in some))
    loaded = load_dataset("json", data_files=names, cache_dir=str(tmp_path / "cache"))
    assert loaded["validation"][0]["best"] == pytest.approx(row["best"])


@pytest.mark.slow
def test_it_trains_where_it_lies(exported):
    _, folder = exported
    command = [sys.executable, "train.py", "--max_steps", "3", "--report_to", "none"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert "eval_loss" in done.stdout
    assert json.loads((folder / "output" / "adapter_config.json").read_text())["r"] == 4
