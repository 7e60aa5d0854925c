"""What is said of finalists."""

import pytest

from autopeft.selection.statistics import Difference
from autopeft.selection.verdict import Compared, overall, verdict_of


def compared(name, mean, margin, parameters):
    return Compared(name, Difference(mean, margin, 0.5), parameters)


BETTER = compared("trial 3", 0.018, 0.006, 0.09)
TIED = compared("trial 4", -0.003, 0.012, 0.004)
DEAR = compared("trial 5", 0.003, 0.012, 2.4)
WORSE = compared("trial 6", -0.05, 0.01, 0.5)


@pytest.mark.parametrize(
    ("finalist", "said"),
    [
        (BETTER, "better than stock LoRA by 1.8 ± 0.6 points at 9% of its parameters"),
        (TIED, "statistically tied with stock LoRA (-0.3 ± 1.2 points) at 0.4% of its parameters"),
        (DEAR, "statistically tied with stock LoRA (+0.3 ± 1.2 points) at 240% of its parameters"),
        (WORSE, "worse than stock LoRA by 5.0 ± 1.0 points at 50% of its parameters"),
    ],
)
def test_of_one(finalist, said):
    assert verdict_of(finalist) == said


@pytest.mark.parametrize(
    ("found", "begins"),
    [
        ([TIED, BETTER, WORSE], "trial 3 is better than stock LoRA by 1.8"),
        ([TIED, DEAR], "searching did not help: what it found is statistically tied with stock LoRA; use it, or"),
        ([DEAR, WORSE], "searching did not help: what it found is statistically tied with stock LoRA; use it"),
        ([WORSE], "searching did not help: nothing it found is as good as stock LoRA"),
        ([], "searching did not help: only the baselines"),
    ],
)
def test_of_all(found, begins):
    assert overall(found).startswith(begins)
