"""The file of the finalists."""

import pytest

from autopeft.errors import StudyError
from autopeft.selection.finalists_file import FINALISTS, FinalistsFile, read_finalists

FILE = FinalistsFile.model_validate(
    {
        "setting": {"examples": 300, "epochs": 1.0},
        "metric": "accuracy",
        "test_readings": 3,
        "verdict": "statistically tied with stock LoRA; use it",
        "finalists": [
            {
                "name": "trial-12",
                "trial": 12,
                "baseline": None,
                "configuration": {"modules": {"ia3": {}}, "training": {"learning_rate": 1e-3}},
                "params": 100,
                "share": 0.01,
                "learning_rate": 1e-3,
                "seeds": [{"seed": 0, "validation": 0.7, "test": 0.69, "folder": "finalists/trial-12/seed-0"}],
                "validation": {"mean": 0.7, "low": 0.68, "high": 0.72},
                "test": {"mean": 0.69, "low": 0.66, "high": 0.72},
                "front_probability": 0.8,
                "beats_stock": 0.4,
                "verdict": "statistically tied with stock LoRA",
            }
        ],
    }
)


def test_it_is_read_as_written(tmp_path):
    assert read_finalists(tmp_path) is None
    FILE.write(tmp_path)
    assert read_finalists(tmp_path) == FILE
    assert [path.name for path in tmp_path.iterdir()] == [FINALISTS]


def test_a_damaged_file_is_named(tmp_path):
    (tmp_path / FINALISTS).write_text('{"metric": "accuracy"}')
    with pytest.raises(StudyError, match=r"finalists\.json, setting: .*move it away and run `autopeft select"):
        read_finalists(tmp_path)
