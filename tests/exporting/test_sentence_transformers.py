"""What ranks documents is exported to sentence-transformers, which makes the same scores of the files alone."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from autopeft.backbones import load_backbone
from autopeft.errors import ConfigurationError
from autopeft.exporting import TARGETS, ExportJob, export, refusal
from autopeft.methods import VOCABULARY
from autopeft.space import canonical
from autopeft.tasks import TaskSpec, load_task
from autopeft.tasks.ranking.metrics import ranking_scores
from autopeft.testing.models import tiny_backbone
from autopeft.testing.targets import tiny_job
from autopeft.trials import TrialRunner, kind_of, use_threads
from tests.tasks.rerank.data import judged_rows, write_rows

NAME = "sentence-transformers"
sentence_transformers = pytest.importorskip("sentence_transformers")


@pytest.fixture(scope="module")
def job_of(tmp_path_factory):
    """Returns what is handed to the target: some modules on a tiny encoder, trained."""
    use_threads(1)
    work = tmp_path_factory.mktemp("work")
    backbone = load_backbone(tiny_backbone("bert", work))
    task = load_task(TaskSpec(data=write_rows(work / "rows.jsonl", judged_rows()), kind="rerank"))
    setting, _ = kind_of(task).choose_setting(task, backbone.tokenizer(), examples=16, epochs=1.0, precision="fp32")
    runner = TrialRunner(backbone, task, setting, torch.device("cpu"))

    def made(modules, **training):
        written = {"modules": modules, "training": {"learning_rate": 1e-2, **training}}
        configuration = canonical(written, VOCABULARY, backbone.shape)
        folder = tmp_path_factory.mktemp("kept")
        outcome = runner.run(configuration, 0, folder=folder)
        assert outcome.status == "complete", outcome.detail
        return ExportJob(configuration, backbone, task, setting, seed=0, trained=folder)

    return made


LORA = {"lora": {"rank": 4, "targets": ["q", "v"]}}
DORA = {"lora": {"rank": 4, "variant": "dora"}}
SPLIT = {"hira": {"rank": {"0": 4, "1": 8}}}


@pytest.mark.parametrize("modules", [LORA, {"lora": {"rank": 4, "variant": "rslora"}}, {"ia3": {}}])
def test_methods_of_peft_are_adapters(modules, job_of, tmp_path):
    job = job_of(modules)
    assert refusal(TARGETS[NAME], job.configuration, job.backbone, job.kind) is None
    done = export(job, NAME, tmp_path / "out")
    assert {"adapter_config.json", "adapter_model.safetensors", "modules.json"} <= set(done.files)
    assert "model.safetensors" not in done.files
    _check(tmp_path / "out", job, done)


@pytest.mark.parametrize("modules", [{"bitfit": {}}, DORA, SPLIT])
def test_methods_that_fold_in_are_merged(modules, job_of, tmp_path):
    job = job_of(modules)
    done = export(job, NAME, tmp_path / "out")
    assert "model.safetensors" in done.files
    assert "adapter_config.json" not in done.files
    config = json.loads((tmp_path / "out" / "config.json").read_text())
    assert config["sentence_transformers"] == {"activation_fn": "torch.nn.modules.linear.Identity"}
    _check(tmp_path / "out", job, done)


@pytest.mark.parametrize(
    ("training", "file"),
    [
        ({"compression": "compeft"}, "adapter_model.safetensors"),
        ({"pruning": "heads", "heads_count": 1}, "model.safetensors"),
        ({"pruning": "unstructured"}, "model.safetensors"),
    ],
)
def test_what_is_compressed_is_unpacked_and_what_is_pruned_is_merged(training, file, job_of, tmp_path):
    job = job_of(LORA, **training)
    done = export(job, NAME, tmp_path / "out")
    assert file in done.files
    _check(tmp_path / "out", job, done)


def _check(folder, job, done):
    """The folder alone gives the scores that trials have."""
    assert any("are those of trials" in note for note in done.notes)
    ranker = sentence_transformers.CrossEncoder(str(folder), device="cpu")
    assert isinstance(ranker.activation_fn, torch.nn.Identity)
    assert (ranker.num_labels, ranker.max_seq_length) == (1, job.setting.max_length)
    queries = job.task.test.queries
    found = ranker.predict([*kind_of(job.task).texts_of(job.task.test)])
    scores = np.split(found, np.cumsum([len(query.documents) for query in queries])[:-1])
    runner = TrialRunner(job.backbone, job.task, job.setting, torch.device("cpu"))
    assert ranking_scores("ndcg@10", queries, scores) == pytest.approx(runner.score(job.trained, "test"), abs=1e-6)
    compile(done.code, "page", "exec")


@pytest.mark.parametrize("modules", [{"serial_adapter": {"size": 4}}, {**LORA, "prefix": {"length": 2}}])
def test_others_are_refused_by_name_and_nothing_is_written(modules, job_of, tmp_path):
    job = job_of(modules, **({"pruning": "unstructured"} if "prefix" in modules else {}))
    with pytest.raises(ConfigurationError, match=r"cannot express (serial_adapter|prefix) .*expected --to peft"):
        export(job, NAME, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_methods_in_each_others_way_are_refused(job_of, tmp_path):
    with pytest.raises(ConfigurationError, match="sit in each other's way"):
        export(job_of({**LORA, "bitfit": {}}), NAME, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_nothing_trained_and_other_kinds_of_task_are_refused(job_of, tmp_path):
    job = job_of(LORA)
    with pytest.raises(ConfigurationError, match="run `autopeft select` first"):
        export(replace(job, trained=None), NAME, tmp_path / "out")
    with pytest.raises(
        ConfigurationError, match=r"trains models that rank or find documents, and the task tiny .* classifies"
    ):
        export(tiny_job(job.backbone, LORA, causal=False), NAME, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_other_scores_are_noticed(job_of, tmp_path, monkeypatch):
    job = job_of(LORA)
    monkeypatch.setattr(
        sentence_transformers.CrossEncoder, "predict", lambda self, pairs, **how: torch.zeros(len(pairs)) + 9
    )
    with pytest.raises(ConfigurationError, match="sentence-transformers makes other scores of the files"):
        export(job, NAME, tmp_path / "out")
    assert not (tmp_path / "out").exists()
