"""Rows that adapters were trained on are known again."""

import numpy as np

from autopeft.tasks import LabelledTexts
from autopeft.tasks.causal import Causal, CausalSplit
from autopeft.tasks.causal.turns import Turn
from autopeft.tasks.classification import Classification
from autopeft.tasks.row_hashes import TRAINING_ROWS, row_hashes
from autopeft.training.seen import seen_rows

TRAINED = LabelledTexts(["a", ("b", "c"), "d\ud83d"], [0, 1, 0])


def test_rows_are_known_by_their_texts_whatever_their_labels(tmp_path):
    assert seen_rows(tmp_path, Classification(), TRAINED) is None
    np.save(tmp_path / TRAINING_ROWS, row_hashes(Classification(), TRAINED))
    assert seen_rows(tmp_path, Classification(), TRAINED) == 3
    assert seen_rows(tmp_path, Classification(), LabelledTexts([("b", "c"), ("c", "b"), "bc", "a", "a"], [0] * 5)) == 3
    assert seen_rows(tmp_path, Classification(), LabelledTexts([], [])) == 0


def test_rows_of_decoders_are_known_by_all_that_is_said():
    rows = [(Turn("user", "1+1"), Turn("assistant", answer)) for answer in ("2", "two", "2")]
    first, second, third = row_hashes(Causal(), CausalSplit(rows))
    assert first == third != second
    assert row_hashes(Causal(), CausalSplit(rows)).dtype == np.uint64


def test_hashes_that_cannot_be_read_are_none(tmp_path):
    file = tmp_path / TRAINING_ROWS
    for broken in (b"", b"junk", np.arange(3.0), np.array(["a"])):
        if isinstance(broken, bytes):
            file.write_bytes(broken)
        else:
            np.save(file, broken)
        assert seen_rows(tmp_path, Classification(), TRAINED) is None
