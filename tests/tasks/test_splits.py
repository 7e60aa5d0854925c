from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autopeft.tasks.classification.examples import Examples
from autopeft.tasks.splits import HELD_OUT_CAPS, held_out_share, hold_out


def split_off(examples, names, seed):
    return hold_out(examples, examples.texts, examples.names, names, seed)


rows = st.lists(st.tuples(st.integers(0, 40).map(str), st.sampled_from("abc")), min_size=20, max_size=200)


@given(
    rows=rows,
    seed=st.integers(0, 3),
    names=st.sampled_from([["validation", "test"], ["validation"], ["test"]]),
)
def test_every_row_lands_once_and_no_text_crosses(rows, seed, names):
    examples = Examples([text for text, _ in rows], [label for _, label in rows])
    parts = split_off(examples, names, seed)
    assert list(parts) == ["train", *names]
    landed = Counter(pair for part in parts.values() for pair in zip(part.texts, part.names, strict=True))
    assert landed == Counter(rows)
    texts = [set(part.texts) for part in parts.values()]
    assert sum(map(len, texts)) == len(set.union(*texts))
    assert parts == split_off(examples, names, seed)


def test_splits_are_stratified_and_a_single_example_stays_in_train():
    names = ["rare"] + ["few"] * 4 + ["some"] * 95 + ["most"] * 900
    parts = split_off(Examples([f"text {i}" for i in range(1000)], names), ["validation", "test"], 0)
    assert {name: len(part) for name, part in parts.items()} == {"train": 800, "validation": 100, "test": 100}
    for name in ("validation", "test"):
        counts = Counter(parts[name].names)
        assert counts["rare"] == 0
        assert counts["few"] >= 1
        assert abs(counts["some"] - 9.5) <= 1.5
    assert Counter(parts["train"].names)["rare"] == 1


def test_many_rare_labels_do_not_inflate_the_held_out_splits():
    names = [f"label {i // 4}" for i in range(2000)]
    parts = split_off(Examples([f"text {i}" for i in range(2000)], names), ["validation"], 0)
    assert len(parts["validation"]) <= 500


def test_large_data_gives_up_no_more_than_the_caps():
    count = 50_000
    parts = split_off(Examples([str(i) for i in range(count)], ["a", "b"] * (count // 2)), ["validation", "test"], 0)
    assert {name: len(parts[name]) for name in HELD_OUT_CAPS} == HELD_OUT_CAPS


@given(total=st.integers(100, 100_000))
def test_test_grows_only_by_what_no_trial_trains_on(total):
    validation, test = (total * held_out_share(total, name) for name in HELD_OUT_CAPS)
    plain = min(total * 0.1, HELD_OUT_CAPS["test"]) if total >= 200 else test
    assert plain - 1e-6 <= test <= min(HELD_OUT_CAPS["test"], total / 4) + 1e-6
    assert test == pytest.approx(plain) or total - validation - test >= 4_200 - 1e-6
    assert total < 10_000 or test == pytest.approx(HELD_OUT_CAPS["test"])
