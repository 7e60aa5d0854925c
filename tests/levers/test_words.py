"""What is asked for of the data in words, and what of it changes inputs or is lost in an export."""

import pytest

from autopeft.backbones import load_backbone
from autopeft.exporting.shortfall import beyond_config
from autopeft.levers import column_knobs, inputs_changed, words_named, words_of
from autopeft.methods import VOCABULARY
from autopeft.space import SearchSpace, canonical
from autopeft.testing.models import tiny_backbone


@pytest.fixture(scope="module")
def shape(tmp_path_factory):
    return load_backbone(tiny_backbone("bert", tmp_path_factory.mktemp("model"))).shape


def configured(shape, **data):
    return canonical({"modules": {"lora": {"rank": 2}}, "data": data}, VOCABULARY, shape)


@pytest.mark.parametrize(
    ("data", "asked"),
    [
        ({}, {}),
        ({"augment": "none", "column": "none", "select": "all"}, {}),
        ({"augment": "none | eda", "column": "none | a | b"}, {"augment": ["eda"], "column": ["a", "b"]}),
        ({"augment": "none", "back_translation_column": "a"}, None),
        (
            {"augment": "back_translation"},
            {"augment": ["back_translation"], "back_translation_column": ["back_translation"]},
        ),
    ],
)
def test_a_space_asks_for_what_may_be_there(shape, data, asked):
    space = SearchSpace("x", modules={"lora": {"rank": "1 | 2"}}, data=data)
    if asked is None:
        assert any("is there only with augment back_translation" in each for each in space.problems(VOCABULARY))
        return
    found = words_of(space.bind(VOCABULARY, shape))
    assert found == asked
    assert {name for names in column_knobs(found).values() for name in names} == {
        name for knob, names in asked.items() if "column" in knob for name in names
    }


@pytest.mark.parametrize(
    ("data", "changed"),
    [
        ({}, {}),
        ({"augment": "mixup", "contrastive": "supervised", "select": "random"}, {}),
        ({"column": "steps"}, {"column": "steps"}),
        ({"augment": "eda", "select": "random"}, {"augment": "eda", "eda_rate": 0.1, "eda_number": 4}),
        (
            {"augment": "back_translation", "back_translation_column": "de"},
            {"augment": "back_translation", "back_translation_column": "de"},
        ),
    ],
)
def test_what_changes_inputs_is_known_by_its_knobs(shape, data, changed):
    assert inputs_changed(configured(shape, **data).data) == changed


def test_an_export_lists_each_lever(shape):
    asked = configured(shape, augment="eda", contrastive="supervised", column="steps", select="random")
    assert set(words_named(asked.data)) == {"augment", "contrastive", "column", "select"}
    lost = {each.field: each.lossy for each in beyond_config(asked)}
    assert lost == dict.fromkeys(("data.augment", "data.contrastive", "data.column", "data.select"), True)
    assert not list(beyond_config(configured(shape)))
