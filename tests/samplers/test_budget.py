"""What samplers draw from stays within the budget: every shipped space, every architecture, exact costs."""

import numpy as np
import pytest

from autopeft.backbones import load_backbone
from autopeft.costs import Budget, Costs
from autopeft.methods import VOCABULARY
from autopeft.samplers.points import AffordablePoints
from autopeft.space import load_space, shipped_spaces
from autopeft.testing.models import ARCHITECTURES, tiny_backbone
from tests.marks import mostly_slow


@pytest.fixture(scope="module", params=mostly_slow(ARCHITECTURES))
def backbone(request, tmp_path_factory):
    return load_backbone(tiny_backbone(request.param, tmp_path_factory.mktemp("budget"), layers=2))


@pytest.mark.parametrize("name", shipped_spaces())
def test_what_is_drawn_is_within_the_budget(backbone, name):
    costs = Costs(backbone)
    limit = Budget.parse("5%").limit(backbone.num_parameters)
    points = AffordablePoints(load_space(name).bind(VOCABULARY, backbone.shape), costs.price, limit)
    rng = np.random.default_rng(0)
    drawn = [points.draw(rng) for _ in range(500 if backbone.config.model_type in ("llama", "vit") else 125)]
    assert all(costs.price(point.configuration) == point.cost <= limit for point in drawn)
    assert len({point.text for point in drawn}) > len(drawn) // 10
