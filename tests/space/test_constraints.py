"""Constraints: what they say, what is refused, and what a bound space makes of them."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from autopeft.errors import ConfigurationError, SpaceError
from autopeft.space import BackboneShape, SearchSpace, canonical
from autopeft.space.constraint_tree import Budget
from autopeft.space.constraints import parse_constraint
from autopeft.space.grammar import GrammarError
from autopeft.space.placement import Cell
from autopeft.space.rules import Rule

LORA = {"rank": {"per": "role", "values": "off | 1..8 by x2"}, "alpha": "1r | 2r | 16", "targets": ["q", "k", "o"]}
ADAPTER = {"size": {"per": "layer", "values": "off | 4..32 by x2"}, "activation": "relu | gelu"}


def space_with(*constraints, **parts):
    parts = parts or {"modules": {"lora": LORA, "adapter": ADAPTER}}
    return SearchSpace("x", constraints=constraints, **parts)


@pytest.fixture
def allows(vocabulary, bert):
    def judge(text, **modules):
        bound = space_with(text).bind(vocabulary, bert)
        return bound.allows(canonical({"modules": modules}, vocabulary, bert))

    return judge


@pytest.mark.parametrize(
    ("text", "modules", "expected"),
    [
        ("lora.rank <= 4", {"lora": {"rank": {"q": 4, "v": 2}}}, True),
        ("lora.rank <= 4", {"lora": {"rank": {"q": 8, "v": 2}}}, False),
        ("lora.rank >= 4", {}, True),
        ("lora.alpha <= 2 * lora.rank", {"lora": {"rank": {"q": 8, "v": 4}, "alpha": "2r"}}, True),
        ("lora.alpha <= 2 * lora.rank", {"lora": {"rank": {"q": 8, "v": 4}, "alpha": 16}}, False),
        ("lora.alpha / lora.rank == 2", {"lora": {"rank": {"1.q": 8, "2.v": 3}}}, True),
        ("lora.rank of q <= lora.rank of k", {"lora": {"rank": {"q": 2, "k": 4}, "targets": "q, k"}}, True),
        ("lora.rank of q <= lora.rank of k", {"lora": {"rank": {"q": 4, "k": 2}, "targets": "q, k"}}, False),
        ("lora.rank of q <= lora.rank of k", {"lora": {"rank": {"0.q": 4, "1.k": 2}, "targets": "q, k"}}, True),
        ("lora.rank of layer 5 > lora.rank of layer 0", {"lora": {"rank": {"0": 1, "5": 2}}}, True),
        ("lora.rank of layer 5 > lora.rank of layer 0", {"lora": {"rank": {"0": 2, "5": 2}}}, False),
        ("lora.rank of q in layer 1 == 2", {"lora": {"rank": {"1.q": 2, "1.v": 4, "2.q": 4}}}, True),
        ("lora.rank <= adapter.size", {"lora": {"rank": {"0": 8, "1": 2}}, "adapter": {"size": {"1": 4}}}, True),
        ("lora.rank <= adapter.size", {"lora": {"rank": {"0": 8, "1": 8}}, "adapter": {"size": {"1": 4}}}, False),
        ("adapter.scale >= lora.rank", {"lora": {"rank": {"0": 2}}, "adapter": {"size": {"1": 4}, "scale": 1}}, False),
        ("adapter.activation != gelu", {"adapter": {"size": 4, "activation": "gelu"}}, False),
        ("adapter.size < d/8", {"adapter": {"size": 47}}, True),
        ("adapter.size < d/8", {"adapter": {"size": 48}}, False),
        ("adapter.size <= 0.5f - 700", {"adapter": {"size": 69}}, False),
        ("not (lora and adapter)", {"lora": {"rank": 2}, "adapter": {"size": 4}}, False),
        ("not (lora and adapter)", {"lora": {"rank": 2}}, True),
        ("lora or adapter", {}, False),
        ("adapter => lora.rank >= 4", {"lora": {"rank": 2}, "adapter": {"size": 4}}, False),
        ("adapter => lora.rank >= 4", {"adapter": {"size": 4}}, True),
        ("adapter => lora", {"adapter": {"size": 4}}, False),
        ("training.learning_rate <= 1e-4", {}, True),
        ("training.learning_rate <= 1e-4", {"lora": {"rank": 2}}, False),
    ],
)
def test_what_they_allow(text, modules, expected, allows):
    assert allows(text, **modules) is expected


@pytest.mark.parametrize("text", ["lora.rank <= 4", "not (lora.rank <= 4)", "lora.rank <= 4 => adapter"])
def test_a_comparison_with_what_is_absent_says_nothing(text, allows):
    assert allows(text, adapter={"size": 4})
    assert allows(text)


NUMBERS = st.sampled_from(["2", "3.5", "1e1", "lora.rank", "5%"])
AMOUNTS = st.recursive(
    NUMBERS,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from("+-*/"), inner).map(" ".join),
        inner.map("({})".format),
        inner.map("-{}".format),
    ),
    max_leaves=5,
)
CONDITIONS = st.recursive(
    st.tuples(AMOUNTS, st.sampled_from(["<=", "<", ">=", ">", "==", "!="]), AMOUNTS).map(" ".join),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(" ".join),
        inner.map("({})".format),
        inner.map("not {}".format),
    ),
    max_leaves=5,
)


@given(CONDITIONS)
@settings(max_examples=150, deadline=None)
def test_signs_bind_as_in_python(text):
    assume("lora.rank" in text)
    # Each side speaks of a knob, so that no comparison is constant.
    text = text.replace("2", "(2 + 0 * lora.rank)")
    assume(all("lora.rank" in part for part in text.replace(" or ", " and ").split(" and ")))
    try:
        expected = eval(text.replace("lora.rank", "3").replace("5%", "0.05"))
    except ZeroDivisionError:
        return
    rule = Rule(text, parse_constraint(text))
    assert rule.allows({"lora": {Cell(0, "q"): {"rank": 3}}}, {}) is expected


@given(st.text(alphabet="lora.rank <=>()andotq1%'k $", max_size=40))
def test_any_text_is_read_or_refused(text):
    assert is_read(text) in (True, False)


def is_read(text):
    """Tell whether a text is a constraint; None when it is refused without a word on what was expected."""
    try:
        parse_constraint(text)
    except GrammarError as error:
        return False if str(error) else None
    return True


@pytest.mark.parametrize(
    ("text", "read"), [("(" * 500, False), ("not " * 20 + "lora", True), ("lora or " * 90 + "lora", True)]
)
def test_long_texts_are_read_or_refused(text, read):
    assert is_read(text) == read


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        ("params <= 1%", "1%"),
        ("params<=0.5 %", "0.5%"),
        ("300k >= params", "300000"),
        ("params < 300k", "299999"),
        ("params < 2.5", "2"),
        ("params < 1%", "0.99999999999999999999%"),
    ],
)
def test_budgets(text, limit):
    node = parse_constraint(text)
    assert isinstance(node, Budget)
    assert node.at_most == limit
    assert space_with(text, "lora.rank <= 4", 3, "(").budgets == [limit]


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("params >= 1k", "an upper limit"),
        ("params <= 200%", "an upper limit"),
        ("params <= 0", "an upper limit"),
        ("lora => params <= 1%", "a constraint of its own"),
        ("lora.rank", "neither true nor false"),
        ("lora.rank <=", "at the end"),
        ("1 <= lora.rank <= 4", "before '<='"),
        ("(lora", "`)`"),
        ("lora.rank of layer q <= 4", "the number of a layer"),
        ("lora.rank of <= 4", "a role such as `q`"),
        ("lora.rank & 4", "where '& 4' begins"),
        ("lora.rank <= (lora and adapter)", "chain comparisons by `and`"),
        ("lorra", "found 'lorra', no such method; did you mean 'lora'?"),
        ("prompt", "found 'prompt', which is not in this space; expected one of lora, adapter"),
        ("lora.rnk <= 4", "found 'lora.rnk', no such knob; did you mean 'rank'?"),
        ("lora.targets == q", "found 'lora.targets', no such knob"),
        ("lora.rank of qq <= 4", "found the role 'qq'; did you mean 'q'?"),
        ("adapter.size of q <= 4", "placed layer by layer"),
        ("adapter.activation of layer 1 == relu", "the same everywhere"),
        ("training.lr <= 4", "found 'training.lr', no such knob; expected one of learning_rate"),
        ("training.learning_rate of q <= 4", "the same everywhere"),
        ("1 <= 2", "a comparison without a knob"),
        ("lora.rank == relu", "found 'relu' beside lora.rank, expected a number"),
        ("adapter.activation == rellu", "found 'rellu' beside adapter.activation; did you mean 'relu'?"),
        ("adapter.activation == 3", "found 3 beside adapter.activation, expected one of relu, gelu"),
        ("adapter.activation <= relu", "expected == or !="),
        ("adapter.activation + 1 == 3", "in a sum or product"),
        ("lora.rank + relu == 3", "in a sum or product"),
        (3, "expected a text"),
        ("", "a constraint such as `params <= 1%`"),
        ("lora.rank <= 1e999", "a number that is not as large"),
    ],
)
def test_what_is_refused_says_why(text, part, vocabulary):
    (fault,) = space_with(text).problems(vocabulary)
    assert fault.startswith("space: constraints: ")
    assert part in fault
    assert "expected" in fault or "did you mean" in fault


def test_each_fault_has_the_line_of_its_item(vocabulary):
    text = """\
modules:
  lora: {rank: 4}
constraints:
  - lora.rank <= 4
  - lorra
  - lora.rank of z <= lora.rnk
"""
    faults = SearchSpace.from_yaml(text, "x.yaml").problems(vocabulary)
    assert [fault.split(": ")[0] for fault in faults] == ["x.yaml:5", "x.yaml:6", "x.yaml:6"]


def test_methods_never_together_are_not_compared(vocabulary):
    space = space_with("lora.rank <= adapter.size", choose={"lora": LORA, "adapter": ADAPTER})
    (fault,) = space.problems(vocabulary)
    assert "expected methods that a configuration has together" in fault


def test_what_can_never_apply_on_a_backbone_is_said(vocabulary, bert, gpt2):
    def warnings(text, shape, **modules):
        modules = modules or {"lora": LORA, "adapter": ADAPTER}
        return " ".join(SearchSpace("x", modules=modules, constraints=[text]).bind(vocabulary, shape).warnings)

    assert "the backbone has no gate" in warnings("lora.rank of gate <= lora.rank of q", bert)
    assert "no place in common" in warnings("lora.rank of v <= 4", bert)
    apart = {"lora": {**LORA, "layers": [0, 1]}, "adapter": {**ADAPTER, "layers": "2-5"}}
    assert "no place in common" in warnings("lora.rank <= adapter.size", bert, **apart)
    assert "q, k are in one matrix here, qkv" in warnings("lora.rank of q <= lora.rank of k", gpt2)
    assert not warnings("lora.rank of q <= lora.rank of k", bert)
    with pytest.raises(SpaceError, match=r"x\.yaml:2: constraints: found layer 6 in .*, expected 0 to 5"):
        SearchSpace.from_yaml("modules: {lora: {rank: 4}}\nconstraints: [lora.rank of layer 6 <= 4]", "x.yaml").bind(
            vocabulary, bert
        )


SPACES = [
    space_with("lora.rank of q <= lora.rank of k"),
    space_with("lora.alpha <= 2 * lora.rank", "not (lora and adapter)"),
    space_with("lora or adapter", "adapter.activation == gelu => adapter.size <= 8"),
]


@pytest.mark.parametrize("written", SPACES, ids=lambda space: "; ".join(space.constraints))
@given(seed=st.integers(0, 2**20))
@settings(max_examples=25, deadline=None)
def test_no_forbidden_point_is_ever_returned(written, seed, vocabulary):
    space = written.bind(vocabulary, BackboneShape(3, 384, 1536, ("q", "k", "v", "o")))
    rng = np.random.default_rng(seed)
    params = space.sample(rng)
    for point in (params, *space.neighbours(params, rng)):
        configuration = space.decode(point)
        assert space.allows(configuration)
        assert space.contains(configuration)
        assert space.encode(configuration) == point


def test_a_forbidden_configuration_is_refused_by_its_constraint(vocabulary, bert):
    space = space_with("lora.rank of q <= lora.rank of k", "not adapter").bind(vocabulary, bert)
    data = {"modules": {"lora": {"rank": {"q": 4, "k": 2}, "targets": ["q", "k"]}}}
    forbidden = canonical(data, vocabulary, bert)
    assert not space.contains(forbidden)
    with pytest.raises(ConfigurationError, match=r"forbidden in .* keeps 'lora\.rank of q <= lora\.rank of k'"):
        space.encode(forbidden)
    point = {**space.defaults, "lora.rank.q": 3, "lora.rank.k": 2}
    assert space.canonical(point) == point
    assert not space.allows(space.decode(point))


def test_constraints_that_leave_nothing_are_said(vocabulary, bert):
    space = space_with("lora", "not lora", "adapter or not adapter").bind(vocabulary, bert)
    with pytest.raises(ConfigurationError, match=r"leave next to nothing.*'(not )?lora' by \d+%") as caught:
        space.sample(np.random.default_rng(0))
    assert "'adapter or" not in str(caught.value)


def test_truth_values_of_knobs(vocabulary):
    rule = Rule("x", parse_constraint("sparse.dynamic == true"))
    for value, expected in ((True, True), (False, False)):
        assert rule.allows({"sparse": {Cell(0, None): {"dynamic": value}}}, {}) is expected
    assert rule.allows({"sparse": {Cell(0, None): {"dynamic": None}}}, {})
