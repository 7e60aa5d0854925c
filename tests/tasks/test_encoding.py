import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autopeft.backbones import load_backbone
from autopeft.tasks import Encoded, LabelledTexts, batches, choose_max_length, encode, pad_id_of, token_lengths
from autopeft.testing.models import tiny_backbone


@pytest.fixture(scope="module", params=["bert", "gpt2"])
def tokenizer(request, tmp_path_factory):
    return load_backbone(tiny_backbone(request.param, tmp_path_factory.mktemp("model"))).tokenizer()


@pytest.mark.parametrize(
    ("lengths", "expected"),
    [([5] * 10, 8), ([8] * 10, 8), ([9] * 10, 16), ([10] * 999 + [500], 16), ([500], 128)],
)
def test_the_default_length_spares_all_but_outliers(lengths, expected):
    assert choose_max_length(np.array(lengths)) == expected


def test_long_texts_are_cut_and_counted(tokenizer):
    split = LabelledTexts(["one two"] * 3 + ["one two " * 30], [0, 1, 0, 1])
    encoded = encode(split, tokenizer, 16)
    assert encoded.truncated == 0.25
    assert encoded.lengths.max() == 16
    assert token_lengths(split, tokenizer).max() >= 60


def test_pairs_hold_both_texts(tokenizer):
    single = encode(LabelledTexts(["one two"] * 2, [0, 1]), tokenizer, 16)
    pair = encode(LabelledTexts([("one two", "three")] * 2, [0, 1]), tokenizer, 16)
    assert (pair.lengths > single.lengths).all()


def test_batches_are_shuffled_by_seed_and_padded_little(tokenizer):
    rng = np.random.default_rng(0)
    texts = ["one " * int(n) for n in rng.integers(1, 100, 400)]
    encoded = encode(LabelledTexts(texts, [0, 1] * 200), tokenizer, 128)
    first, second, other = (
        batches(encoded, 8, pad_id_of(tokenizer), np.random.default_rng(seed)) for seed in (1, 1, 2)
    )
    assert all((a["input_ids"].shape == b["input_ids"].shape) for a, b in zip(first, second, strict=True))
    assert all((a["input_ids"] == b["input_ids"]).all() for a, b in zip(first, second, strict=True))
    assert [b["input_ids"].shape for b in first] != [b["input_ids"].shape for b in other]
    padded = sum(batch["input_ids"].numel() for batch in first)
    assert padded < 1.15 * encoded.lengths.sum()


def test_a_text_without_tokens_still_makes_a_row(tokenizer):
    encoded = encode(LabelledTexts(["\u200b", "one"], [0, 1]), tokenizer, 8)
    assert encoded.lengths.min() >= 1


@given(st.lists(st.integers(1, 4), min_size=1, max_size=12), st.integers(0, 99), st.integers(1, 12))
def test_examples_of_several_rows_stay_whole(sizes, seed, count):
    example = np.repeat(np.arange(len(sizes)), sizes)
    rows = [[number] * (1 + place) for place, number in enumerate(example)]
    encoded = Encoded({"input_ids": rows}, None, example=example)
    assert encoded.examples == len(sizes)
    drawn = encoded.some(np.random.default_rng(seed), count)
    taken = encoded.take(drawn)
    assert taken.examples == len(set(example[drawn])) == min(count, len(sizes))
    assert all((example == number).sum() == (example[drawn] == number).sum() for number in set(example[drawn]))
    longest, number = encoded.longest(count)
    assert number == min(count, len(sizes))
    # Later examples have longer rows here.
    assert set(example[longest]) == set(range(len(sizes))[-number:])


def test_an_example_that_is_taken_twice_is_two():
    encoded = Encoded({"input_ids": [[row] for row in range(5)]}, None, example=np.array([0, 0, 1, 2, 2]))
    taken = encoded.take(encoded.rows_of(np.array([0, 0, 1, 1, 2])))
    assert taken.examples == 5
    assert taken.example.tolist() == [0, 0, 1, 1, 2, 3, 4, 4]
    assert taken.rows_of(np.array([1, 4])).tolist() == [2, 3, 6, 7]
