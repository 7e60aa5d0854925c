"""LoRA's ranks and scales end up in the places the configuration names."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from peft.tuners.lora import LoraLayer

from autopeft.errors import ConfigurationError
from autopeft.methods import HEAD_ONLY, VOCABULARY, apply, remove, stock_lora
from autopeft.methods.builder import plan
from autopeft.space.canonical import canonical


def _built(model):
    return {
        name: (layer.r["default"], layer.lora_alpha["default"], layer.scaling["default"])
        for name, layer in model.named_modules()
        if isinstance(layer, LoraLayer)
    }


@pytest.fixture(scope="module")
def deep(tiny):
    """Twelve layers: names such as `layer.1` and `layer.11`, and targets enough for PEFT to shorten them."""
    backbone = tiny("bert", layers=12, hidden=16)
    return backbone, backbone.classifier(2)


@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_every_place_has_its_own_rank_and_alpha(deep, data) -> None:
    backbone, model = deep
    places = st.tuples(st.integers(0, 11), st.sampled_from(backbone.shape.roles))
    ranks = data.draw(st.dictionaries(places, st.integers(1, 6), min_size=1, max_size=72))
    roles = sorted({role for _, role in ranks})
    configuration = canonical(
        {
            "modules": {
                "lora": {
                    "rank": {f"{layer}.{role}": rank for (layer, role), rank in ranks.items()},
                    "alpha": {str(layer): 1.0 + layer for layer in range(12)},
                    "targets": roles,
                }
            }
        },
        VOCABULARY,
        backbone.shape,
    )
    expected = {
        backbone.anatomy.module(layer, role): (rank, 1.0 + layer, (1.0 + layer) / rank)
        for (layer, role), rank in ranks.items()
    }
    apply(configuration, model, backbone.anatomy)
    try:
        assert _built(model) == expected
    finally:
        remove(model)


def test_stock_lora(backbone) -> None:
    configuration = stock_lora(backbone.shape, 1e-3)
    model = backbone.classifier(2)
    apply(configuration, model, backbone.anatomy)
    roles = ("qkv",) if "qkv" in backbone.shape.roles else ("q", "v")
    assert _built(model) == {
        backbone.anatomy.module(layer, role): (8, 16.0, 2.0) for layer in range(backbone.shape.layers) for role in roles
    }
    assert configuration.training == {"learning_rate": 1e-3}


@pytest.mark.parametrize("others", [{"variant": "dora"}, {"init": "pissa"}, {"init": "corda"}])
def test_a_gate_goes_with_what_only_adds(tiny, others) -> None:
    backbone = tiny()
    configuration = canonical({"modules": {"lora": {"rank": 2, "gate": True, **others}}}, VOCABULARY, backbone.shape)
    with pytest.raises(ConfigurationError, match=next(iter(others.values()))):
        apply(configuration, backbone.classifier(2), backbone.anatomy)


def test_head_only_places_nothing(backbone) -> None:
    assert plan(HEAD_ONLY) == []
    assert canonical({}, VOCABULARY, backbone.shape) == HEAD_ONLY
