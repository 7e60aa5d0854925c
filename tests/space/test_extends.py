"""Spaces that start from others."""

import pytest

from autopeft.errors import SpaceError
from autopeft.space import SearchSpace, load_space

BASE = """\
name: base
layers: subset
modules:
  lora: {rank: {per: layer, values: "off | 4"}, alpha: 1r, targets: "subset of q, v"}
  adapter: {size: "off | 8"}
training: {learning_rate: 1e-4}
constraints: [params <= 1%]
"""


@pytest.fixture
def write(tmp_path):
    def to_file(name, text):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
        return tmp_path / name

    to_file("base.yaml", BASE)
    return to_file


def test_mappings_merge_lists_of_constraints_grow_and_null_removes(write, vocabulary):
    path = write(
        "mine/mine.yaml",
        """\
extends: ../base.yaml
layers: null
modules:
  lora: {rank: {values: "off | 8"}, alpha: 2r, targets: [q]}
  adapter: null
  prompt: {length: 4}
constraints: [lora.rank <= 4]
""",
    )
    space = SearchSpace.from_file(path)
    assert space.problems(vocabulary) == []
    assert space.to_dict() == {
        "name": "mine",
        "modules": {
            "lora": {"rank": {"per": "layer", "values": "off | 8"}, "alpha": "2r", "targets": ["q"]},
            "prompt": {"length": 4},
        },
        "training": {"learning_rate": "1e-4"},
        "constraints": ["params <= 1%", "lora.rank <= 4"],
    }
    assert SearchSpace.from_dict(space.to_dict()) == space
    assert SearchSpace.from_file(path.parent.parent / "base.yaml").name == "base"


def test_chains_shipped_spaces_and_python(write, monkeypatch, tmp_path):
    write("middle.yaml", "extends: base.yaml\ntraining: {learning_rate: 1e-3}\n")
    top = SearchSpace.from_file(write("top.yaml", "extends: middle.yaml\nname: peak\n"))
    assert (top.name, top.to_dict()["training"]) == ("peak", {"learning_rate": "1e-3"})
    monkeypatch.chdir(tmp_path)
    assert SearchSpace("peak", extends="middle.yaml") == top
    # A file may be called as the shipped space that it extends.
    lora = SearchSpace.from_file(write("lora.yaml", "extends: lora\nmodules: {lora: {alpha: 1r}}\n"))
    assert lora.to_dict()["modules"]["lora"] == load_space("lora").to_dict()["modules"]["lora"] | {"alpha": "1r"}


def test_faults_are_found_where_they_were_written(write, vocabulary):
    write("base.yaml", BASE + "layer: 3\n")
    text = """\
extends: base.yaml
modules:
  lora:
    alpha: 2q
    rnk: 3
  prompt: null
constraints:
  - lora
  - lorra
"""
    path = write("mine.yaml", text)
    faults = SearchSpace.from_file(path).problems(vocabulary)
    found = [(fault.split(": ")[0].rsplit("/", 1)[-1], fault.split(": ")[1]) for fault in faults]
    assert found == [
        ("mine.yaml:6", "modules.prompt"),
        ("mine.yaml:4", "modules.lora.alpha"),
        ("mine.yaml:5", "modules.lora.rnk"),
        ("mine.yaml:9", "constraints"),
        ("base.yaml:8", "layer"),
    ]


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("name: x\nextends: defalt", r"x\.yaml:2: extends: no space is called 'defalt'; did you mean 'default'"),
        ("name: x\nextends: none.yaml", r"x\.yaml:2: extends: cannot read .*none\.yaml"),
        ("extends: x.yaml", r"x\.yaml:1: extends: found a circle, x\.yaml -> x\.yaml"),
        ("extends: circle.yaml", r"circle\.yaml:1: extends: found a circle, x\.yaml -> circle\.yaml -> x\.yaml"),
        ("extends: [base.yaml]", r"x\.yaml:1: extends: found \['base\.yaml'\], expected a name or a file"),
        ("extends: broken.yaml", r"broken\.yaml:1: not YAML"),
    ],
)
def test_what_cannot_be_extended(text, part, write):
    write("circle.yaml", "extends: x.yaml")
    write("broken.yaml", "a: [")
    with pytest.raises(SpaceError, match=part):
        SearchSpace.from_file(write("x.yaml", text))


def test_a_name_too_long_for_a_file_is_no_space():
    with pytest.raises(SpaceError, match="no space is called '99"):
        SearchSpace.from_yaml(f"name: mine\nextends: '{'9' * 5000}'\n")
