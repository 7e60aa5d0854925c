"""Spaces as written: both ways of writing them, and all faults at once."""

import pytest

from autopeft.errors import SpaceError
from autopeft.space import SearchSpace, load_space, shipped_spaces

YAML = """\
name: mine
layers: subset
modules:
  lora: {rank: "off | 1..8 by x2", alpha: 1r | 2r, targets: "subset of q, v"}
  adapter:
    size: [off, d/4]
training:
  learning_rate: 1e-4..1e-2 log
constraints: ["params <= 1%"]
"""


def test_python_and_yaml_are_the_same_space():
    python = SearchSpace(
        "mine",
        layers="subset",
        modules={
            "lora": {"rank": "off | 1..8 by x2", "alpha": "1r | 2r", "targets": "subset of q, v"},
            "adapter": {"size": [False, "d/4"]},
        },
        training={"learning_rate": "1e-4..1e-2 log"},
        constraints=["params <= 1%"],
    )
    yaml = SearchSpace.from_yaml(YAML)
    assert yaml == python
    assert SearchSpace.from_yaml(yaml.to_yaml()) == yaml
    assert SearchSpace.from_dict(yaml.to_dict()) == yaml
    assert yaml.budgets == ["1%"]


def test_no_faults_in_a_right_space(vocabulary):
    assert SearchSpace.from_yaml(YAML).problems(vocabulary) == []


def test_all_faults_at_once_each_with_its_line(vocabulary):
    text = """\
name: bad
layer: subset
modules:
  lora:
    rank: "0 | 1..64 by y2"
    targets: "subset of q, vv"
    rnk: 3
  adaptor: {size: 3}
  adapter: {size: {per: layers, values: 3}, activation: tanh, scale: {per: layer, values: 1 | 2}}
  prompt: {length: -3}
  lora: {rank: 4000}
training:
  learning_rate: "1e-2..1e-5 log"
  lr: 3
constraints: ["params > 1%"]
"""
    faults = SearchSpace.from_yaml(text, "bad.yaml").problems(vocabulary)
    found = [tuple(fault.split(": ")[:2]) for fault in faults]
    assert found == [
        ("bad.yaml:11", "modules.lora"),
        ("bad.yaml:11", "modules.lora.rank"),
        ("bad.yaml:2", "layer"),
        ("bad.yaml:5", "modules.lora.rank"),
        ("bad.yaml:8", "modules.adaptor"),
        ("bad.yaml:9", "modules.adapter.size"),
        ("bad.yaml:9", "modules.adapter.activation"),
        ("bad.yaml:9", "modules.adapter.scale"),
        ("bad.yaml:10", "modules.prompt.length"),
        ("bad.yaml:10", "modules.prompt"),
        ("bad.yaml:13", "training.learning_rate"),
        ("bad.yaml:14", "training.lr"),
        ("bad.yaml:15", "constraints"),
    ]
    assert all(
        "expected" in fault or "did you mean" in fault or "keep one" in fault or "choose" in fault for fault in faults
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "- a",
        "a: [",
        "name: x",
        "modules: 3",
        "modules: {lora: 3}",
        "choose: {}",
        "modules: {adapter: {}}",
    ],
)
def test_what_is_no_space_is_refused(text, vocabulary, bert):
    with pytest.raises(SpaceError, match=r"\w"):
        SearchSpace.from_yaml(text, "x.yaml").bind(vocabulary, bert)


def test_a_missing_file_and_an_unknown_name_say_what_there_is(tmp_path):
    with pytest.raises(SpaceError, match="cannot read"):
        SearchSpace.from_file(tmp_path / "none.yaml")
    with pytest.raises(SpaceError, match="did you mean 'default'"):
        load_space("defalt")


@pytest.mark.parametrize("name", shipped_spaces())
def test_shipped_spaces_round_trip(name):
    space = load_space(name)
    assert space.name == name
    assert SearchSpace.from_yaml(space.to_yaml()) == space


@pytest.mark.parametrize(
    ("section", "knobs", "said"),
    [
        ("modules", "on | off", "found 'on | off', expected a mapping of knobs; `{optional: true}`"),
        ("modules", False, "found False, expected a mapping of knobs; `{optional: true}` is for a method that"),
        ("modules", {"size": 3, "activation": "off | relu"}, "`{optional: true}` is for a method that"),
        ("modules", {"size": 3, "optional": "yes"}, "found 'yes', expected true or false"),
        ("modules", {"size": "off | 3", "optional": True}, "found true beside `off` of size, which says the same"),
        ("choose", {"size": 3, "optional": True}, "a configuration has exactly one; put it under `modules`"),
    ],
)
def test_how_a_method_is_made_optional_is_said(section, knobs, said, vocabulary):
    (fault,) = SearchSpace("x", **{section: {"adapter": knobs}}).problems(vocabulary)
    assert said in fault


def test_configurations_may_be_without_an_optional_method(vocabulary, bert):
    modules = {"adapter": {"size": 3, "optional": True}, "lora": {"rank": 2, "optional": False}}
    space = SearchSpace("x", modules=modules).bind(vocabulary, bert)
    assert [parameter.name for parameter in space.parameters] == ["adapter.present"]
    assert [set(space.decode({"adapter.present": bit}).modules) for bit in (0, 1)] == [{"lora"}, {"lora", "adapter"}]


def test_what_a_backbone_lacks_is_an_error_or_a_stated_warning(vocabulary, bert):
    fixed = SearchSpace("x", modules={"lora": {"rank": 4, "targets": ["gate"]}})
    with pytest.raises(SpaceError, match="gate"):
        fixed.bind(vocabulary, bert)
    some = SearchSpace("x", modules={"lora": {"rank": 4, "targets": "subset of q, gate"}})
    assert any("gate" in warning for warning in some.bind(vocabulary, bert).warnings)
    beyond = SearchSpace("x", layers=[0, 6], modules={"lora": {"rank": 4}})
    with pytest.raises(SpaceError, match="found layer 6, expected 0 to 5"):
        beyond.bind(vocabulary, bert)


@pytest.mark.parametrize(
    "text",
    [
        "modules: &a {lora: *a}",
        "? [a]\n: 3",
        "name: 2024-13-45",
        "modules: !!python/object:os.x {}",
        "a: 1\n---\nb: 2",
    ],
)
def test_yaml_that_cannot_be_read_is_one_clear_line(text):
    with pytest.raises(SpaceError, match=r"^x\.yaml") as caught:
        SearchSpace.from_yaml(text, "x.yaml")
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("lora", "part"),
    [
        ({"rank": 0}, "or the method left out"),
        ({"rank": 4, "targets": "q | v"}, "subset of"),
        ({"rank": 4, "targets": "q, v | q, k"}, "subset of"),
        ("off", "found 'off', expected a mapping"),
    ],
)
def test_nothing_is_misread_in_silence(lora, part, vocabulary):
    (fault,) = SearchSpace("x", modules={"lora": lora}).problems(vocabulary)
    assert part in fault


def test_sizes_that_fit_some_backbones_only(vocabulary, bert):
    space = SearchSpace.from_yaml("modules: {adapter: {size: d/8..24 by x2}}", "x.yaml")
    assert space.problems(vocabulary) == []
    with pytest.raises(SpaceError, match=r"x\.yaml:1: modules.adapter.size: on this backbone \(hidden size 384"):
        space.bind(vocabulary, bert)


def test_numbers_are_ordered_and_relative_ends_round_down(vocabulary, bert):
    def values(**modules):
        return SearchSpace("x", modules=modules).bind(vocabulary, bert).parameters[0].values

    assert values(lora={"rank": "8 | 2 | off"}) == (0, 2, 8)
    assert values(adapter={"size": "d/512..d/128 by 1"}) == (1, 2)


def test_groups_part_the_layers_a_method_may_take(vocabulary, bert):
    def groups(count, layers):
        lora = {"rank": {"per": f"{count} layer groups", "values": "off | 4"}, "layers": layers}
        return SearchSpace("x", modules={"lora": lora}).bind(vocabulary, bert)

    assert len(groups(2, [4, 5]).parameters) == 2
    assert not groups(2, [4, 5]).warnings
    assert "9 layer groups over 6 layers" in groups(9, "all").warnings[0]


def test_layers_left_out_are_all_in_both_ways_of_writing():
    assert SearchSpace("x", modules={"lora": {"rank": 4}}) == SearchSpace.from_yaml(
        "name: x\nmodules: {lora: {rank: 4}}"
    )


def test_a_space_keeps_what_it_was_given():
    modules = {"lora": {"rank": [1, 2]}}
    space = SearchSpace("x", modules=modules)
    modules["lora"]["rank"].append(9)
    assert space.to_dict()["modules"] == {"lora": {"rank": [1, 2]}}


@pytest.mark.parametrize("where", ["shared", "own"])
def test_layers_may_be_any_subset_of_some(where, vocabulary, bert):
    lora = {"rank": 4} | ({"layers": "subset of 0-1, 4"} if where == "own" else {})
    space = SearchSpace("x", layers="subset of 0-1,4" if where == "shared" else None, modules={"lora": lora})
    prefix = "lora.layer" if where == "own" else "layer"
    bound = space.bind(vocabulary, bert)
    assert [parameter.name for parameter in bound.parameters] == [f"{prefix}.{layer}" for layer in (0, 1, 4)]
    assert {place.cell.layer for place in bound.methods[0].places} == {0, 1, 4}


@pytest.mark.parametrize(
    ("per", "names"),
    [
        ("layer", ["0", "1", "2"]),
        ("role", ["q", "o"]),
        ("2 layer groups", ["group0", "group1"]),
    ],
)
def test_any_placed_knob_may_be_per_layer_role_or_group(per, names, vocabulary, bert):
    lora = {"rank": 4, "alpha": {"per": per, "values": "1r | 2r"}, "layers": "0-2", "targets": ["q", "o"]}
    bound = SearchSpace("x", modules={"lora": lora}).bind(vocabulary, bert)
    assert [parameter.name for parameter in bound.parameters] == [f"lora.alpha.{name}" for name in names]


@pytest.mark.parametrize("layers", ["subset of", "subset of 3-1", "some", True, "0-1, x", ""])
def test_layers_that_are_none_say_what_was_expected(layers, vocabulary):
    (fault,) = SearchSpace.from_dict({"layers": layers, "modules": {"lora": {"rank": 4}}}).problems(vocabulary)
    assert "expected `all`, `subset`, `subset of 0-5`, or layers" in fault
    (fault,) = SearchSpace("x", layers=[], modules={"lora": {"rank": 4}}).problems(vocabulary)
    assert "expected at least one layer" in fault


def test_per_role_is_for_methods_placed_by_role(vocabulary):
    adapter = {"size": {"per": "role", "values": "off | 4"}}
    (fault,) = SearchSpace("x", modules={"adapter": adapter}).problems(vocabulary)
    assert "adapter is placed layer by layer" in fault


def test_ranks_above_the_matrices_are_said(vocabulary, gpt2):
    def warnings(**modules):
        return " ".join(SearchSpace("x", modules=modules).bind(vocabulary, gpt2).warnings)

    assert "lora.rank: 64 to 128 is above 32" in warnings(lora={"rank": "32..128 by x2", "targets": ["o"]})
    assert not warnings(lora={"rank": 32, "targets": ["o"]})
    assert not warnings(adapter={"size": "2d"})


def test_a_chosen_method_that_cannot_stand_beside_the_modules_is_refused(vocabulary):
    space = SearchSpace("x", modules={"adapter": {"size": 4}}, choose={"prompt": {"length": 4}, "lora": {"rank": 4}})
    (fault,) = space.problems(vocabulary)
    assert "choose.prompt: cannot share a backbone with adapter" in fault


def test_methods_that_cannot_be_stacked_are_refused_when_the_space_is_checked():
    from autopeft.methods import VOCABULARY as REAL

    both = "modules: {lora: {targets: 'subset of q, v'}, oft: {targets: [v, o]}}"
    assert [str(each) for each in SearchSpace.from_yaml(both).problems(REAL)] == [
        "<text>:1: modules.oft: would adapt the same matrices as lora (v), which cannot be stacked; "
        "give them disjoint targets, or put both under `choose`"
    ]
    for fine in (
        "modules: {lora: {targets: [q]}, oft: {targets: [v, o]}}",
        "modules: {lora: {}, ia3: {}}",
        "choose: {lora: {}, oft: {}}",
    ):
        assert SearchSpace.from_yaml(fine).problems(REAL) == []
