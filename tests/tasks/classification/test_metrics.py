import numpy as np
import pytest
import sklearn.metrics
from hypothesis import given
from hypothesis import strategies as st

from autopeft.tasks.classification import METRICS, score

ORACLES = {
    "accuracy": sklearn.metrics.accuracy_score,
    "macro_f1": lambda y, p: sklearn.metrics.f1_score(y, p, average="macro"),
    "mcc": sklearn.metrics.matthews_corrcoef,
}


@pytest.mark.filterwarnings("ignore")
@given(pairs=st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=60))
def test_metrics_equal_scikit_learn(pairs):
    labels, predictions = np.array(pairs).T
    for name in METRICS:
        assert score(name, labels, predictions) == pytest.approx(ORACLES[name](labels, predictions), abs=1e-12)


def test_unequal_lengths_are_refused():
    with pytest.raises(ValueError, match="equal"):
        score("accuracy", [0, 1], [0])
