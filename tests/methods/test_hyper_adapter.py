"""Adapters of shared templates against their formula: shapes, counts, start, and what an embedding decides."""

import pytest
import torch
from torch.nn.functional import gelu

from autopeft.costs import Costs
from autopeft.errors import ConfigurationError
from autopeft.methods import VOCABULARY, adapter_parameters, frozen_depth, stays_in_layers
from autopeft.space import canonical
from autopeft.testing.methods import logits, randomise
from autopeft.testing.models import tiny_batch
from tests.marks import mostly_slow
from tests.methods.stepping import build, fresh, train

EACH = mostly_slow(["vit", "bert", "llama", "gpt2"])
FULL = {"size": 8, "kernel": 2, "rank": 3, "embedding": 5}
LITE = {"size": 8, "kernel": 4, "lite": True}


def sites(backbone, model, layers=(0, 1, 2)):
    return [model.get_submodule(backbone.anatomy.module(index, "down")) for index in layers]


def templates_by_hand(own):
    """Return both templates out of parameters by name."""
    if "embedding" not in own:
        return own["down"], own["up"]
    rank, made = 3, []
    for part in ("down", "up"):
        left, right = ((own[f"{part}.{side}.weight"] @ own["embedding"]).reshape(-1, rank) for side in (0, 1))
        made.append(left @ right.T)
    return tuple(made)


def kronecker(kernel, template):
    """Return a Kronecker product, block by block."""
    return torch.cat([torch.cat([number * template for number in row], dim=1) for row in kernel], dim=0)


@pytest.mark.parametrize("backbone", EACH, indirect=True)
@pytest.mark.parametrize("knobs", [FULL, LITE])
@pytest.mark.parametrize("layers", [(0, 1, 2), (1, 2)])
def test_what_is_added_is_of_the_shared_templates_and_the_layers_own_kernel(backbone, knobs, layers) -> None:
    model, _ = build(backbone, {"hyper_adapter": {**knobs, "layers": list(layers)}})
    randomise(model)
    seen, placed = {}, sites(backbone, model, layers)
    own = dict(placed[0].hyper_adapter_templates["default"].named_parameters())
    assert not any(len(site.hyper_adapter_templates) for site in placed[1:])
    down, up = templates_by_hand(own)
    d, n, s = backbone.shape.hidden, knobs["size"], knobs["kernel"]
    assert (down.shape, up.shape) == ((d // s, n // s), (n // s, d // s))
    for index, site in enumerate(placed):
        site.base_layer.register_forward_hook(lambda _, args, output, at=index: seen.update({at: output}))
        site.register_forward_hook(lambda _, args, output, at=index: seen.update({f"{at}+": output}))
    logits(model, tiny_batch(backbone))
    for index, site in enumerate(placed):
        kernel = site.hyper_adapter_kernel["default"]
        matrices = kronecker(kernel, down), kronecker(kernel, up)
        for found, expected, shape in zip(site.matrices("default"), matrices, ((d, n), (n, d)), strict=True):
            assert found.shape == shape
            torch.testing.assert_close(found, expected)
        added = gelu(seen[index] @ matrices[0]) @ matrices[1]
        torch.testing.assert_close(seen[f"{index}+"], seen[index] + added)


@pytest.mark.parametrize("backbone", EACH, indirect=True)
@pytest.mark.parametrize("layers", [[0, 1, 2], [2]])
def test_counts_are_those_of_the_formulas(backbone, layers) -> None:
    d, n, count = backbone.shape.hidden, 8, len(layers)
    for knobs, expected in (
        (FULL, 2 * 5 * 3 * (d + n) // 2 + count * 2**2 + 5),
        (LITE, 2 * (d // 4) * (n // 4) + count * 4**2),
    ):
        model, configuration = build(backbone, {"hyper_adapter": {**knobs, "layers": layers}})
        assert Costs(backbone).params(configuration) == expected
        assert sum(value.numel() for value in adapter_parameters(model).values()) == expected
        # What is shared is stored once.
        assert Costs(backbone).bytes(configuration) == 4 * expected


@pytest.mark.parametrize("knobs", [FULL, LITE])
def test_it_starts_as_nothing_and_all_of_it_learns(tiny, knobs) -> None:
    backbone = tiny("vit")
    batch = tiny_batch(backbone)
    expected = logits(fresh(backbone), batch)
    model, _ = build(backbone, {"hyper_adapter": knobs})
    assert torch.equal(logits(model, batch), expected)
    down, up = sites(backbone, model)[1].matrices("default")
    assert down.any()
    assert not up.any()
    before = {name: value.detach().clone() for name, value in adapter_parameters(model).items()}
    train(model, batch, 3)
    assert not any(torch.equal(value, before[name]) for name, value in adapter_parameters(model).items())


@pytest.mark.parametrize("knobs", [{**FULL, "size": 64, "rank": 16}, {**LITE, "size": 64}])
def test_it_reads_hidden_states_at_their_size(tiny, knobs) -> None:
    model, _ = build(tiny("bert", hidden=128), {"hyper_adapter": knobs})
    down, _ = sites(tiny("bert"), model)[0].matrices("default")
    template = down[: 128 // knobs["kernel"], : 64 // knobs["kernel"]]
    assert 0.6 < float(template.detach().var()) * len(template) < 1.6


def test_another_embedding_makes_other_adapters_in_every_layer(tiny) -> None:
    backbone = tiny("bert")
    model, _ = build(backbone, {"hyper_adapter": FULL})
    randomise(model)
    placed = sites(backbone, model)
    embedding = placed[0].hyper_adapter_templates["default"].embedding
    before = [site.matrices("default") for site in placed]
    with torch.no_grad():
        embedding.mul_(-2)
    for site, (down, up) in zip(placed, before, strict=True):
        # Both factors of a template are linear in it.
        torch.testing.assert_close(site.matrices("default"), (4 * down, 4 * up))


def test_trials_leave_out_what_lies_below_it(tiny) -> None:
    backbone = tiny("bert")
    _, configuration = build(backbone, {"hyper_adapter": {**FULL, "layers": [1, 2]}})
    assert frozen_depth(configuration, backbone.anatomy) == 1
    assert stays_in_layers(configuration)


@pytest.mark.parametrize("knobs", [{"size": 9, "kernel": 2}, {"size": 12, "kernel": 3}])
def test_a_kernel_that_does_not_divide_is_refused(tiny, knobs) -> None:
    backbone = tiny("bert")
    configuration = canonical({"modules": {"hyper_adapter": knobs}}, VOCABULARY, backbone.shape)
    with pytest.raises(ConfigurationError, match="does not divide hidden states of 32 and a size of"):
        Costs(backbone).params(configuration)
