"""The published systems, what of autopeft offers them, and what state that puts them in."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal, get_args

import yaml

from autopeft.methods.method import Method
from autopeft.methods.registry import VOCABULARY
from autopeft.space.vocabulary import Knob

__all__ = ["DATA", "KIND", "VERB", "State", "System", "offers", "state_of", "systems"]

Fidelity = Literal["release", "paper", "reconstruction"]
Mode = Literal["train", "eval"]
State = Literal["works", "tested on toy data", "not yet", "not applicable"]

#: What stands before the name of a kind of task where one offers a system, and before that of a knob of the data.
KIND, DATA = "kind:", "data:"

#: Likewise before a verb of the command line.
VERB = "verb:"


@dataclass(frozen=True)
class System:
    """A published system.

    Args:
        id: Its number in the catalogue.
        name: What it is called.
        source: The paper.
        fidelity: What is known of it by: the authors' code, the paper's text, or less and what was filled in.
        scale: The original's rule of scale, in words.
        budget: Its rule of how much trains, in words.
        mode: That of the backbone while the original trains.
        offered_by: What offers it: names of methods, values of their knobs (`lora.init=corda`), kinds (`kind:rerank`),
            words of knobs beside methods (`schedule:lisa`), knobs of the data (`data:column`), verbs (`verb:fuse`).
        use: A command that uses it, or a space, once it is offered.
        differs: What is otherwise than in the source, in words; `differences` adds what goes without saying.
        why: Why it is not offered, where it will not be.
        recorded: The folder of `studies/` that holds a run of it on real data.

    Raises:
        ValueError: When this is not an entry of the catalogue.
    """

    id: int
    name: str
    source: str
    fidelity: Fidelity
    scale: str = ""
    budget: str = ""
    mode: Mode | None = None
    offered_by: tuple[str, ...] = ()
    use: str = ""
    differs: str = ""
    why: str = ""
    recorded: str = ""

    def __post_init__(self) -> None:
        said = f"system {self.id}"
        if self.fidelity not in get_args(Fidelity) or self.mode not in (None, *get_args(Mode)):
            raise ValueError(f"{said}: fidelity {self.fidelity!r} and mode {self.mode!r}")
        if self.why and self.offered_by:
            raise ValueError(f"{said} says why it is not offered, and by what it is")
        if bool(self.offered_by) != bool(self.use):
            raise ValueError(f"{said} has what offers it or what uses it, not both")
        if self.recorded and not self.offered_by:
            raise ValueError(f"{said} was run, and nothing offers it")

    @property
    def differences(self) -> str:
        """What is otherwise than in the source, also that backbones stay in eval mode, as all of autopeft's do."""
        mode = "The backbone's dropout stays off." if self.offered_by and self.mode == "train" else ""
        return " ".join(filter(None, (self.differs, mode)))


def state_of(
    system: System,
    methods: Mapping[str, Method],
    kinds: Collection[str],
    shared: Mapping[str, Knob] = VOCABULARY.shared,
    verbs: Collection[str] = (),
) -> State:
    """Return what state a system is in.

    It `works` when it is offered and a run on real data is recorded; it is `tested on toy data` when it is offered,
    since the tests try all methods, kinds and verbs; it is `not applicable` when there is a reason never to offer it.

    Args:
        system: The system.
        methods: The methods there are, by name.
        kinds: The names of the kinds of task there are.
        shared: The knobs of training and of the data there are.
        verbs: The verbs of the command line there are.
    """
    if system.why:
        return "not applicable"
    if not system.offered_by or not all(_exists(each, methods, kinds, shared, verbs) for each in system.offered_by):
        return "not yet"
    return "works" if system.recorded else "tested on toy data"


def offers(method: str, system: System) -> bool:
    """Tell whether a method, a knob of it, or a word of a knob beside methods has a part in offering a system."""
    return any(method in (_parts(each)[0], each.partition(":")[2]) for each in system.offered_by)


def _exists(
    offer: str,
    methods: Mapping[str, Method],
    kinds: Collection[str],
    shared: Mapping[str, Knob],
    verbs: Collection[str],
) -> bool:
    if offer.startswith(VERB):
        return offer.removeprefix(VERB) in verbs
    if offer.startswith(KIND):
        return offer.removeprefix(KIND) in kinds
    if offer.startswith(DATA):
        return offer.removeprefix(DATA) in shared
    asked, colon, word = offer.partition(":")
    if colon:
        return asked in shared and word in shared[asked].choices
    name, knob, value = _parts(offer)
    if name not in methods:
        return False
    return not knob or any(knob == each.name and value in each.choices for each in methods[name].words.knobs)


def _parts(offer: str) -> tuple[str, str, str]:
    """Return the method, the knob and its value that something is offered by; the last two may be empty."""
    name, _, setting = offer.partition(".")
    knob, _, value = setting.partition("=")
    return name, knob, value


@cache
def systems() -> tuple[System, ...]:
    """Return the catalogue, by number."""
    text = files("autopeft.methods").joinpath("systems.yaml").read_text(encoding="utf8")
    return catalogue(yaml.safe_load(text))


def catalogue(entries: Iterable[Mapping[str, Any]]) -> tuple[System, ...]:
    """Return systems by number.

    Args:
        entries: What the file says of each.

    Raises:
        ValueError: When an entry is none, or two have one number.
    """
    found = [System(**{**entry, "offered_by": tuple(entry.get("offered_by", ()))}) for entry in entries]
    numbers = [system.id for system in found]
    if len(set(numbers)) < len(numbers):
        raise ValueError(f"the numbers of systems are {numbers}")
    return tuple(sorted(found, key=lambda system: system.id))
