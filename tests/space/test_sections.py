"""The section of the data: written, checked, bound and encoded as that of training is, and absent where unsaid."""

from dataclasses import replace

import numpy as np
import pytest

from autopeft.errors import ConfigurationError
from autopeft.space import Knob, SearchSpace, canonical
from autopeft.space.vocabulary import Vocabulary
from autopeft.space.word_knobs import WordKnob


class Way:
    name, source, summary = "random", "paper", "at random"
    knobs = (Knob("seed", "int", "seed", 1, low=0, high=9),)


SELECT = WordKnob(
    "select",
    "which rows",
    {"random": Way()},
    nothing="all",
    common=((Knob("share", "float", "share", 0.5, range="10%..100% log", low=0.01, high=1), ("random",)),),
    section="data",
)
COLUMN = Knob("column", "name", "which column", "none", unsaid=True)


@pytest.fixture(scope="module")
def words(vocabulary):
    return Vocabulary(vocabulary.methods, vocabulary.training, {each.name: each for each in (*SELECT.knobs(), COLUMN)})


def space_of(data, **further):
    return SearchSpace("s", modules={"lora": {"rank": "1..8 by x2"}}, data=data, **further)


def test_points_of_it_come_back(words, bert):
    space = space_of({"select": "all | random", "random_seed": "1..3", "column": "none | steps"})
    assert space.problems(words) == []
    bound = space.bind(words, bert)
    rng = np.random.default_rng(0)
    seen = set()
    for _ in range(200):
        params = bound.sample(rng)
        configuration = bound.decode(params)
        assert bound.encode(configuration) == params
        assert canonical(configuration.to_dict(), words, bert) == configuration
        data = configuration.data
        assert ("share" in data) == ("random_seed" in data) == ("select" in data)
        seen.add((data.get("select", "all"), data.get("column", "none"), "data" in configuration.to_dict()))
    assert seen == {
        ("all", "none", False),
        ("all", "steps", True),
        ("random", "none", True),
        ("random", "steps", True),
    }
    assert {"data.select", "data.share", "data.random_seed", "data.column"} <= set(bound.distributions())


def test_a_space_without_it_is_what_it_was(words, vocabulary, bert):
    space = space_of(None)
    with_words, without = (space.bind(each, bert) for each in (words, vocabulary))
    assert with_words.distributions() == without.distributions()
    point = without.sample(np.random.default_rng(0))
    assert with_words.decode(point) == without.decode(point)
    assert without.decode(point).data == {}


def test_it_is_written_and_read_back():
    space = space_of({"select": "all | random"})
    assert SearchSpace.from_yaml(space.to_yaml()) == space
    assert eval(space.to_python(), {"SearchSpace": SearchSpace}) == space


def test_it_is_said_with_the_names_of_knobs(words, bert):
    data = {"select": "random", "share": 0.25, "random_seed": 3, "column": "random_steps"}
    said = canonical({"modules": {"lora": {"rank": 2}}, "data": data}, words, bert).describe()
    assert said.endswith("column random_steps, select random seed=3, share 0.25")


def test_constraints_may_speak_of_it(words, bert):
    space = space_of({"select": "all | random"}, constraints=["data.select == random => lora.rank <= 2"])
    assert space.problems(words) == []
    bound = space.bind(words, bert)
    rng = np.random.default_rng(0)
    found = [bound.decode(bound.sample(rng)) for _ in range(100)]
    chosen = [each.modules["lora"]["rank"] for each in found if each.data]
    assert chosen
    assert max(chosen) <= 2
    assert max(each.modules["lora"]["rank"] for each in found) == 8


def test_constraints_hold_of_what_is_left_unsaid(words, bert):
    bound = space_of({"select": "all | random"}, constraints=["data.select == random"]).bind(words, bert)
    rng = np.random.default_rng(0)
    assert all(bound.decode(bound.sample(rng)).data for _ in range(20))
    plain = canonical({"modules": {"lora": {"rank": 2}}}, words, bert)
    assert not bound.allows(plain)
    assert not bound.contains(plain)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"selct": "all"}, "data.selct: no such key; did you mean 'select'?"),
        ({"select": "best"}, "data.select: found 'best', expected one of all, random"),
        ({"select": "random", "share": "0..2 log"}, "data.share"),
        ({"share": "50%"}, "data.share: is there only with select random; expected that beside it"),
        ({"column": "1..3"}, "data.column: found '1..3', expected names"),
        ([1], "data: found [1], expected a mapping"),
    ],
)
def test_faults_of_a_space_name_their_key(words, data, message):
    assert any(message in problem for problem in space_of(data).problems(words))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"select": "random", "share": 2}, "data.share: found 2, expected at most 1"),
        ({"share": 0.5}, "data.share: found 0.5 with select all, where there is no such knob"),
        ({"column": 3}, "data.column: found 3, expected a name"),
        ({"dat": 3}, "data.dat: no such key"),
    ],
)
def test_faults_of_a_configuration_name_their_key(words, bert, data, message):
    with pytest.raises(ConfigurationError, match=message):
        canonical({"modules": {"lora": {"rank": 2}}, "training": {}, "data": data}, words, bert)


def test_what_the_space_lacks_is_said(words, bert):
    bound = space_of({"select": "all | random"}).bind(words, bert)
    other = canonical({"modules": {"lora": {"rank": 2}}, "data": {"column": "steps"}}, words, bert)
    with pytest.raises(ConfigurationError, match=r"data\.column is never steps"):
        bound.encode(other)


def test_a_knob_is_of_one_section(vocabulary):
    rate = vocabulary.training["learning_rate"]
    with pytest.raises(ValueError, match="learning_rate"):
        Vocabulary(vocabulary.methods, vocabulary.training, {"learning_rate": replace(rate, default=1e-4)})
