"""Figures of tagging, and what each sentence has to do with them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from seqeval.metrics import f1_score

from autopeft.trials.tokens.results import measured, scores
from autopeft.trials.tokens.told import Told

LABELS = ("O", "B-x", "I-x", "B-y", "I-y")
PLAIN = ("NOUN", "VERB", "DET", "ADV", "PRON")
SENTENCES = st.lists(
    st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=6), min_size=2, max_size=12
)


def told_of(sentences, loss=0.5):
    sentence = np.repeat(np.arange(len(sentences)), [len(each) for each in sentences])
    pairs = np.array([pair for each in sentences for pair in each])
    return Told(sentence, pairs[:, 0], pairs[:, 1], loss)


@given(SENTENCES, st.sampled_from(["entity_f1", "token_accuracy"]))
def test_the_mean_of_the_scores_is_the_metric(sentences, metric):
    told = told_of(sentences)
    found = scores(metric, LABELS, told)
    assert found.shape == (len(sentences),)
    assert found.mean() == pytest.approx(measured(LABELS, told).figures[metric], abs=1e-9)


@given(SENTENCES)
def test_scores_are_the_pseudo_values_of_the_jackknife(sentences):
    def f1(kept):
        named = [[[LABELS[pair[k]] for pair in each] for each in kept] for k in (0, 1)]
        return f1_score(*named, zero_division=0)

    whole, count = f1(sentences), len(sentences)
    without = np.array([f1(sentences[:place] + sentences[place + 1 :]) for place in range(count)])
    expected = whole + (count - 1) * (without.mean() - without)
    assert scores("entity_f1", LABELS, told_of(sentences)) == pytest.approx(expected, abs=1e-9)


def test_their_spread_is_the_error_of_the_metric():
    rng = np.random.default_rng(0)

    def draw():
        sizes = rng.integers(1, 15, 200)
        truth = rng.choice(5, sizes.sum(), p=(0.6, 0.15, 0.1, 0.1, 0.05))
        guess = np.where(rng.random(len(truth)) < 0.8, truth, rng.integers(0, 5, len(truth)))
        return Told(np.repeat(np.arange(200), sizes), truth, guess, 0.0)

    for metric in ("entity_f1", "token_accuracy"):
        reached = [measured(LABELS, draw()).figures[metric] for _ in range(300)]
        said = [scores(metric, LABELS, draw()).std(ddof=1) / np.sqrt(200) for _ in range(20)]
        assert np.mean(said) == pytest.approx(np.std(reached), rel=0.15)


def test_entities_are_counted_by_type():
    told = told_of([[(1, 1), (2, 2), (0, 1)], [(3, 3), (0, 0), (3, 0)]], loss=0.25)
    found = measured(LABELS, told)
    assert found.figures["loss"] == 0.25
    assert found.figures["entity_f1"] == pytest.approx(2 * 2 / (3 + 3))
    by_type = {one.label: (one.precision, one.recall, one.support) for one in found.labels}
    assert by_type == {"x": (0.5, 1.0, 1), "y": (1.0, 0.5, 2)}


def test_words_are_counted_by_tag_where_there_are_no_entities():
    found = measured(PLAIN, told_of([[(0, 0), (1, 0)], [(2, 2)]]))
    assert set(found.figures) == {"token_accuracy", "loss"}
    by_tag = {one.label: (one.precision, one.recall, one.support) for one in found.labels}
    assert by_tag["NOUN"] == (0.5, 1.0, 1)
    assert by_tag["VERB"] == (None, 0.0, 1)
    assert by_tag["ADV"] == (None, None, 0)
