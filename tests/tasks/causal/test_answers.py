"""Metrics of generated texts, against the reference implementations where there are any (fixtures/record.py)."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autopeft.tasks.causal import ANSWER_METRICS
from autopeft.tasks.causal.judging.texts import exact_match, rouge_l, token_f1

REFERENCES = json.loads((Path(__file__).parents[1] / "fixtures" / "references.json").read_text(encoding="utf8"))
WORDS = st.lists(st.sampled_from("abcde"), max_size=12)


def test_rouge_l_is_that_of_rouge_score():
    for text, wanted, found in REFERENCES["rouge_l"]:
        assert rouge_l(text, wanted) == pytest.approx(found, abs=1e-12)


def longest_common(one, other):
    table = [[0] * (len(other) + 1) for _ in range(len(one) + 1)]
    for i, left in enumerate(one):
        for j, right in enumerate(other):
            table[i + 1][j + 1] = table[i][j] + 1 if left == right else max(table[i][j + 1], table[i + 1][j])
    return table[-1][-1]


@given(one=WORDS, other=WORDS)
def test_rouge_l_counts_the_longest_common_subsequence(one, other):
    common = longest_common(one, other)
    wanted = 2 * common / (len(one) + len(other)) if common else 0.0
    assert rouge_l(" ".join(one), " ".join(other)) == pytest.approx(wanted)


@given(one=WORDS, other=WORDS)
def test_every_metric_is_a_share_and_one_for_equal_answers(one, other):
    text, wanted = " ".join(one), " ".join(other)
    for name, metric in ANSWER_METRICS.items():
        if metric.usual:
            assert 0 <= metric.score(text, wanted, {}) <= 1
            if name != "exact_match":
                assert metric.score(text, wanted, {}) == metric.score(wanted, text, {})
    assert token_f1(wanted, wanted) == exact_match(wanted, wanted) == 1.0


@pytest.mark.parametrize(
    ("text", "wanted", "right"),
    [
        ("so it is 12 * 3 = 36\n#### 36", "6 * 6 = <<6*6=36>>36\n#### 36", True),
        ("#### 36 and not 37", "#### 36", True),
        ("#### none, perhaps 36.", "#### 36", True),
        ("first 36, then 37", "#### 36", False),
        ("It costs $1,200.00.", "#### 1200", True),
        ("-3", "#### 3", False),
        ("no idea", "#### 3", False),
        ("The Cat!", "cat", True),
        ("a cat sat", "cat", False),
        # A mark without a number after it is text as any other.
        ("#### yes", "#### Yes", True),
    ],
)
def test_the_answer_is_found(text, wanted, right):
    assert exact_match(text, wanted) == float(right)


def test_token_f1_counts_words_as_often_as_they_occur():
    # In common: cat, sat; of three words and four.
    assert token_f1("the cat sat sat", "A cat sat on mats.") == pytest.approx(2 * 2 / (3 + 4))
    assert token_f1("", "cat") == token_f1("cat", "the") == 0.0
