"""Pickles in run folders, caches, checkpoints, adapters and data: none of them is read as such."""

import pickle
from functools import partial
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
import torch
from peft.utils.save_and_load import load_peft_weights
from transformers import Trainer

from autopeft.backbones import load_backbone
from autopeft.errors import ConfigurationError, StudyError
from autopeft.methods import apply, load, save, stock_lora
from autopeft.selection import records
from autopeft.tasks.ranking import bm25
from autopeft.tasks.tables import read_source
from autopeft.testing.models import tiny_backbone
from autopeft.training import seen
from autopeft.training.checkpoints import without_code
from tests.security.attacks import Bomb


@pytest.fixture
def unguarded(monkeypatch):
    """Return what lets torch and numpy read pickles, as they did in earlier versions."""

    def take():
        plain, array = torch.load, np.lib.format.read_array
        monkeypatch.setattr(torch, "load", lambda *words, **how: plain(*words, **{**how, "weights_only": False}))
        monkeypatch.setattr(np, "load", partial(_with, np.load))
        monkeypatch.setattr(np.lib.format, "read_array", partial(_with, array))

    return take


def _with(read, *words, **how):
    # Objects cannot be mapped.
    how.pop("mmap_mode", None)
    return read(*words, **{**how, "allow_pickle": True})


def objects(file, mark):
    np.save(file, np.array([Bomb(mark)], dtype=object), allow_pickle=True)


def test_kept_first_searches_are_numbers(tmp_path, unguarded):
    objects(tmp_path / "kept.npy", tmp_path / "mark")
    assert bm25._read(tmp_path / "kept.npy", 1) is None
    assert not (tmp_path / "mark").exists()
    unguarded()
    bm25._read(tmp_path / "kept.npy", 1)
    assert (tmp_path / "mark").is_dir()


def test_scores_of_finalists_are_numbers(tmp_path, unguarded):
    objects(tmp_path / "scores.npy", tmp_path / "mark")
    with pytest.raises(StudyError):
        records.units_of(tmp_path / "scores.npy", [])
    assert not (tmp_path / "mark").exists()
    unguarded()
    with pytest.raises(StudyError):
        records.units_of(tmp_path / "scores.npy", [])
    assert (tmp_path / "mark").is_dir()


def test_hashes_of_training_rows_are_numbers(tmp_path, unguarded):
    objects(tmp_path / seen.TRAINING_ROWS, tmp_path / "mark")
    assert seen.seen_rows(tmp_path, None, None) is None
    assert not (tmp_path / "mark").exists()
    unguarded()
    seen.seen_rows(tmp_path, None, None)
    assert (tmp_path / "mark").is_dir()


def test_a_checkpoint_holds_numbers_alone(tmp_path, unguarded):
    torch.save({"python": Bomb(tmp_path / "mark")}, tmp_path / "rng_state.pth")
    trainer = SimpleNamespace(args=SimpleNamespace(world_size=1))
    with (
        pytest.raises(StudyError, match=r"holds more than numbers, or is damaged .*; delete it, and"),
        without_code(tmp_path),
    ):
        Trainer._load_rng_state(trainer, str(tmp_path))
    assert not (tmp_path / "mark").exists()
    unguarded()
    with pytest.raises(TypeError):
        Trainer._load_rng_state(trainer, str(tmp_path))
    assert (tmp_path / "mark").is_dir()


def test_adapters_are_safetensors(tmp_path, unguarded):
    backbone = load_backbone(tiny_backbone("bert", tmp_path))
    model = backbone.classifier(2)
    apply(stock_lora(backbone.shape, 1e-3), model, backbone.anatomy)
    save(model, tmp_path / "adapter")
    (tmp_path / "adapter" / "adapter_model.safetensors").unlink()
    torch.save({"bomb": Bomb(tmp_path / "mark")}, tmp_path / "adapter" / "adapter_model.bin")
    with pytest.raises(ConfigurationError, match=r"cannot read the weights in .*adapter_model\.safetensors"):
        load(tmp_path / "adapter", backbone.classifier(2), backbone.anatomy)
    assert not (tmp_path / "mark").exists()
    unguarded()
    with pytest.raises(ConfigurationError):
        load(tmp_path / "adapter", backbone.classifier(2), backbone.anatomy)
    assert not (tmp_path / "mark").exists()
    # As PEFT reads them by itself.
    load_peft_weights(str(tmp_path / "adapter"), device="cpu")
    assert (tmp_path / "mark").is_dir()


def test_objects_in_parquet_are_bytes(tmp_path):
    hurt = pickle.dumps(Bomb(tmp_path / "mark"))
    asks = {b"ARROW:extension:name": b"arrow.py_extension_type", b"ARROW:extension:metadata": hurt}
    fields = [pa.field("text", pa.string()), pa.field("object", pa.binary(), metadata=asks)]
    schema = pa.schema(fields, metadata={b"pandas": hurt})
    texts = pa.array([f"film {n}" for n in range(9)])
    pyarrow.parquet.write_table(pa.table([texts, pa.array([hurt] * 9)], schema=schema), tmp_path / "rows.parquet")
    [table] = read_source(tmp_path / "rows.parquet").values()
    assert len(table.rows) == 9
    assert not (tmp_path / "mark").exists()
    pickle.loads(hurt)
    assert (tmp_path / "mark").is_dir()
