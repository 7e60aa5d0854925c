"""What people use today, on every kind of backbone."""

import pytest

from autopeft.backbones import load_backbone
from autopeft.methods import REFERENCES, VOCABULARY, adapter_parameters, apply, references_of, remove, stock_lora
from autopeft.space import BackboneShape, load_space
from autopeft.testing.models import ARCHITECTURES, tiny_backbone
from tests.marks import mostly_slow

SHAPE = BackboneShape(6, 384, 1536, ("q", "k", "v", "o", "up", "down"))


def test_they_are_what_people_use():
    found = {each.name: each.configuration(SHAPE, 4e-3).to_dict()["modules"]["lora"] for each in REFERENCES}
    assert {name: (knobs["rank"], knobs["alpha"], knobs["targets"]) for name, knobs in found.items()} == {
        "stock-lora": (8, 16.0, ["q", "v"]),
        "all-linear": (16, 32.0, ["q", "k", "v", "o", "up", "down"]),
        "low-rank": (1, 2.0, ["q", "v"]),
        "low-rank-all": (1, 2.0, ["q", "k", "v", "o", "up", "down"]),
    }
    assert stock_lora(SHAPE, 4e-3) == REFERENCES[0].configuration(SHAPE, 4e-3)
    assert len({each.pick for each in REFERENCES}) == len(REFERENCES)


def test_the_default_space_holds_all_of_them():
    space = load_space("default").bind(VOCABULARY, SHAPE)
    assert all(space.contains(each.configuration(SHAPE, 4e-3)) for each in REFERENCES)


@pytest.mark.parametrize("architecture", mostly_slow(ARCHITECTURES))
def test_they_are_built_and_all_linear_adapts_every_matrix(architecture, tmp_path):
    backbone = load_backbone(tiny_backbone(architecture, tmp_path))
    model = backbone.classifier(2)
    counts = {}
    for each in REFERENCES:
        apply(each.configuration(backbone.shape, 1e-3), model, backbone.anatomy)
        names = adapter_parameters(model)
        counts[each.name] = sum(parameter.numel() for parameter in names.values())
        remove(model)
    assert counts["stock-lora"] == 8 * counts["low-rank"]
    assert counts["all-linear"] == 16 * counts["low-rank-all"]
    assert counts["low-rank-all"] > counts["low-rank"]
    knobs = REFERENCES[1].configuration(backbone.shape, 1e-3).to_dict()["modules"]["lora"]
    assert set(knobs["targets"]) == set(backbone.shape.roles)


@pytest.mark.parametrize(("trials", "count"), [(1, 1), (8, 1), (9, 2), (12, 3), (15, 4), (24, 4), (500, 4)])
def test_few_trials_have_few(trials, count):
    assert references_of(trials) == REFERENCES[:count]
