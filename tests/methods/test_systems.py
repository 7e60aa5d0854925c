"""The catalogue of published systems: whole, true of what there is, and in states that follow from it."""

import re
import shlex
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest
import typer

from autopeft.cli import app
from autopeft.methods import METHODS, VOCABULARY
from autopeft.methods.systems import DATA, KIND, VERB, State, System, catalogue, offers, state_of, systems
from autopeft.space import SearchSpace, load_space
from autopeft.tasks import KINDS

TOP = Path(__file__).parents[2]
STUDIES = TOP / "studies"
VERBS = frozenset(typer.main.get_command(app).commands)
OFFERED = [
    system for system in systems() if state_of(system, METHODS, KINDS, verbs=VERBS) in ("works", "tested on toy data")
]
#: What is offered, by number; more may come, none may go.
ALREADY = {2, 3, 5, 7, 8, 9, 11, 12, 13, 14, 15, 20, 21, 25, 26, 27, 30, 31, 32, 36, 37, 38, 39, 41, 44, 45}

offered = pytest.mark.parametrize("system", OFFERED, ids=lambda system: system.name)


def methods_of(system):
    """Return the names of the methods that offer a system."""
    return [name for name in METHODS if offers(name, system)]


def space_of(use):
    """Return the space that a use names or is, or None for a command that names none."""
    words = shlex.split(use)
    if words[0] != "autopeft":
        return SearchSpace.from_yaml(use)
    return load_space(words[words.index("--space") + 1]) if "--space" in words else None


def test_all_are_there_once_each():
    assert [system.id for system in systems()] == list(range(1, 46))
    assert len({system.name for system in systems()}) == 45
    assert all(re.search(r", arXiv:\d{4}\.\d{5}$", system.source) for system in systems())
    assert {system.id for system in OFFERED} >= ALREADY
    page = (TOP / "docs" / "reference" / "methods.md").read_text(encoding="utf8")
    assert f"lists {len(systems())} published systems" in page


def test_states_are_of_four():
    states = Counter(state_of(system, METHODS, KINDS, verbs=VERBS) for system in systems())
    assert set(states) <= set(get_args(State))
    assert states["not applicable"] == sum(bool(system.why) for system in systems())


@pytest.mark.parametrize("system", systems(), ids=lambda system: system.name)
def test_a_state_follows_from_what_there_is(system):
    here = state_of(system, METHODS, KINDS, verbs=VERBS)
    if here in ("not yet", "not applicable"):
        assert not system.recorded
        assert state_of(system, {}, (), {}) == here
        return
    assert here == ("works" if system.recorded else "tested on toy data")
    for offer in system.offered_by:
        kind = offer.removeprefix(KIND) if offer.startswith(KIND) else None
        methods = {name: method for name, method in METHODS.items() if name != re.split(r"\.", offer)[0]}
        kinds = [name for name in KINDS if name != kind]
        asked, _, word = offer.partition(":")
        shared = {
            name: replace(knob, choices=tuple(each for each in knob.choices if (name, each) != (asked, word)))
            for name, knob in VOCABULARY.shared.items()
            if offer != DATA + name
        }
        verbs = VERBS - {offer.removeprefix(VERB)}
        assert (methods, kinds, shared, verbs) != (METHODS, list(KINDS), VOCABULARY.shared, VERBS)
        assert state_of(system, methods, kinds, shared, verbs) == "not yet"


@pytest.mark.parametrize(
    "offer",
    [
        "lorra",
        "lora.init=cordon",
        "lora.start=corda",
        "kind:lora",
        "rerank",
        "schedule:lora",
        "lora:init",
        "verb:lora",
        "data:row",
    ],
)
def test_what_does_not_exist_offers_nothing(offer):
    system = System(1, "a system", "someone", "paper", offered_by=(offer,), use="modules: {lora: {}}")
    assert state_of(system, METHODS, KINDS, verbs=VERBS) == "not yet"


@offered
def test_its_use_is_a_command_or_a_space_of_its_methods(system):
    words = shlex.split(system.use)
    if words[0] == "autopeft":
        command = typer.main.get_command(app)
        command.get_command(None, words[1]).make_context(words[1], words[2:])
        if "--kind" in words:
            assert KIND + words[words.index("--kind") + 1] in system.offered_by
    space = space_of(system.use)
    if space is None:
        assert VERB + words[1] in system.offered_by or any(offer.startswith(KIND) for offer in system.offered_by)
        return
    assert space.problems(VOCABULARY) == []
    parts = space.to_dict().get("modules") or space.to_dict()["choose"]
    assert set(methods_of(system)) <= set(parts)
    for offer in system.offered_by:
        if "=" in offer:
            method, knob, value = re.split("[.=]", offer)
            assert value in str(parts[method][knob])


@offered
def test_what_is_recorded_is_there(system):
    if not STUDIES.is_dir():
        pytest.skip("the studies are not here")
    if not system.recorded:
        return
    files = [path for path in (STUDIES / system.recorded).rglob("*") if path.suffix in (".md", ".json", ".jsonl")]
    text = "\n".join(path.read_text(encoding="utf8") for path in files)
    assert (STUDIES / system.recorded / "README.md") in files
    for name in methods_of(system):
        assert re.search(rf"\b{name}\b", text), name


def test_each_offered_one_says_how_it_differs():
    for system in OFFERED:
        assert all((system.mode, system.scale, system.budget, system.differences)), system.name
        assert system.differences.endswith("dropout stays off.") == (system.mode == "train"), system.name


@pytest.mark.parametrize(
    "fault",
    [
        {"fidelity": "rumour"},
        {"mode": "asleep"},
        {"why": "a survey", "offered_by": ["lora"], "use": "modules: {lora: {}}"},
        {"offered_by": ["lora"]},
        {"use": "modules: {lora: {}}"},
        {"recorded": "arena"},
    ],
)
def test_what_is_no_entry_is_refused(fault):
    entry = {"id": 1, "name": "a system", "source": "someone", "fidelity": "paper"}
    assert catalogue([entry])[0].name == "a system"
    with pytest.raises(ValueError, match="system 1"):
        catalogue([entry | fault])
    with pytest.raises(ValueError, match=r"\[1, 1\]"):
        catalogue([entry, entry])
