"""Costs on the shape of Llama-2-70B, against formulas; no weights."""

import numpy as np
import pytest
from transformers import LlamaConfig

from autopeft.backbones import load_backbone
from autopeft.costs import Costs
from autopeft.methods import VOCABULARY
from autopeft.samplers.points import AffordablePoints
from autopeft.space import cells, load_space

HIDDEN, FFN, KEYS = 8192, 28672, 1024
SIZES = {
    "q": (HIDDEN, HIDDEN),
    "k": (HIDDEN, KEYS),
    "v": (HIDDEN, KEYS),
    "o": (HIDDEN, HIDDEN),
    "up": (HIDDEN, FFN),
    "gate": (HIDDEN, FFN),
    "down": (FFN, HIDDEN),
}


def by_formula(configuration):
    total = 0
    for name, places in cells(configuration, VOCABULARY).items():
        for cell, knobs in places.items():
            inputs, outputs = SIZES[cell.role]
            match name:
                case "lora":
                    total += knobs["rank"] * (inputs + outputs) + (outputs if knobs["variant"] == "dora" else 0)
                case "vera":
                    total += knobs["rank"] + outputs
                case "ia3":
                    total += inputs if cell.role == "down" else outputs
                case "sparse":
                    total += max(1, int(knobs["density"] * inputs * outputs))
    return total


@pytest.fixture(scope="module")
def llama(tmp_path_factory):
    folder = tmp_path_factory.mktemp("llama-2-70b")
    LlamaConfig(
        hidden_size=HIDDEN,
        intermediate_size=FFN,
        num_hidden_layers=80,
        num_attention_heads=64,
        num_key_value_heads=8,
        vocab_size=32000,
        pad_token_id=0,
    ).save_pretrained(folder)
    return load_backbone(str(folder))


@pytest.mark.slow
def test_a_thousand_configurations_of_llm_are_exact(llama) -> None:
    space, costs, rng = load_space("llm").bind(VOCABULARY, llama.shape), Costs(llama), np.random.default_rng(0)
    methods = set()
    for _ in range(1000):
        configuration = space.decode(space.sample(rng))
        methods |= set(configuration.modules)
        assert costs.params(configuration) == by_formula(configuration)
    assert methods == {"lora", "vera", "ia3", "sparse"}


def test_what_is_drawn_is_within_the_budget(llama) -> None:
    limit = llama.num_parameters // 1000
    space, costs, rng = load_space("llm").bind(VOCABULARY, llama.shape), Costs(llama), np.random.default_rng(0)
    points = AffordablePoints(space, costs.price, limit)
    drawn = [points.draw(rng) for _ in range(50)]
    assert all(by_formula(point.configuration) == point.cost <= limit for point in drawn)
