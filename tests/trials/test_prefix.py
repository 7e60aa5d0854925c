"""The prefix cache and the shortened top layer: the same results for less work."""

import multiprocessing
import time
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch

from autopeft.backbones import cache_folder, load_backbone
from autopeft.methods import HEAD_ONLY, VOCABULARY
from autopeft.space import canonical
from autopeft.tasks import collate, encode, grouped, pad_id_of
from autopeft.testing.models import TEXT_ARCHITECTURES, tiny_backbone
from autopeft.trials import TrialRunner, draw, use_threads
from autopeft.trials import prefix as prefix_module
from autopeft.trials import shortcuts as shortcuts_module
from autopeft.trials.prefix import PrefixCache
from tests.marks import mostly_slow
from tests.trials.test_runner import SETTING, make_task

TASK = make_task()


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("AUTOPEFT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "prefixes"


@pytest.fixture(scope="module", params=mostly_slow(TEXT_ARCHITECTURES))
def backbone(request, tmp_path_factory):
    use_threads(1)
    return load_backbone(tiny_backbone(request.param, tmp_path_factory.mktemp("model")))


@pytest.fixture(scope="module")
def bert_folder(tmp_path_factory):
    use_threads(1)
    return tiny_backbone("bert", tmp_path_factory.mktemp("bert"))


@pytest.fixture(scope="module")
def bert(bert_folder):
    return load_backbone(bert_folder)


def at_the_top(backbone, layers=(2,)):
    modules = {
        "lora": {"rank": 2, "layers": list(layers), "targets": ["q", "o", "up", "down"]},
        "prefix": {"length": 2, "layers": list(layers)},
        "parallel_adapter": {"size": 4, "layers": list(layers)},
    }
    return canonical({"modules": modules, "training": {"learning_rate": 1e-2}}, VOCABULARY, backbone.shape)


def make_cache(backbone, folder, precision="fp32", setting=SETTING):
    train, _ = draw(TASK, setting)
    tokenizer = backbone.tokenizer()
    encoded = encode(train, tokenizer, setting.max_length)
    return PrefixCache(
        backbone.classifier(2),
        backbone.anatomy,
        encoded,
        grouped(encoded, 16),
        collate=partial(collate, encoded, pad_id=pad_id_of(tokenizer)),
        precision=precision,
        identity=backbone.identity,
        folder=folder,
    )


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("layers", [(), (1, 2), (2,)])
def test_a_trial_ends_as_without_the_shortcuts(backbone, monkeypatch, layers, precision):
    configuration = at_the_top(backbone, layers) if layers else HEAD_ONLY
    setting = replace(SETTING, precision=precision)
    short = TrialRunner(backbone, TASK, setting, torch.device("cpu")).run(configuration, 0)
    monkeypatch.setattr(shortcuts_module, "frozen_depth", lambda *_: 0)
    monkeypatch.setattr(shortcuts_module, "reads_first_token", lambda *_: False)
    full = TrialRunner(backbone, TASK, setting, torch.device("cpu")).run(configuration, 0)
    assert short.status == full.status == "complete", short.detail or full.detail
    close = 1e-4 if precision == "fp32" else 0.05
    for one, other in zip(short.curve, full.curve, strict=True):
        assert one["loss"] == pytest.approx(other["loss"], abs=close)


def test_only_models_that_read_the_first_token_have_the_top_layer_cut(backbone):
    runner = TrialRunner(backbone, TASK, SETTING, torch.device("cpu"))
    assert runner._shortcuts._first_token == (backbone.config.model_type in ("bert", "roberta"))


def test_lower_layers_run_once_for_all_trials(bert, monkeypatch):
    runner = TrialRunner(bert, TASK, SETTING, torch.device("cpu"))
    passed = []
    runner.model.get_submodule(bert.anatomy.module(0, "q")).register_forward_hook(lambda *_: passed.append(1))
    assert runner.run(at_the_top(bert), 0).status == "complete"
    once = len(passed)
    # What a layer hands on is looked at once in each worker, on a few texts.
    assert once == 64 // 16 + 32 // 16 + 1
    assert runner.run(at_the_top(bert), 1).status == "complete"
    assert len(passed) == once
    # Another worker finds the files.
    other = TrialRunner(bert, TASK, SETTING, torch.device("cpu"))
    other.model.get_submodule(bert.anatomy.module(0, "q")).register_forward_hook(lambda *_: passed.append(1))
    assert other.run(at_the_top(bert), 0).status == "complete"
    assert len(passed) == once + 1


def test_a_depth_computed_from_a_lower_one_is_the_same(bert, tmp_path):
    chained, direct = make_cache(bert, tmp_path / "a"), make_cache(bert, tmp_path / "b")
    chained.at(1)
    assert torch.equal(chained.at(3).values, direct.at(3).values)


def test_what_matters_tells_files_apart(bert, tmp_path):
    make_cache(bert, tmp_path).at(1)
    make_cache(bert, tmp_path).at(1)
    assert len(list(tmp_path.glob("*.safetensors"))) == 1
    make_cache(bert, tmp_path, precision="bf16").at(1)
    make_cache(bert, tmp_path, setting=replace(SETTING, seed=1)).at(1)
    assert len(list(tmp_path.glob("*.safetensors"))) == 3


def test_memory_and_disk_are_bounded(bert, tmp_path, monkeypatch):
    cache = make_cache(bert, tmp_path)
    one = cache.at(1).nbytes
    monkeypatch.setattr(prefix_module, "MEMORY", 2 * one)
    monkeypatch.setattr(prefix_module, "DISK", 2 * one + 2000)
    for depth in (2, 3):
        time.sleep(0.02)
        cache.at(depth)
    assert len(cache._open) == 2
    assert sorted(path.name.split("-")[1] for path in tmp_path.glob("*.safetensors")) == [
        "2.safetensors",
        "3.safetensors",
    ]
    monkeypatch.setattr(prefix_module, "MEMORY", one)
    assert not cache.fits()


def test_a_folder_that_cannot_be_written_costs_nothing_but_time(bert, tmp_path):
    (tmp_path / "file").write_text("not a folder")
    expected = make_cache(bert, tmp_path / "ok").at(2)
    assert torch.equal(make_cache(bert, tmp_path / "file").at(2).values, expected.values)


def _open_at(folder, model, queue):
    use_threads(1)
    queue.put(make_cache(load_backbone(model), folder).at(2).values.double().sum().item())


@pytest.mark.slow
def test_workers_at_once_agree(bert_folder, tmp_path):
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    workers = [context.Process(target=_open_at, args=(tmp_path, bert_folder, queue)) for _ in range(2)]
    for worker in workers:
        worker.start()
    found = {queue.get(timeout=120) for _ in workers}
    for worker in workers:
        worker.join()
    assert len(found) == 1
    assert [path.suffix for path in tmp_path.iterdir() if path.suffix != ".lock"] == [".safetensors"]


def test_the_cache_folder_follows_the_environment(monkeypatch, tmp_path):
    assert cache_folder() == tmp_path / "cache"
    monkeypatch.delenv("AUTOPEFT_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folder() == tmp_path / "xdg" / "autopeft"


def test_padding_of_gathered_rows_is_finite(bert, tmp_path):
    found = make_cache(bert, tmp_path).at(1).gather(np.array([3, 0]), 16)
    assert found.shape == (2, 16, bert.config.hidden_size)
    assert torch.isfinite(found).all()


@pytest.mark.parametrize("content", [b"", b"to do", None])
def test_a_damaged_file_is_made_anew(content, bert, folder):
    """None cuts it in half."""
    expected = make_cache(bert, folder).at(2).values.clone()
    [file] = folder.glob("*.safetensors")
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2] if content is None else content)
    assert torch.equal(make_cache(bert, folder).at(2).values, expected)
    assert torch.equal(make_cache(bert, folder).at(2).values, expected)
