"""A search for a target proposes nothing that the target cannot express."""

import numpy as np
import pytest

from autopeft.backbones import load_backbone, load_decoder
from autopeft.costs import Costs
from autopeft.errors import AutopeftError, ConfigurationError
from autopeft.exporting import TARGETS, refusal
from autopeft.launch import SearchPlan, refusals
from autopeft.launch.prices import Prices
from autopeft.launch.target import refuses_for
from autopeft.methods import VOCABULARY
from autopeft.samplers.points import AffordablePoints
from autopeft.space import SearchSpace
from autopeft.testing.decoders import tiny_decoder
from autopeft.testing.models import tiny_backbone
from autopeft.testing.targets import tiny_task
from autopeft.trials import kind_of

SPACE = SearchSpace(
    "s",
    choose={
        "lora": {"rank": {"per": "layer", "values": "off | 2 | 4"}, "variant": "lora | rslora", "b_ratio": "1 | 4"},
        "ia3": {},
        "kasa": {"rank": "2 | 4"},
    },
)


@pytest.fixture(scope="module")
def decoder(tmp_path_factory):
    return load_decoder(tiny_decoder("llama", tmp_path_factory.mktemp("model")))


@pytest.mark.parametrize(("name", "left"), [("trl", {"lora", "ia3"}), ("axolotl", {"lora"}), ("torchtune", {"lora"})])
def test_what_a_target_cannot_express_is_said_and_never_drawn(decoder, name, left):
    refuses = refuses_for(name, tiny_task(causal=True), decoder)
    space, costs = SPACE.bind(VOCABULARY, decoder.shape), Costs(decoder)
    said = refusals(space, costs, refuses)
    assert all(f"{name} cannot express" in line for line in said)
    assert any("kasa" in line for line in said)
    prices = Prices(("params",), costs, decoder.anatomy, refuses=refuses)
    points = AffordablePoints(space, prices.price, 10**9)
    rng = np.random.default_rng(0)
    drawn = [points.draw(rng).configuration for _ in range(60)]
    assert {method for each in drawn for method in each.modules} == left
    assert all(refusal(TARGETS[name], each, decoder, kind_of(tiny_task(causal=True))) is None for each in drawn)


def test_a_target_that_cannot_train_the_task_is_refused_at_once(decoder, tmp_path):
    classifier = load_backbone(tiny_backbone("bert", tmp_path))
    with pytest.raises(ConfigurationError, match="trl trains causal language models, and the task tiny classifies"):
        refuses_for("trl", tiny_task(causal=False), classifier)
    with pytest.raises(AutopeftError, match="did you mean 'trl'"):
        refuses_for("trll", tiny_task(causal=True), decoder)


def test_the_target_is_part_of_the_plan():
    assert SearchPlan.of({"target": "trl"}).target == "trl"
    assert refuses_for(None, None, None)(None) is None
