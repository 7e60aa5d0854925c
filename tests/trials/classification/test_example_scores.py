"""Scores of single examples: their mean is the metric, and they know who is right."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autopeft.tasks.classification import METRICS, score
from autopeft.trials.classification.scores import scores_of_predictions
from autopeft.trials.example_scores import scores_of_counts

PAIRS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=3, max_size=40)


@given(PAIRS, st.sampled_from(sorted(METRICS)))
def test_their_mean_is_the_metric(pairs, metric):
    labels, predictions = np.array(pairs).T
    scores = scores_of_predictions(metric, labels, predictions)
    assert scores.shape == labels.shape
    assert scores.mean() == pytest.approx(score(metric, labels, predictions), abs=1e-9)


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(1, 9)), min_size=1, max_size=40))
def test_longer_examples_count_more(pairs):
    count = np.array([length for _, length in pairs], float)
    right = np.array([min(hits, length) for hits, length in pairs], float)
    assert scores_of_counts(right, count).mean() == pytest.approx(right.sum() / count.sum())


@pytest.mark.parametrize("metric", sorted(METRICS))
def test_their_spread_is_the_error_of_the_metric(metric):
    rng = np.random.default_rng(0)

    def draw():
        labels = rng.choice(3, 300, p=(0.6, 0.3, 0.1))
        return labels, np.where(rng.random(300) < 0.7, labels, rng.integers(0, 3, 300))

    measured = [score(metric, *draw()) for _ in range(400)]
    said = [scores_of_predictions(metric, *draw()).std(ddof=1) / np.sqrt(300) for _ in range(20)]
    assert np.mean(said) == pytest.approx(np.std(measured), rel=0.12)
