"""The count known beforehand is the count of what is built, everywhere in the shipped spaces."""

import sys

import numpy as np
import pytest
import torch

from autopeft.backbones import load_backbone
from autopeft.costs import Costs
from autopeft.errors import ConfigurationError
from autopeft.methods import HEAD_ONLY, VOCABULARY, adapter_parameters, apply, remove, stock_lora
from autopeft.space import canonical, load_space, shipped_spaces
from autopeft.testing.models import ARCHITECTURES, tiny_backbone
from tests.marks import mostly_slow


@pytest.fixture(scope="module", params=mostly_slow(ARCHITECTURES))
def backbone(request, tmp_path_factory):
    return load_backbone(tiny_backbone(request.param, tmp_path_factory.mktemp("costs"), layers=2))


@pytest.mark.parametrize("backbone", ARCHITECTURES[:1], indirect=True)
@pytest.mark.parametrize("name", shipped_spaces())
def test_predicted_is_counted(backbone, name) -> None:
    built, wrong = compare(backbone, name, 40)
    assert wrong == []
    assert built > 0


@pytest.mark.slow
@pytest.mark.parametrize("name", shipped_spaces())
def test_predicted_is_counted_in_many_configurations(backbone, name) -> None:
    # Encoders of texts and of pictures, and decoders: others differ from one of these in names alone.
    built, wrong = compare(backbone, name, 500 if backbone.config.model_type in ("bert", "llama", "vit") else 125)
    assert wrong == []
    assert built > 0


def compare(backbone, name, count) -> tuple[int, list[str]]:
    """Build random configurations on the meta device; return how many were built, and those counted wrongly.

    What PEFT refuses to build has no cost either.
    """
    built, wrong = 0, []
    space, costs, rng = (
        load_space(name).bind(VOCABULARY, backbone.shape),
        Costs(backbone),
        np.random.default_rng(0),
    )
    model = backbone.meta()
    for _ in range(count):
        configuration = space.decode(space.sample(rng))
        if costs.price(configuration) == sys.maxsize:
            with pytest.raises(ConfigurationError):
                costs.params(configuration)
            continue
        try:
            with torch.device("meta"):
                apply(configuration, model, backbone.anatomy)
        except RuntimeError:
            # Some methods look into weights, which are not there; tests/methods builds them with weights.
            continue
        except ConfigurationError as error:
            if not isinstance(error.__cause__, RuntimeError):
                raise
            continue
        counted = sum(parameter.numel() for parameter in adapter_parameters(model).values())
        remove(model)
        built += 1
        if costs.params(configuration) != counted:
            wrong.append(f"{configuration.describe()}: {costs.params(configuration)} predicted, {counted} built")
    return built, wrong


def test_share_and_the_baselines(backbone) -> None:
    costs = Costs(backbone)
    stock = stock_lora(backbone.shape, 1e-3)
    assert costs.params(HEAD_ONLY) == costs.share(HEAD_ONLY) == 0
    assert costs.share(stock) == costs.params(stock) / backbone.num_parameters


def test_counting_leaves_the_meta_model_alone(backbone) -> None:
    before = [(name, type(module)) for name, module in backbone.meta().named_modules()]
    attention = backbone.meta().config._attn_implementation
    modules = {"lora": {"rank": 2}, "parallel_adapter": {"size": 3}, "prefix": {"length": 3}}
    Costs(backbone).params(canonical({"modules": modules}, VOCABULARY, backbone.shape))
    assert [(name, type(module)) for name, module in backbone.meta().named_modules()] == before
    assert backbone.meta().config._attn_implementation == attention
    assert all(parameter.requires_grad for parameter in backbone.meta().parameters())


def test_a_kind_of_cell_is_built_once(backbone, monkeypatch) -> None:
    costs, stock = Costs(backbone), stock_lora(backbone.shape, 1e-3)
    first = costs.params(stock)
    stored = costs.bytes(stock)
    monkeypatch.setattr(costs, "_count", lambda *_: pytest.fail("built again"))
    monkeypatch.setattr(costs, "_store", lambda *_: pytest.fail("built again"))
    assert costs.params(stock) == first
    assert costs.bytes(stock) == stored == 4 * first
