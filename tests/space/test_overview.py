"""What can be told of a space without training: how many configurations, what they cost, what varies."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autopeft.errors import ConfigurationError
from autopeft.space import BackboneShape, SearchSpace, cells
from autopeft.space.counting import count_configurations
from autopeft.space.extremes import extremes
from autopeft.space.overview import knob_lines, places_in_words, shortened

TINY = BackboneShape(2, 16, 64, ("q", "k", "v", "o"))

LORAS = st.fixed_dictionaries(
    {
        "rank": st.sampled_from(
            ["off | 2", "2 | 4", {"per": "layer", "values": "off | 1 | 4"}, {"per": "role", "values": "1 | 2"}]
        ),
        "alpha": st.sampled_from(["2r", "1r | 4"]),
        "targets": st.sampled_from(["subset of q, v", "q, v"]),
    },
    optional={"layers": st.sampled_from(["subset", [1], "subset of 0-1"])},
)
ADAPTERS = st.fixed_dictionaries(
    {"size": st.sampled_from(["off | 4", "d/4 | d/2", {"per": "2 layer groups", "values": "off | 3"}])},
    optional={"activation": st.just("relu | gelu"), "layers": st.sampled_from(["subset", [0]])},
)
PROMPTS = st.fixed_dictionaries({"length": st.sampled_from(["off | 5", "1 | 5"])})
SPACES = st.builds(
    lambda lora, other, chosen, layers, training, constraints, optional: SearchSpace(
        "x",
        modules=_optional({"lora": lora, **({} if chosen else other)}, optional),
        choose={**other, "prompt": {"length": "1 | 2"}} if chosen else None,
        layers=layers,
        training=training,
        constraints=constraints,
    ),
    LORAS,
    st.one_of(ADAPTERS.map(lambda knobs: {"adapter": knobs}), PROMPTS.map(lambda knobs: {"prompt": knobs})),
    st.booleans(),
    st.sampled_from([None, "subset"]),
    st.sampled_from([None, {"learning_rate": [1e-4, 1e-3]}]),
    st.sampled_from([[], ["lora"], ["lora.rank <= 2"]]),
    st.booleans(),
)


def _optional(modules, optional):
    """Let configurations be without the methods that say nothing of `off`."""
    return {
        name: knobs | {"optional": True} if optional and "off" not in str(knobs) else knobs
        for name, knobs in modules.items()
    }


def cost(configuration, vocabulary):
    weights = {"lora": 32, "adapter": 33, "prompt": 16}
    gates = {"lora": "rank", "adapter": "size", "prompt": "length"}
    return sum(
        weights[name] * values[gates[name]] + (5 if values.get("activation") == "gelu" else 0) + cell.layer
        for name, places in cells(configuration, vocabulary).items()
        for cell, values in places.items()
    )


def every(space):
    axes = [parameter.every() for parameter in space.parameters]
    names = [parameter.name for parameter in space.parameters]
    points = (dict(zip(names, values, strict=True)) for values in itertools.product(*axes))
    return {each for each in map(space.decode, points) if space.allows(each)}


@given(written=SPACES)
@settings(max_examples=40, deadline=None)
def test_counts_and_extremes_are_those_of_going_through_all(written, vocabulary):
    space = written.bind(vocabulary, TINY)
    if space.size > 20_000:
        return
    configurations = every(space)
    count = count_configurations(space)
    assert count.continuous == ()
    assert count.exact
    assert count.number == len(configurations)
    costs = [price for each in configurations if (price := cost(each, vocabulary))]
    low, high = extremes(space, lambda each: cost(each, vocabulary))
    assert low.cost == cost(low.configuration, vocabulary)
    assert min(costs) <= low.cost <= high.cost <= max(costs)
    for extreme, truth in ((low, min(costs)), (high, max(costs))):
        assert extreme.cost == truth or not extreme.exact
    if not space.rules:
        assert (low.cost, high.cost) == (min(costs), max(costs))
        assert low.exact
        assert high.exact


def test_what_costs_do_not_add_up_to_is_no_exact_extreme(vocabulary, bert):
    space = SearchSpace("x", modules={"lora": {"rank": "2 | 4"}}).bind(vocabulary, bert)
    low, high = extremes(space, lambda each: 100 + cost(each, vocabulary))
    assert not high.exact
    assert (low.cost, high.cost) == (100 + 12 * 32 * 2 + 30, 100 + 12 * 32 * 4 + 30)


def test_a_space_that_costs_nothing_is_said(vocabulary, bert):
    space = SearchSpace("x", modules={"lora": {"rank": 4}}).bind(vocabulary, bert)
    with pytest.raises(ConfigurationError, match="no configuration with a trainable parameter"):
        extremes(space, lambda each: 0)


def test_large_and_continuous_spaces_are_counted_in_words(vocabulary):
    shape = BackboneShape(80, 384, 1536, ("q", "v"))
    rate = {"learning_rate": "1e-5..1e-2 log"}
    per_layer = {"lora": {"rank": {"per": "layer", "values": "off | 4"}}}
    many = count_configurations(SearchSpace("x", modules=per_layer, training=rate).bind(vocabulary, shape))
    assert (many.number, many.exact, many.continuous) == (2**80, False, ("training.learning_rate",))
    assert str(many) == f"at most {2**80:,} configurations, each with a continuum of training.learning_rate"
    shared = {"lora": {"rank": "off | 2 | 4"}, "adapter": {"size": "off | 8"}}
    few = count_configurations(SearchSpace("x", layers="subset", modules=shared).bind(vocabulary, shape))
    assert (few.number, few.exact) == ((2**80 - 1) * 5 + 1, True)
    assert str(few).endswith(" configurations")
    assert not str(few).startswith("at most")
    told = {"modules": per_layer, "training": rate, "constraints": ["training.learning_rate <= 1e-3"]}
    assert not count_configurations(SearchSpace("x", **told).bind(vocabulary, TINY)).exact


def test_knobs_have_conditions_and_are_grouped(vocabulary, bert):
    space = SearchSpace(
        "x",
        layers="subset",
        choose={
            "lora": {
                "rank": {"per": "3 layer groups", "values": "off | 4"},
                "alpha": "1r | 2r",
                "targets": "subset of q, v",
            },
            "adapter": {"size": "4 | 8", "layers": "0-2", "activation": "relu | gelu"},
        },
        training={"learning_rate": "1e-4..1e-2 log"},
    ).bind(vocabulary, bert)
    lines = knob_lines(space)
    assert [line.name for line in lines] == [parameter.name for parameter in space.parameters]
    assert [(line.name, line.values, line.when) for line in shortened(lines)] == [
        ("choose", "lora | adapter", ""),
        ("layer.0-5", "off | on", ""),
        ("lora.targets.q,v", "off | on", "choose is lora"),
        ("lora.rank.group0-2", "off | 4", "choose is lora and its layer and role are on"),
        ("lora.alpha", "1r | 2r", "choose is lora and its layer and role are on and lora.rank is not off"),
        ("adapter.size", "4 | 8", "choose is adapter"),
        ("adapter.activation", "relu | gelu", "choose is adapter"),
        ("training.learning_rate", "0.0001..0.01 log", ""),
    ]
    assert places_in_words(space) == {"lora": "layers 0-5: q, v", "adapter": "layers 0-2"}
