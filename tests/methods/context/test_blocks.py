"""Which blocks of tokens matter, held against the whole table of products, and which tokens are kept."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from autopeft.methods.context import blocks
from autopeft.methods.context.blocks import block_scores, keep
from autopeft.trials.peak import watch_peak

SIZE = 4


@pytest.fixture(autouse=True)
def short_blocks():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "BLOCK", SIZE)
        yield


def by_hand(query, key, valid):
    """Return the scores from the products of all tokens at once."""
    batch, heads, tokens, _ = query.shape
    key = key.repeat_interleave(heads // key.shape[1], 1)
    between = (query @ key.transpose(2, 3)).relu().sum(1).tril() * valid[:, :, None] * valid[:, None]
    count = math.ceil(tokens / SIZE)
    pairs = torch.zeros(batch, count, count)
    for m in range(count):
        for n in range(count):
            part = between[:, m * SIZE : (m + 1) * SIZE, n * SIZE : (n + 1) * SIZE]
            pairs[:, m, n] = part.amax((1, 2))
    both = pairs + pairs.triu(1) + pairs.tril(-1).transpose(1, 2)
    return both.sum(1)


def lengths_of(lengths):
    return torch.arange(max(lengths)) < torch.tensor(lengths)[:, None]


many = st.lists(st.integers(1, 22), min_size=1, max_size=3)


@settings(max_examples=20, deadline=None)
@given(lengths=many, shared=st.integers(1, 3), keys=st.integers(1, 2), seed=st.integers(0, 99))
def test_scores_are_those_of_the_whole_table(lengths, shared, keys, seed):
    torch.manual_seed(seed)
    valid = lengths_of(lengths)
    query = torch.randn(*valid.shape, keys * shared, 3).transpose(1, 2)
    key = torch.randn(*valid.shape, keys, 3).transpose(1, 2)
    torch.testing.assert_close(block_scores(query, key, valid), by_hand(query, key, valid))


@given(lengths=many, share=st.floats(0.01, 1.0), seed=st.integers(0, 99))
def test_a_share_of_the_blocks_of_each_text_is_kept_rounded_down_but_one_at_least(lengths, share, seed):
    torch.manual_seed(seed)
    valid = lengths_of(lengths)
    scores = torch.rand(len(valid), math.ceil(valid.shape[1] / SIZE))
    kept = keep(scores, valid, share)
    for text, length in enumerate(lengths):
        places = kept.places[text][kept.real[text]].tolist()
        there = math.ceil(length / SIZE)
        wanted = scores[text, :there].topk(max(1, math.floor(share * there + 1e-9))).indices.tolist()
        assert places == [place for place in range(length) if place // SIZE in wanted]
        # Repetitions are of the last.
        assert set(kept.places[text][~kept.real[text]].tolist()) <= {places[-1]}


def test_a_share_that_is_a_little_less_in_floating_point_counts_as_written():
    valid = torch.ones(1, 100 * SIZE, dtype=torch.bool)
    assert 0.29 * 100 < 29
    assert keep(torch.rand(1, 100), valid, 0.29).places.shape[1] == 29 * SIZE


def test_scores_never_hold_the_whole_table():
    tokens, heads = 256, 4
    query, key = torch.randn(2, 1, heads, tokens, 2)
    with watch_peak(torch.nn.Linear(1, 1)) as peak:
        block_scores(query, key, torch.ones(1, tokens, dtype=torch.bool))
        assert peak() < 4 * heads * tokens**2 / 16
