"""What fuzzing draws: good documents with some of their parts changed, so that it gets past the first check."""

from __future__ import annotations

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import yaml
from hypothesis import strategies as st

from autopeft.methods import METHODS
from autopeft.space.shape import ROLES

__all__ = ["budgets", "configurations", "mutated", "plans", "spaces"]

SPACES = [yaml.safe_load(path.read_text()) for path in sorted(Path("search_spaces").resolve().glob("*.yaml"))]

CONFIGURATIONS: list[Any] = [
    {"modules": {"lora": {"rank": 8, "alpha": 16, "targets": ["q", "v"], "layers": [0, 1]}}},
    {"layers": "all", "modules": {"lora": {"rank": {"0": 4, "1-2": 8, "q": 2}, "alpha": "2r"}}},
    {
        "modules": {"serial_adapter": {"size": "d/8", "layers": "0-2"}, "prefix": {"length": 4}},
        "training": {"learning_rate": 1e-3},
    },
    {"modules": {"sparse": {"density": 0.001}, "ia3": {}}, "training": {"learning_rate": "3e-3w"}},
    {"modules": {}},
]

PLANS: list[Any] = [
    {
        "data": "a.csv",
        "text": "text",
        "label": "label",
        "budget": "1%",
        "trials": 8,
        "epochs": 2,
        "time_limit": "1h30m",
    },
    {
        "task": "icd10",
        "space": {"name": "x", "modules": {"lora": {"rank": 8}}},
        "final": {"examples": 10, "epochs": 0.5},
    },
    {"data": "b.jsonl", "messages": "m", "sampler": "tpe", "workers": 0, "out": "run", "storage": "sqlite:///x.db"},
    {"model": "m", "objectives": "accuracy,flops", "budget": 1, "precision": "bf16", "load_in_8bit": True, "seed": 3},
]

_LETTERS = "0123456789.,:|<>=+-*/%()[]{}'\"\\ \t\n\x00eExrdfwkKMGiBbyof∞µé١"
_NUMBERS = st.one_of(
    st.integers(-3, 70), st.integers(), st.floats(), st.sampled_from([0, -0.0, 10**400, 1e-320, 2**63, float("1e308")])
)
_QUANTITIES = st.builds(
    "{}{}{}".format,
    st.one_of(st.integers(0, 99), st.floats(0, 99).map("{:.3g}".format)),
    st.sampled_from(["", "r", "d", "f", "w", "%", "k", "M", "GiB", "MB", "pt", "h"]),
    st.sampled_from(["", "", "/8", "/0", " log", "e5"]),
)
_ENDS = st.builds(
    "{}..{}{}".format,
    _QUANTITIES,
    _QUANTITIES,
    st.sampled_from(["", " by x2", " by x1", " by 3", " by x", " log", " by x1e9"]),
)
_WORDS = st.sampled_from(
    [
        "off",
        "all",
        "subset",
        "subset of q, v",
        "subset of",
        "none",
        "lora.rank",
        "params",
        "and",
        "=>",
        "true",
        "yes",
        "~",
        *ROLES,
        *METHODS,
    ]
)
_SETS = st.lists(st.one_of(_QUANTITIES, _ENDS, _WORDS), min_size=1, max_size=4).map(" | ".join)
_RULES = st.lists(
    st.one_of(
        _QUANTITIES, _WORDS, st.sampled_from(["<=", ">=", "=", "!=", "<", "or", "not", "(", ")", "count", "layers"])
    ),
    min_size=1,
    max_size=7,
).map(" ".join)
_TEXT = st.one_of(
    _SETS,
    _SETS,
    _RULES,
    st.text(_LETTERS, max_size=12),
    st.text(max_size=12),
    st.sampled_from(["9" * 5000, "(" * 3000, "1|" * 3000]),
)
_PLACED = st.fixed_dictionaries(
    {
        "per": st.one_of(_WORDS, st.sampled_from(["layer", "role", "2 layer groups", "0 layer groups", "layer, role"])),
        "values": _SETS,
    }
)
_SCALARS = st.one_of(_TEXT, _NUMBERS, st.none(), st.booleans())
_VALUES = st.recursive(
    st.one_of(_SCALARS, _PLACED),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.one_of(_WORDS, st.text(max_size=6)), inner, max_size=4)
    ),
    max_leaves=6,
)


def _places(data: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the paths of all parts of a document."""
    inside = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    return [at, *(place for key, value in inside for place in _places(value, (*at, key)))]


@st.composite
def mutated(draw: st.DrawFn, documents: list[Any]) -> Any:
    """Draw a document with up to three of its parts changed, left out, renamed or doubled."""
    root = {"root": deepcopy(draw(st.sampled_from(documents)))}
    for _ in range(draw(st.integers(0, 3))):
        *above, key = ("root", *draw(st.sampled_from(_places(root["root"]))))
        holder: Any = root
        for step in above:
            holder = holder[step]
        how = draw(st.sampled_from(["change", "change", "change", "leave out", "rename", "add"]))
        if how == "leave out" and above:
            del holder[key]
        elif how == "rename" and isinstance(holder, dict) and above:
            holder[draw(st.one_of(_WORDS, _NUMBERS, st.text(max_size=8)))] = holder.pop(key)
        elif how == "add" and isinstance(holder[key], dict):
            holder[key][draw(st.one_of(_WORDS, st.text(max_size=8)))] = draw(_VALUES)
        elif how == "add" and isinstance(holder[key], list):
            holder[key].append(draw(_VALUES))
        else:
            holder[key] = draw(_VALUES)
    return root["root"]


@st.composite
def _scratched(draw: st.DrawFn, texts: st.SearchStrategy[str]) -> str:
    """Draw a text with some letters of it cut out and others put in."""
    text = draw(texts)
    for _ in range(draw(st.integers(0, 3))):
        start = draw(st.integers(0, len(text)))
        text = text[:start] + draw(st.text(_LETTERS, max_size=3)) + text[start + draw(st.integers(0, 5)) :]
    return text


def _written(document: Any) -> str:
    try:
        return yaml.safe_dump(document, sort_keys=False, allow_unicode=True)
    except yaml.YAMLError:
        return json.dumps(document, default=str)


spaces = st.one_of(
    mutated(SPACES).map(_written), _scratched(mutated(SPACES).map(_written)), st.text(_LETTERS, max_size=60)
)
configurations = st.one_of(mutated(CONFIGURATIONS), _VALUES)
plans = mutated(PLANS)
budgets = st.one_of(
    _scratched(st.sampled_from(["1%", "300k", "16GiB", "0.5%, 16 GB", "2M", "12345"])),
    st.lists(_QUANTITIES, max_size=3).map(",".join),
    _TEXT,
)
