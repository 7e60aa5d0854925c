"""Between flat parameters and configurations."""

import numpy as np
import optuna
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from autopeft.errors import ConfigurationError
from autopeft.methods import VOCABULARY
from autopeft.space import (
    BackboneShape,
    Configuration,
    SearchSpace,
    canonical,
    cells,
    load_space,
    shipped_spaces,
)
from autopeft.space.moves import moves

SHAPES = {
    "bert": BackboneShape(6, 384, 1536, ("q", "k", "v", "o", "up", "down")),
    "gpt2": BackboneShape(3, 32, 128, ("qkv", "o", "up", "down"), {"q": "qkv", "k": "qkv", "v": "qkv"}),
    "llama": BackboneShape(4, 64, 172, ("q", "k", "v", "o", "up", "gate", "down")),
}
EXTRA = {
    "choice": SearchSpace(
        "choice",
        choose={
            "lora": {"rank": {"per": "2 layer groups", "values": "0 | 2 | 4"}, "targets": "subset of q, v"},
            "serial_adapter": {"size": "d/8 | d/4", "activation": "relu | gelu", "layers": "subset"},
            "prefix": {"length": "1..3 by 1"},
        },
    ),
    "optional": SearchSpace(
        "optional",
        layers="subset",
        modules={
            "bitfit": {"optional": True},
            "lora": {"rank": "1..8 by x2", "targets": "subset of q, v", "optional": True},
            "ia3": {"targets": ["o"], "layers": "subset", "optional": True},
            "prefix": {"length": "off | 4"},
        },
    ),
    "roles": SearchSpace(
        "roles",
        layers=[0, 2],
        modules={"lora": {"rank": {"per": "role", "values": "off | 1..4 by x2"}, "targets": ["q", "v", "o"]}},
        training={"learning_rate": [1e-4, 1e-3]},
    ),
}
#: What AutoPEFT's serial adapter has fixed.
AS_RELEASED = {"reads": "norm", "start": "normal"}
SPACES = {name: load_space(name) for name in shipped_spaces()} | EXTRA
BOUND = {(space, shape): SPACES[space].bind(VOCABULARY, SHAPES[shape]) for space in SPACES for shape in SHAPES}


@pytest.mark.parametrize("key", BOUND, ids="-".join)
@given(data=st.data())
@settings(max_examples=30, deadline=None)
def test_configurations_and_parameters_round_trip(key, data):
    space = BOUND[key]
    units = data.draw(st.lists(st.floats(0, 1), min_size=len(space.parameters), max_size=len(space.parameters)))
    raw = {parameter.name: parameter.at(unit) for parameter, unit in zip(space.parameters, units, strict=True)}
    configuration = space.decode(raw)
    assume(space.allows(configuration))
    params = space.encode(configuration)
    assert params.keys() == raw.keys()
    assert space.decode(params) == configuration
    assert space.encode(space.decode(params)) == params
    assert space.decode(space.from_unit(space.unit(params))) == configuration
    assert canonical(configuration.to_dict(), VOCABULARY, space.shape) == configuration
    assert Configuration.from_dict(configuration.to_dict()).hash == configuration.hash


@pytest.mark.parametrize("key", BOUND, ids="-".join)
@given(seed=st.integers(0, 2**20))
@settings(max_examples=20, deadline=None)
def test_unit_vectors_give_back_the_point_inactive_parameters_included(key, seed):
    space = BOUND[key]
    configuration = space.decode(space.sample(np.random.default_rng(seed)))
    params = space.encode(configuration)
    vector = space.unit(params)
    assert vector.shape == (len(space.parameters),)
    assert np.all((vector >= 0) & (vector <= 1))
    assert space.from_unit(vector) == params
    assert space.decode(space.from_unit(vector)) == configuration


@pytest.mark.parametrize("key", BOUND, ids="-".join)
def test_inactive_parameters_do_not_matter_and_active_ones_can(key):
    space = BOUND[key]
    rng = np.random.default_rng(0)
    for _ in range(30):
        params = space.sample(rng)
        configuration, active = space.decode(params), space.active(params)
        for parameter in space.parameters:
            changed = {space.decode(params | {parameter.name: parameter.at(unit)}) for unit in np.linspace(0, 1, 7)}
            if parameter.name not in active:
                assert changed == {configuration}, parameter.name


@pytest.mark.parametrize("key", BOUND, ids="-".join)
def test_neighbours_are_new_valid_and_canonical(key):
    space = BOUND[key]
    rng = np.random.default_rng(1)
    # From nothing at all it can take two steps, a layer and a role, to get anywhere.
    params = next(point for point in iter(lambda: space.sample(rng), None) if space.decode(point).modules)
    near = list(space.neighbours(params, rng))
    assert near
    configurations = [space.decode(point) for point in near]
    assert len(set(configurations)) == len(configurations)
    assert space.decode(params) not in configurations
    assert all(space.encode(space.decode(point)) == point for point in near)


@pytest.mark.parametrize("key", BOUND, ids="-".join)
@given(seed=st.integers(0, 2**20))
@settings(max_examples=5, deadline=None)
def test_neighbours_are_those_that_decoding_and_encoding_gives(key, seed):
    space = BOUND[key]
    params = space.sample(np.random.default_rng(seed))
    found: dict = {}
    rng = np.random.default_rng(seed)
    for parameter in space.parameters:
        if parameter.name in space.active(params):
            for value in moves(parameter, params[parameter.name], rng):
                found.setdefault(space.decode({**params, parameter.name: value}))
    found.pop(space.decode(params), None)
    allowed = [space.encode(each) for each in found if space.allows(each)]
    near = {space.decode(each): each for each in space.neighbours(params, np.random.default_rng(seed))}
    assert near == {space.decode(each): each for each in allowed}


@given(units=st.lists(st.floats(0, 1), min_size=20, max_size=20))
@settings(max_examples=60, deadline=None)
def test_a_value_that_fits_some_layers_in_two_ways_is_encoded_by_what_fits_all(units):
    modules = {"lora": {"rank": {"per": "layer", "values": "off | 8 | 16"}, "alpha": "1r | 2r | 16"}}
    space = SearchSpace("x", modules=modules).bind(VOCABULARY, SHAPES["bert"])
    drawn = {parameter.name: parameter.at(unit) for parameter, unit in zip(space.parameters, units, strict=False)}
    params = space.canonical(drawn)
    assert space.decode(params) == space.decode(drawn)
    assert space.encode(space.decode(drawn)) == params


def test_the_sizes_of_the_paper():
    """AutoPEFT's sizes for hidden size 768: d/2^j, j = 0..9, rounded down to at least 1, and off."""
    space = SPACES["autopeft"].bind(VOCABULARY, BackboneShape(12, 768, 3072, ("q", "k", "v", "o", "up", "down")))
    sizes = next(p for p in space.parameters if p.name == "serial_adapter.size").values
    assert sizes == (0, 1, 3, 6, 12, 24, 48, 96, 192, 384, 768)
    bits = [p for p in space.parameters if p.name.startswith("layer.")]
    assert len(bits) == 12


def test_the_adapters_are_those_of_the_releases():
    shape = BackboneShape(12, 768, 3072, ("q", "k", "v", "o", "up", "down"))
    autopeft, mam = (SPACES[name].bind(VOCABULARY, shape) for name in ("autopeft", "mam"))
    prefix, parallel = {"length": 12, "network": 800}, {"parallel_adapter": {"size": 96, "scale": 4}}
    assert autopeft.contains(
        canonical({"modules": {"serial_adapter": {"size": 6, **AS_RELEASED}, "prefix": prefix}}, VOCABULARY, shape)
    )
    assert autopeft.contains(canonical({"modules": parallel}, VOCABULARY, shape))
    assert mam.contains(canonical({"modules": {**parallel, "prefix": {**prefix, "length": 16}}}, VOCABULARY, shape))
    plain = canonical({"modules": {"parallel_adapter": {"size": 96, "scale": 2}}}, VOCABULARY, shape)
    assert not autopeft.contains(plain)


def test_relative_alpha_follows_the_rank_of_its_layer():
    space = BOUND["lora", "bert"]
    params = space.encode(canonical({"modules": {}}, VOCABULARY, space.shape))
    params |= {"lora.rank.0": 3, "lora.rank.4": 1, "lora.alpha": 1}
    placed = cells(space.decode(params), VOCABULARY)["lora"]
    assert {(cell.layer, knobs["rank"], knobs["alpha"]) for cell, knobs in placed.items()} == {
        (0, 4, 8.0),
        (4, 1, 2.0),
    }


def test_every_layer_off_is_head_only():
    space = BOUND["autopeft", "bert"]
    params = {parameter.name: parameter.at(0.99) for parameter in space.parameters}
    params |= {name: 0 for name in params if name.startswith("layer.")}
    assert space.decode(params).to_dict() == {"modules": {}, "training": {}}


def test_optuna_suggests_configurations():
    space = BOUND["choice", "bert"]
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    trial = study.ask()
    configuration = space.suggest(trial)
    assert set(trial.params) == {parameter.name for parameter in space.parameters}
    assert space.contains(configuration)


def test_a_configuration_outside_is_refused():
    space = BOUND["autopeft", "bert"]
    outside = canonical({"modules": {"lora": {"rank": 8}}}, VOCABULARY, space.shape)
    assert not space.contains(outside)
    with pytest.raises(ConfigurationError, match="not in the space 'autopeft'"):
        space.encode(outside)


def test_fused_roles_are_one_bit_and_said():
    space = BOUND["lora", "gpt2"]
    assert [p.name for p in space.parameters if ".targets." in p.name] == [
        "lora.targets.qkv",
        "lora.targets.o",
        "lora.targets.up",
        "lora.targets.down",
    ]
    assert any("qkv" in warning for warning in space.warnings)


@pytest.mark.parametrize(
    ("data", "part"),
    [
        ({"lora": {"rank": 8}}, "the space has no lora"),
        ({"serial_adapter": {"size": 5, **AS_RELEASED}}, "serial_adapter.size is never 5 at layer 0"),
        ({"serial_adapter": {"size": 6}}, "serial_adapter.reads is never output at layer 0"),
        (
            {"serial_adapter": {"size": 6, "layers": [1], **AS_RELEASED}, "prefix": {"length": 6, "layers": [2]}},
            "together",
        ),
    ],
)
def test_a_refusal_says_what_does_not_fit(data, part):
    space = BOUND["autopeft", "bert"]
    configuration = canonical({"modules": data}, VOCABULARY, space.shape)
    with pytest.raises(ConfigurationError, match=part):
        space.encode(configuration)


def test_the_ends_of_a_range_with_many_digits_are_in_the_space():
    written = SearchSpace("x", modules={"lora": {"rank": 4}}, training={"learning_rate": "1.23456e-4..9.87654e-3 log"})
    space = written.bind(VOCABULARY, SHAPES["bert"])
    (rate,) = space.parameters
    for end in (rate.low, rate.high):
        assert space.encode(space.decode({rate.name: end})) == {rate.name: end}
