"""Spaces as YAML and as Python: each reads back as the same space."""

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from autopeft.space import SearchSpace, load_space, shipped_spaces

VALUES = st.one_of(
    st.sampled_from(["off | d/512..d by x2", "1e-5..1e-2 log", "a: b", "'quoted'", "ä", "off", "2024-01-01"]),
    st.integers(0, 2**40),
    st.floats(1e-9, 1e9),
    st.booleans(),
    st.lists(st.sampled_from(["q", "1..4", 3, False]), min_size=1, max_size=30),
    st.just({"per": "4 layer groups", "values": "0 | 2..64 by x2"}),
)
KNOBS = st.dictionaries(st.sampled_from(["rank", "alpha", "targets", "layers", "size"]), VALUES, max_size=5)
METHODS = st.dictionaries(st.sampled_from(["lora", "adapter", "prefix"]), st.one_of(KNOBS, st.none()), max_size=3)


@given(
    modules=METHODS,
    choose=METHODS,
    layers=st.one_of(st.none(), st.just("subset"), st.just([0, 2])),
    constraints=st.lists(st.sampled_from(["params <= 1%", "not (lora and prefix)"]), max_size=2),
)
def test_yaml_python_and_data_read_back(modules, choose, layers, constraints):
    space = SearchSpace("mine", modules=modules, choose=choose, layers=layers, constraints=constraints)
    assert eval(space.to_python(), {"SearchSpace": SearchSpace}) == space
    assert eval(repr(space), {"SearchSpace": SearchSpace}) == space
    assert SearchSpace.from_yaml(space.to_yaml()) == space
    assert SearchSpace.from_dict(space.to_dict()) == space
    assert yaml.safe_load(space.to_yaml()) == space.to_dict()
    assert hash(SearchSpace.from_yaml(space.to_yaml())) == hash(space)
    assert all(len(line) <= 110 for line in space.to_python().splitlines())


@pytest.mark.parametrize("name", shipped_spaces())
def test_shipped_spaces_read_back(name):
    space = load_space(name)
    assert eval(space.to_python(), {"SearchSpace": SearchSpace}) == space
    assert SearchSpace.from_yaml(space.to_yaml()) == space


def test_python_reads_well():
    space = SearchSpace("short", modules={"lora": {"rank": 4}})
    assert space.to_python() == "SearchSpace('short', modules={'lora': {'rank': 4}})"
    long = SearchSpace(
        "long",
        layers="subset",
        modules={
            "lora": {"rank": {"per": "4 layer groups", "values": "0 | 2..64 by x2"}, "targets": "subset of q, k, v, o"},
            "ia3": {},
        },
    )
    assert (
        long.to_python()
        == """\
SearchSpace(
    'long',
    layers='subset',
    modules={
        'lora': {
            'rank': {'per': '4 layer groups', 'values': '0 | 2..64 by x2'},
            'targets': 'subset of q, k, v, o',
        },
        'ia3': {},
    },
)"""
    )
