"""The table of finalists."""

from rich.console import Console

from autopeft.report.finalists_table import finalists_table
from autopeft.trials.classification import ClassificationTrials
from tests.selection.test_finalists_file import FILE


def test_eighty_columns_hold_it():
    part = FILE.finalists[0]
    whole = part.model_copy(update={"name": "full", "trial": None, "baseline": "full", "params": 22_713_216})
    far = part.model_copy(
        update={"difference": part.test.model_copy(update={"mean": -0.123, "low": -0.2, "high": -0.1})}
    )
    console = Console(width=80, record=True)
    console.print(finalists_table(FILE.model_copy(update={"finalists": (far, whole)}), ClassificationTrials))
    text = console.export_text()
    assert "…" not in text
    for said in ("trial 12", "full fine-tuning", "22,713,216", "0.690 ± 0.030", "-12.3 ± 5.0", "40%", "80%"):
        assert said in text
