"""Constraints that forbid nothing or everything are said to, and only those."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autopeft.errors import SpaceError
from autopeft.space import BackboneShape, SearchSpace
from autopeft.space.rule_binding import FORBIDS_ALL, FORBIDS_NOTHING, LEAVES_NOTHING, bind_rules

LORA = {"rank": "1..8 by x2", "alpha": "1r | 2r", "targets": ["q", "k"]}
ADAPTER = {"size": {"per": "layer", "values": "off | 4 | 8"}, "activation": "relu | gelu", "scale": "0.5..2"}
TRAINING = {"learning_rate": "1e-4..1e-2 log"}
MODULES = {"lora": LORA, "adapter": ADAPTER}


def said(vocabulary, shape, *constraints, modules=MODULES):
    """Return the kind of thing that is said of constraints on a backbone."""
    space = SearchSpace("x", modules=modules, training=TRAINING, constraints=constraints)
    try:
        warnings = space.bind(vocabulary, shape).warnings
    except SpaceError as error:
        return "leaves nothing" if str(error).endswith(LEAVES_NOTHING) else str(error)
    kinds = {FORBIDS_NOTHING: "forbids nothing", FORBIDS_ALL: "forbids all"}
    found = [kind for ending, kind in kinds.items() if any(warning.endswith(ending) for warning in warnings)]
    return found[0] if found else None


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("lora.rank <= 8", "forbids nothing"),
        ("lora.rank <= 4", None),
        ("lora.rank > 8", "leaves nothing"),
        ("adapter.size > 8", "forbids all"),
        ("adapter.size >= 4", "forbids nothing"),
        ("adapter.size of layer 1 >= 8", None),
        ("lora.alpha <= 2 * lora.rank", "forbids nothing"),
        ("lora.alpha < 2 * lora.rank", None),
        ("lora.rank of q <= lora.rank of k", "forbids nothing"),
        ("lora.rank of q < lora.rank of k", "leaves nothing"),
        ("lora.rank <= adapter.size", None),
        ("lora.rank <= 2 * adapter.size", "forbids nothing"),
        ("lora.rank <= d", "forbids nothing"),
        ("adapter.activation != gelu", None),
        ("adapter.activation == gelu => adapter.size <= 8", "forbids nothing"),
        ("adapter => lora.rank >= 16", None),
        ("lora", "forbids nothing"),
        ("not lora", "leaves nothing"),
        ("adapter", None),
        ("adapter or lora.rank <= 8", "forbids nothing"),
        ("lora.rank <= 4 or lora.rank > 4", None),
        ("training.learning_rate <= 1e-2", "forbids nothing"),
        ("training.learning_rate < 1e-2", None),
        ("training.learning_rate > 0.1", "forbids all"),
        ("training.learning_rate != 0.1", "forbids nothing"),
        ("training.learning_rate == 1e-3", None),
        ("1 / training.learning_rate <= 10k", None),
        ("adapter.scale * lora.rank <= 16", "forbids nothing"),
        ("adapter.scale - adapter.scale <= 0", None),
    ],
)
def test_what_is_said(vocabulary, bert, text, kind) -> None:
    assert said(vocabulary, bert, text) == kind


def test_ranks_of_their_own_may_differ(vocabulary, bert) -> None:
    modules = {"lora": {**LORA, "rank": {"per": "role", "values": "1..8 by x2"}}}
    assert said(vocabulary, bert, "lora.rank of q <= lora.rank of k", modules=modules) is None
    assert said(vocabulary, bert, "lora.rank of q <= 4 * lora.rank of k", modules=modules) is None
    assert said(vocabulary, bert, "lora.rank of q <= 8 * lora.rank of k", modules=modules) == "forbids nothing"


AMOUNTS = ("lora.rank", "lora.alpha", "adapter.size", "adapter.size of layer 1", "2", "4", "2 * lora.rank", "9")
COMPARISONS = st.builds(
    "{} {} {}".format,
    st.sampled_from([amount for amount in AMOUNTS if "." in amount]),
    st.sampled_from(["<=", "<", ">=", ">", "==", "!="]),
    st.sampled_from(AMOUNTS),
)
CONDITIONS = st.recursive(
    st.one_of(COMPARISONS, st.sampled_from(["lora", "adapter", "adapter.activation == gelu"])),
    lambda inner: st.one_of(
        st.builds("({} {} {})".format, inner, st.sampled_from(["and", "or", "=>"]), inner),
        st.builds("not ({})".format, inner),
    ),
    max_leaves=3,
)
FEW = BackboneShape(2, 64, 256, ("q", "k"))


@given(CONDITIONS)
@settings(max_examples=120, deadline=None)
def test_what_is_said_holds_for_every_configuration(vocabulary, text) -> None:
    modules = {"lora": LORA, "adapter": {**ADAPTER, "scale": 1}}
    kind = said(vocabulary, FEW, text, modules=modules)
    bound = SearchSpace("x", modules=modules, training=TRAINING).bind(vocabulary, FEW)
    (rule,) = bind_rules([text], bound.methods, bound.shared, FEW).rules
    axes = [[p.at((i + 0.5) / p.size) for i in range(p.size)] if p.size else [1e-3] for p in bound.parameters]
    allowed = set()
    for values in itertools.product(*axes):
        params = dict(zip([p.name for p in bound.parameters], values, strict=True))
        placed = {method.words.name: method.cells(params) for method in bound.methods}
        allowed.add(rule.allows(placed, {"learning_rate": 1e-3}))
    if kind in ("forbids nothing", "leaves nothing"):
        assert allowed == {kind == "forbids nothing"}


def test_without_a_backbone_only_what_holds_on_all(vocabulary) -> None:
    def idle(*constraints):
        return SearchSpace("x", modules=MODULES, constraints=constraints).idle(vocabulary)

    warnings, faults = idle("lora.rank <= 8", "lora.rank <= d", "lora.rank >= d/16", "lora.rank >= 4")
    assert [warning.split("'")[1] for warning in warnings] == ["lora.rank <= 8", "lora.rank <= d"]
    assert faults == []
    assert idle("lora.rank > 8") == ([], [f"space: constraints: found 'lora.rank > 8', {LEAVES_NOTHING}"])


def test_the_fault_names_the_line(vocabulary, bert) -> None:
    space = SearchSpace.from_yaml(
        "modules: {lora: {rank: 4}}\nconstraints:\n - lora.rank <= 5\n - lora.rank >= 5\n", "x.yaml"
    )
    with pytest.raises(SpaceError, match=r"x\.yaml:4: constraints: found 'lora.rank >= 5', expected one that some"):
        space.bind(vocabulary, bert)
