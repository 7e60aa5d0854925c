"""The weight of a small model's shift, held against the objective as the paper writes it."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from autopeft.training.fusion import weights
from autopeft.training.fusion.weights import EVALUATIONS, MOST, fuse_logits, fusion_weights

seeds = st.integers(0, 2**31)
scales = st.sampled_from([0.1, 1.0, 4.0])


def drawn(seed, scale, tokens=6, vocabulary=11):
    """Return logits of a large model, a trained small one, and that untrained."""
    generator = torch.Generator().manual_seed(seed)
    large, untuned, moved = (scale * torch.randn(tokens, vocabulary, generator=generator) for _ in range(3))
    return large, untuned + moved, untuned


def divergence(one, other):
    """Return KL of two distributions given by their logits, in float64."""
    one, other = one.double().log_softmax(dim=1), other.double().log_softmax(dim=1)
    return (one.exp() * (one - other)).sum(dim=1)


def objective(large, tuned, untuned, weight):
    """Return what the paper minimises, term by term."""
    fused = large + weight[:, None] * (tuned - untuned)
    there = divergence(fused, large) - divergence(tuned, untuned)
    back = divergence(large, fused) - divergence(untuned, tuned)
    return there**2 + back**2


@given(seeds, scales)
@settings(max_examples=30)
def test_no_weight_of_a_fine_grid_is_better_by_much(seed, scale):
    logits = drawn(seed, scale)
    found = fusion_weights(*logits)
    assert ((found >= 0) & (found <= MOST)).all()
    grid = [objective(*logits, torch.full((6,), weight)) for weight in np.linspace(0, MOST, 81).tolist()]
    least, most = (torch.stack(grid).aminmax(dim=0)[part] for part in (0, 1))
    assert (objective(*logits, found) <= least + 0.01 * (most - least) + 1e-6).all()


@given(seeds, scales)
def test_the_small_model_on_itself_is_the_trained_one(seed, scale):
    _, tuned, untuned = drawn(seed, scale)
    logits, found = fuse_logits(untuned, tuned, untuned)
    assert found.tolist() == [1.0] * 6
    assert torch.allclose(logits, tuned, atol=1e-5 * scale)


@given(seeds, scales)
def test_nothing_but_probabilities_counts(seed, scale):
    large, tuned, untuned = (each.double() for each in drawn(seed, scale))
    shifted = (large + 3.0, tuned - 2.0, untuned + 5.0)
    assert torch.allclose(fusion_weights(*shifted), fusion_weights(large, tuned, untuned), atol=1e-4)


def test_weight_0_is_the_large_model_and_1_adds_the_whole_shift():
    large, tuned, untuned = drawn(0, 1.0)
    assert torch.equal(fuse_logits(large, tuned, untuned, 0.0)[0], large)
    assert torch.equal(fuse_logits(large, tuned, untuned, 1.0)[0], large + (tuned - untuned))


def test_training_that_moved_nothing_moves_nothing():
    large, _, untuned = drawn(1, 1.0)
    logits, found = fuse_logits(large, untuned, untuned)
    assert torch.equal(logits, large)
    assert not found.any()


def test_what_is_never_told_stays_so():
    large, tuned, untuned = drawn(2, 1.0)
    large[:, 4] = -torch.inf
    logits, found = fuse_logits(large, tuned, untuned)
    assert torch.isfinite(found).all()
    assert (logits[:, 4] == -torch.inf).all()
    assert torch.isfinite(logits[:, :4]).all()


def test_tokens_are_independent_of_those_beside_them(monkeypatch):
    logits = drawn(3, 2.0)
    whole = fuse_logits(*logits)
    monkeypatch.setattr(weights, "_AT_ONCE", 22)
    parts = fuse_logits(*logits)
    assert torch.equal(whole[0], parts[0])
    assert torch.equal(whole[1], parts[1])
    assert torch.equal(fuse_logits(*(each[2:3] for each in logits))[1], whole[1][2:3])


def test_the_objective_is_looked_at_as_often_as_the_paper_does(monkeypatch):
    calls = []
    looked = weights._Path.divergences
    monkeypatch.setattr(weights._Path, "divergences", lambda self, at: calls.append(at) or looked(self, at))
    fusion_weights(*drawn(4, 1.0))
    # Once for how far the small model was moved.
    assert len(calls) == EVALUATIONS + 1
    assert 10 <= EVALUATIONS <= 15


@pytest.mark.parametrize("precision", [torch.bfloat16, torch.float32])
def test_it_is_computed_in_fp32(precision):
    logits, found = fuse_logits(*(each.to(precision) for each in drawn(5, 1.0)))
    assert (logits.dtype, found.dtype) == (torch.float32, torch.float32)
