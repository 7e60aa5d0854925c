"""Easy data augmentation: what each change does to the words of a text, and which words stand in for synonyms."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autopeft.levers import Rows, eda
from autopeft.levers.eda import changed
from autopeft.levers.neighbours import key_of, neighbours

OTHERS = {"film": ("story",), "good": ("fine", "nice")}
TEXTS = st.lists(st.sampled_from(["film", "Good,", "the", "of", "it"]), min_size=1, max_size=12).map(" ".join)
RATES = st.floats(0.01, 1.0)


def rng_of(seed):
    return np.random.default_rng(seed)


@given(TEXTS, RATES, st.integers(0, 99))
def test_a_change_depends_on_its_seed_alone_and_leaves_a_text(text, rate, seed):
    found = changed(text, rate, OTHERS, rng_of(seed))
    assert found == changed(text, rate, OTHERS, rng_of(seed))
    assert found.split()


@given(TEXTS, st.integers(0, 99))
def test_a_rate_of_0_changes_nothing(text, seed):
    assert changed(text, 0.0, OTHERS, rng_of(seed)) == text


@given(TEXTS, RATES, st.integers(0, 99))
def test_each_operation_does_what_it_is_called(text, rate, seed):
    words = text.split()
    count = max(1, int(rate * len(words)))
    swapped = eda._swapped(words, rate, OTHERS, rng_of(seed))
    assert Counter(swapped) == Counter(words)
    kept = eda._deleted(words, rate, OTHERS, rng_of(seed))
    assert 1 <= len(kept) <= len(words)
    assert not Counter(kept) - Counter(words)
    inserted = eda._inserted(words, rate, OTHERS, rng_of(seed))
    known = [word for word in words if key_of(word) in OTHERS]
    assert len(inserted) == len(words) + (count if known else 0)
    assert set(Counter(inserted) - Counter(words)) <= {"story", "fine", "nice"}
    replaced = eda._replaced(words, rate, OTHERS, rng_of(seed))
    assert len(replaced) == len(words)
    away = {key_of(old) for old, new in zip(words, replaced, strict=True) if old != new}
    assert len(away) == min(count, len({key_of(word) for word in known}))
    assert {new for old, new in zip(words, replaced, strict=True) if old == "Good," != new} <= {"Fine,", "Nice,"}


def test_all_four_operations_come():
    text = "a good film of the year it is"
    lengths = Counter(len(changed(text, 0.2, OTHERS, rng_of(seed)).split()) for seed in range(40))
    assert min(lengths) < 8 < max(lengths)
    same = [changed(text, 0.2, OTHERS, rng_of(seed)) for seed in range(40)]
    same = [each for each in same if len(each.split()) == 8]
    assert any(Counter(each.split()) == Counter(text.split()) for each in same)
    assert any(Counter(each.split()) != Counter(text.split()) for each in same)


def test_words_that_take_the_same_places_stand_in_for_each_other():
    texts = ["the cat sat on the mat", "The dog sat on the mat.", "the cat ran home", "the dog ran home", "a bird flew"]
    found = neighbours(texts)
    assert found["cat"][0] == "dog"
    assert found["dog"][0] == "cat"
    assert "bird" not in found
    # What shares a single place may do so by chance.
    assert neighbours(["a cat sat", "the cat ran", "one dog sat", "my dog lay"]) == {}
    assert found == neighbours(texts)


def test_opposites_do_not_stand_in_for_each_other_where_labels_tell():
    words = {"good": 1, "great": 1, "bad": 0, "poor": 0, "long": None}
    texts, labels = [], []
    for number in range(12):
        for word, label in words.items():
            texts.append(f"a {word} film" if number % 2 else f"the {word} story")
            labels.append((number // 2 % 2 if label is None else label,))
    found = neighbours(texts, labels)
    assert set(found["good"]) == {"great", "long"}
    assert set(found["bad"]) == {"poor", "long"}
    assert set(found["long"]) == {"good", "great", "bad", "poor"}
    assert "bad" in neighbours(texts)["good"]
    assert neighbours(texts, [()] * len(texts)) == neighbours(texts)
    # Seen twice, a word says nothing of labels yet.
    assert (
        "bad"
        in neighbours(["a good film", "the good story", "a bad film", "the bad story"], [[1], [1], [0], [0]])["good"]
    )


def test_rows_tell_their_labels():
    texts = [("a good film", "the good story"), ("a bad film", "the bad story")] * 6
    rows = Rows(texts, range(12), lambda column: (), 0, [(1,), (0,)] * 6)
    assert "bad" not in rows.others.get("good", ())
    assert "bad" in replace(rows, labels=None).others["good"]


@pytest.mark.parametrize("texts", [[], [""], ["one"], ["alone", "alone"]])
def test_of_few_words_nothing_is_known(texts):
    assert neighbours(texts) == {}
