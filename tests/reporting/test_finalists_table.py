"""The table of finalists."""

from rich.console import Console

from autopeft.reporting.finalists_table import finalists_table
from autopeft.selection.finalists_file import Against, Interval
from autopeft.trials.classification import ClassificationTrials
from tests.selection.test_finalists_file import FILE


def test_eighty_columns_hold_it():
    part = FILE.finalists[0]
    whole = part.model_copy(update={"name": "full", "trial": None, "baseline": "full", "params": 22_713_216})
    against = Against(difference=Interval(mean=-0.123, low=-0.173, high=-0.073), as_good=False, probability=0.4)
    far = part.model_copy(update={"against": {"low-rank-all": against}})
    low = part.model_copy(update={"name": "low-rank-all", "baseline": "low-rank-all", "params": 41_472})
    console = Console(width=80, record=True)
    console.print(
        finalists_table(
            FILE.model_copy(update={"finalists": (far, low, whole), "reference": "low-rank-all"}), ClassificationTrials
        )
    )
    text = console.export_text()
    assert "…" not in text
    figures = ("22,713,216", "0.690 ± 0.030", "-12.3 ± 5.0", "40%", "80%")
    for said in ("trial 12", "full fine-tuning", "against low-rank-all LoRA", *figures):
        assert said in text
