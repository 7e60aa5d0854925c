"""DEALRec's influence, against the release's recursion and against training without a row; and its strata."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize

from autopeft.levers import SELECT, Pool
from autopeft.levers.influence import easier, influences, stratified

RNG = np.random.default_rng(0)
ROWS, WIDTH, CLASSES = 150, 4, 3
FEATURES = np.concatenate([RNG.normal(size=(ROWS, WIDTH - 1)), np.ones((ROWS, 1))], 1)
LABELS = np.eye(CLASSES)[RNG.integers(0, CLASSES, ROWS)]
DAMPING = 0.25


def softmax(weights, features=FEATURES):
    logits = features @ weights.T
    shifted = np.exp(logits - logits.max(1, keepdims=True))
    return shifted / shifted.sum(1, keepdims=True)


def losses(weights):
    return -np.log((softmax(weights) * LABELS).sum(1))


def trained(without=None):
    """The head that minimises the mean loss and the damping's penalty, perhaps without the loss of a row."""
    kept = np.ones(ROWS)
    if without is not None:
        kept[without] = 0

    def objective(flat):
        weights = flat.reshape(CLASSES, WIDTH)
        gradient = ((softmax(weights) - LABELS) * kept[:, None]).T @ FEATURES / ROWS + DAMPING * weights
        return (kept * losses(weights)).sum() / ROWS + DAMPING / 2 * (flat**2).sum(), gradient.ravel()

    return minimize(objective, np.zeros(CLASSES * WIDTH), jac=True, tol=1e-12).x.reshape(CLASSES, WIDTH)


WEIGHTS = trained()
GRADIENTS = softmax(WEIGHTS) - LABELS


def curvature(change):
    told = softmax(WEIGHTS)
    return told * change - told * (told * change).sum(1, keepdims=True)


def hessian(row):
    """The second derivative of one row's loss, in full."""
    told = softmax(WEIGHTS)[row]
    inner = np.diag(told) - np.outer(told, told)
    return np.kron(inner, np.outer(FEATURES[row], FEATURES[row]))


def exact(damping):
    mean = np.mean([hessian(row) for row in range(ROWS)], 0)
    each = np.einsum("nc,nd->ncd", GRADIENTS, FEATURES).reshape(ROWS, -1)
    return each @ np.linalg.solve(mean + damping * np.eye(len(mean)), each.mean(0))


def lissa(steps, seed, damp=0.01, scale=25.0):
    """The release's recursion: the curvature of one row a step. Returns the mean of its later states over the scale."""
    rng = np.random.default_rng(seed)
    each = np.einsum("nc,nd->ncd", GRADIENTS, FEATURES).reshape(ROWS, -1)
    mean, products = each.mean(0), [hessian(row) for row in range(ROWS)]
    state, late = mean.copy(), np.zeros_like(mean)
    for step in range(steps):
        state = mean + (1 - damp) * state - products[rng.integers(ROWS)] @ state / scale
        if step >= steps // 2:
            late += state
    return each @ (late / (steps - steps // 2) / scale)


def test_it_is_what_the_recursion_of_the_release_tends_to_and_not_the_undamped_one():
    found = influences(FEATURES, GRADIENTS, curvature)
    np.testing.assert_allclose(found, exact(DAMPING), atol=1e-9)
    size = np.abs(found).max()
    recursion = lissa(20_000, 1)
    assert np.abs(recursion - found).max() < 0.03 * size
    assert np.abs(recursion - exact(0.0)).max() > 0.3 * size
    assert np.abs(recursion - exact(0.01)).max() > 0.3 * size


def test_its_sign_is_that_of_what_training_without_the_row_changes():
    found = influences(FEATURES, GRADIENTS, curvature)
    before = losses(WEIGHTS).mean()
    changes = np.array([losses(trained(without=row)).mean() - before for row in range(ROWS)])
    assert np.corrcoef(changes, found)[0, 1] > 0.98
    # That a row takes its part of the curvature with it is of second order, and shows where there is nothing else.
    clear = np.abs(found) > 0.1 * np.abs(found).max()
    assert clear.sum() > ROWS // 2
    assert set(np.sign(found[clear])) == {-1.0, 1.0}
    np.testing.assert_array_equal(np.sign(changes[clear]), np.sign(found[clear]))


def choose(influence, effort, share, weight=0.5, strata=25):
    data = {"select": "influence", "share": share, "influence_weight": weight, "influence_strata": strata}
    asked = SELECT.asked(data)
    pool = Pool(len(influence), {"influence": influence, "effort": effort})
    return asked.word.choose(pool, round(share * len(influence)), asked.knobs, np.random.default_rng(0))


@pytest.mark.parametrize("weight", [0.3, 0.5, 1.0])
def test_the_tenth_with_the_highest_overall_score_is_left_out(weight):
    influence, effort = RNG.normal(size=(2, 200))
    overall = (influence - influence.min()) / np.ptp(influence) + weight * (effort - effort.min()) / np.ptp(effort)
    hardest = set(np.argsort(overall)[-20:].tolist())
    assert set(range(200)) - set(easier(overall, 50).tolist()) == hardest
    # All that are not left out.
    assert set(choose(influence, effort, 0.9, weight).tolist()) == set(range(200)) - hardest
    assert set(choose(influence, effort, 1.0, weight).tolist()) == set(range(200))


def test_the_weight_counts():
    influence, effort = RNG.normal(size=(2, 200))
    assert set(choose(influence, effort, 0.3, 0.3)) != set(choose(influence, effort, 0.3, 1.0))


@given(
    st.lists(st.floats(0, 1), min_size=1, max_size=60), st.integers(1, 30), st.integers(0, 2**31), st.integers(1, 60)
)
def test_as_many_as_asked_for_and_of_every_stratum(scores, strata, seed, count):
    scores, count = np.array(scores), min(count, len(scores))
    chosen = stratified(scores, count, strata, np.random.default_rng(seed))
    assert len(chosen) == count == len(set(chosen.tolist()))
    edges = np.linspace(scores.min(), scores.max(), strata + 1)[1:-1]
    # Just beside an edge, which stratum a score is of is a matter of rounding.
    clear = (np.abs(scores[:, None] - edges) > 1e-9).all(1) if len(edges) else np.ones(len(scores), bool)
    places = np.searchsorted(edges, scores) if np.ptp(scores) else np.zeros(len(scores), int)
    if count >= strata and clear.all():
        assert set(places[chosen]) == set(places)


def test_small_strata_are_taken_whole_and_the_rest_is_shared():
    scores = np.array([0.05] * 50 + [0.5] * 2 + [0.95] * 30 + [1.0])
    chosen = stratified(scores, 20, 3, np.random.default_rng(0))
    counts = np.bincount(np.searchsorted([0.36, 0.68], scores)[chosen], minlength=3)
    assert counts.tolist() == [9, 2, 9]
    assert set(chosen) >= {50, 51}
