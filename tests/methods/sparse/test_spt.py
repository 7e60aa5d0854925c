"""SPT: how a budget is spent, and what is built of it."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from peft import PeftModel

from autopeft.costs import Costs
from autopeft.methods import adapter_parameters, load, save
from autopeft.methods.sparse.allocation import allocate
from autopeft.methods.sparse.layer import NAME
from autopeft.testing.methods import logits, randomise
from autopeft.testing.models import tiny_batch
from tests.methods.sparse.twins import sparse_layers
from tests.methods.stepping import build, fresh


def spent(found, scores, rank):
    products = sum(rank * sum(scores[name].shape) for name in found.low_rank)
    return products + sum(len(positions) for positions in found.scalars.values())


@given(
    st.lists(st.tuples(st.integers(2, 12), st.integers(2, 12)), min_size=1, max_size=4),
    st.floats(0.01, 1.0),
    st.integers(1, 3),
    st.sampled_from([0.0, 0.1, 0.5, 2.0]),
    st.integers(0, 5),
)
def test_the_budget_is_met_exactly(shapes, share, rank, dense, seed) -> None:
    generator = torch.Generator().manual_seed(seed)
    scores = {str(number): torch.rand(shape, generator=generator) ** 3 for number, shape in enumerate(shapes)}
    budget = max(1, int(share * sum(each.numel() for each in scores.values())))
    found = allocate(scores, budget, rank, dense)
    assert spent(found, scores, rank) == budget
    assert not found.low_rank & {name for name, positions in found.scalars.items() if len(positions)}


def test_a_planted_matrix_gets_the_product_and_the_rest_single_scalars() -> None:
    torch.manual_seed(0)
    scores = {name: torch.rand(40, 40) for name in "abc"}
    scores["b"] += 10
    scores["c"][3, 5] = 99.0
    found = allocate(scores, 2 * 80 + 5, 2, 0.1)
    assert found.low_rank == {"b"}
    assert sum(len(each) for each in found.scalars.values()) == 5
    assert 3 * 40 + 5 in found.scalars["c"].tolist()


def test_thresholds_at_their_ends_are_pure_sparse_and_pure_lora() -> None:
    torch.manual_seed(0)
    scores = {name: torch.rand(40, 40) for name in "abc"}
    assert not allocate(scores, 3 * 80, 1, 2.0).low_rank
    assert allocate(scores, 3 * 80, 1, 0.0).low_rank == set(scores)


@pytest.mark.parametrize("dense", [0.02, 2.0])
def test_what_is_built_costs_what_was_promised_and_has_no_factor(tiny, dense, tmp_path) -> None:
    backbone = tiny("bert")
    batch = tiny_batch(backbone)
    knobs = {"density": 0.08, "rank": 1, "dense": dense, "targets": ["q", "down"]}
    model, configuration = build(backbone, {"spt": knobs}, batches=[batch, batch])
    layers = sparse_layers(model)
    ranks = {name: layer.supertuning_rank[NAME] for name, layer in layers.items()}
    assert any(ranks.values()) == (dense < 1)
    built = sum(parameter.numel() for parameter in adapter_parameters(model).values())
    assert built == Costs(backbone).params(configuration)
    assert torch.equal(logits(model, batch), logits(fresh(backbone), batch))
    for layer in layers.values():
        if layer.supertuning_rank[NAME]:
            x = torch.randn(3, layer.in_features)
            first, second = layer.supertuning_lora_A[NAME].weight, layer.supertuning_lora_B[NAME].weight
            second.data.normal_()
            layer.eval()
            torch.testing.assert_close(layer(x) - layer.base_layer(x), x @ first.T @ second.T, atol=1e-5, rtol=1e-4)
    randomise(model)
    expected = logits(model, batch)
    save(model, tmp_path)
    twin = fresh(backbone)
    load(tmp_path, twin, backbone.anatomy)
    assert torch.equal(logits(twin, batch), expected)
    assert torch.equal(logits(PeftModel.from_pretrained(fresh(backbone), str(tmp_path)), batch), expected)


def test_the_same_seed_spends_alike(tiny) -> None:
    backbone = tiny("llama")
    batch = tiny_batch(backbone)
    knobs = {"density": 0.05, "rank": 1, "dense": 0.02, "targets": ["q", "down"]}
    first, second = (build(backbone, {"spt": knobs}, batches=[batch])[0] for _ in range(2))
    for one, other in zip(sparse_layers(first).values(), sparse_layers(second).values(), strict=True):
        assert torch.equal(one.positions, other.positions)
        assert one.supertuning_rank == other.supertuning_rank
