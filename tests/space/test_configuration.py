"""Configurations: the canonical form, what it is read from, and its words."""

import json

import pytest

from autopeft.errors import ConfigurationError
from autopeft.space import BackboneShape, canonical, cells, read_configuration
from autopeft.space.quantity import settle


def test_many_ways_to_write_one_configuration(vocabulary, bert):
    ways = [
        {"modules": {"lora": {"rank": 8}}},
        {"modules": {"lora": {"rank": 8, "alpha": 16, "targets": ["v", "q"], "layers": "all"}}},
        {
            "modules": {
                "lora": {"rank": 8, "alpha": "2r", "targets": "q, v", "layers": "0-5"},
                "adapter": {"size": "off"},
            }
        },
        {"modules": {"lora": {"rank": {"0-2": 8, "q": 8, "3-5.v": 8}, "targets": ["q", "v"]}}},
        {"training": {"learning_rate": "5e-4"}, "modules": {"lora": {"rank": {"0-5": 8}}}},
    ]
    found = {canonical(way, vocabulary, bert) for way in ways}
    assert [one.to_dict() for one in found] == [
        {
            "modules": {"lora": {"layers": [0, 1, 2, 3, 4, 5], "targets": ["q", "v"], "rank": 8, "alpha": 16.0}},
            "training": {"learning_rate": 5e-4},
        }
    ]


@pytest.mark.parametrize(
    ("rank", "written", "layers", "targets"),
    [
        (
            {"0": 4, "1-5": 8},
            {"0": 4, "1": 8, "2": 8, "3": 8, "4": 8, "5": 8},
            [0, 1, 2, 3, 4, 5],
            ["q", "v"],
        ),
        ({"q": 4, "v": 8}, {"q": 4, "v": 8}, [0, 1, 2, 3, 4, 5], ["q", "v"]),
        ({"2": 4}, 4, [2], ["q", "v"]),
        ({"q": 4, "2.q": "off"}, 4, [0, 1, 3, 4, 5], ["q"]),
        ({"1.q": 4, "2.v": 4}, {"1.q": 4, "2.v": 4}, [1, 2], ["q", "v"]),
        (
            {"1.q": 4, "2.q": 2, "1.v": 2, "2.v": 2},
            {"1.q": 4, "2.q": 2, "1.v": 2, "2.v": 2},
            [1, 2],
            ["q", "v"],
        ),
    ],
)
def test_placed_values_take_the_shortest_exact_form(rank, written, layers, targets, vocabulary, bert):
    configuration = canonical({"modules": {"lora": {"rank": rank}}}, vocabulary, bert)
    lora = configuration.modules["lora"]
    assert (lora["rank"], lora["layers"], lora["targets"]) == (written, layers, targets)
    placed = cells(configuration, vocabulary)["lora"]
    assert {cell.layer for cell in placed} == set(layers)
    assert all(knobs["alpha"] == 2 * knobs["rank"] for knobs in placed.values())
    assert canonical(configuration.to_dict(), vocabulary, bert) == configuration


def test_sizes_relative_to_the_backbone(vocabulary, bert):
    found = canonical({"modules": {"adapter": {"size": "d/100", "scale": 2}}}, vocabulary, bert)
    assert found.modules["adapter"] == {"layers": [0, 1, 2, 3, 4, 5], "size": 3, "scale": 2.0}


def test_nothing_placed_is_head_only(vocabulary, bert):
    for data in ({}, {"modules": {}}, {"modules": {"lora": {"rank": 0}}, "training": {"learning_rate": 1}}):
        found = canonical(data, vocabulary, bert)
        assert found.to_dict() == {"modules": {}, "training": {}}
        assert found.describe() == "no adapters"


def test_fused_roles(vocabulary, gpt2):
    found = canonical({"modules": {"lora": {"rank": 8, "targets": ["q", "v", "o"]}}}, vocabulary, gpt2)
    assert found.modules["lora"]["targets"] == ["qkv", "o"]


def test_all_faults_at_once(vocabulary, bert):
    data = {
        "modul": 1,
        "modules": {
            "lora": {"rank": 0.5, "targets": ["q", "gate", "x"], "layers": [0, 7], "rnk": 2},
            "adapter": {"size": 8, "activation": "sigmoid"},
            "prompt": {"length": 101},
            "ia3": {},
        },
        "training": {"learning_rate": 3},
    }
    with pytest.raises(ConfigurationError) as caught:
        canonical(data, vocabulary, bert)
    lines = str(caught.value).splitlines()
    for part in (
        "modul",
        "gate",
        "'x'",
        "layer 7",
        "rnk",
        "activation",
        "length",
        "ia3",
        "learning_rate",
        "share",
    ):
        assert any(part in line for line in lines), part


def test_words(vocabulary, bert):
    data = {
        "modules": {"lora": {"rank": 8, "layers": [0, 1, 2, 5]}, "adapter": {"size": {"1": 4, "3": 8}}},
        "training": {"learning_rate": 3e-4},
    }
    assert canonical(data, vocabulary, bert).describe() == (
        "adapter {1:4 3:8} @1,3 + lora r=8 a=16 q,v @0-2,5, lr 0.0003"
    )


def test_layers_of_equal_rank_are_said_together(vocabulary):
    deep = BackboneShape(12, 8, 32, ("q", "v"))
    ranks = {str(layer): 2 if layer < 10 else 8 for layer in range(1, 12)}
    lora = {"rank": ranks, "targets": ["q"], "layers": list(range(1, 12))}
    said = {ratio: canonical({"modules": {"lora": lora | {"alpha": ratio}}}, vocabulary, deep) for ratio in ("2r", 16)}
    assert "lora r={1-9:2 10-11:8} a=2r q @1-11" in said["2r"].describe()
    assert "lora r={1-9:2 10-11:8} a=16 q @1-11" in said[16].describe()


def test_files(tmp_path, vocabulary, bert):
    data = {"modules": {"lora": {"rank": 8}}, "training": {"learning_rate": 0.001}}
    (tmp_path / "c.json").write_text(json.dumps(data))
    (tmp_path / "c.yaml").write_text("modules: {lora: {rank: 8}}\ntraining: {learning_rate: 1e-3}\n")
    found = {canonical(read_configuration(tmp_path / name), vocabulary, bert) for name in ("c.json", "c.yaml")}
    assert len(found) == 1
    (tmp_path / "list.yaml").write_text("- a")
    for name in ("none.yaml", "list.yaml"):
        with pytest.raises(ConfigurationError, match=name):
            read_configuration(tmp_path / name)


@pytest.mark.parametrize(
    ("rank", "part"),
    [
        ({"9": 4, "0": 2}, "found the key '9', where the method is not; expected layers 0-5 and targets q, v"),
        ({"o": 4}, "found the key 'o'"),
        ({"x": 4}, "found the key 'x'"),
        (float("nan"), "expected a whole number"),
        (float("inf"), "expected a whole number"),
    ],
)
def test_no_written_value_is_lost_in_silence(rank, part, vocabulary, bert):
    with pytest.raises(ConfigurationError, match=part):
        canonical({"modules": {"lora": {"rank": rank}}}, vocabulary, bert)


@pytest.mark.parametrize(("written", "rank"), [("2r", 8.988e307), ("2r", 1e308), (1.79769e308, 1)])
def test_a_number_beyond_all_floats_is_none(written, rank, vocabulary):
    assert settle(vocabulary.methods["lora"].by_name["alpha"], written, {"r": rank}) is None


def test_keys_of_fused_roles(vocabulary, gpt2):
    def written(rank):
        data = {"modules": {"lora": {"rank": rank, "targets": ["q", "v", "o"]}}}
        return canonical(data, vocabulary, gpt2).modules["lora"]

    assert written({"q": 4, "o": 2})["rank"] == {"qkv": 4, "o": 2}
    assert written({"q": 4, "v": 4})["targets"] == ["qkv"]
    with pytest.raises(ConfigurationError, match="both keys are qkv here"):
        written({"q": 4, "v": 2})


def test_closer_keys_win(vocabulary, bert):
    rank = {"q": 1, "v": 2, "0-2": 3, "0-3.q": 4, "1.q": 5}
    placed = cells(canonical({"modules": {"lora": {"rank": rank}}}, vocabulary, bert), vocabulary)["lora"]
    assert [placed[(layer, "q")]["rank"] for layer in range(6)] == [4, 5, 4, 4, 1, 1]
    assert {placed[(layer, "v")]["rank"] for layer in range(6)} == {2}


@pytest.mark.parametrize("data", [None, [], "lora"])
def test_what_is_no_mapping_is_refused(data, vocabulary, bert):
    with pytest.raises(ConfigurationError, match="expected a mapping"):
        canonical(data, vocabulary, bert)
