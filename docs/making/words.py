"""Parts of the reference that are made of the code: grammars, settings of a search, knobs of methods."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from importlib import import_module
from inspect import cleandoc
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from autopeft.space import Knob

__all__ = ["PARTS"]

_STUDIES = Path(__file__).resolve().parents[2] / "studies"


def _commands() -> str:
    from docs.making.commands import reference

    return reference()


def _grammar(module: str) -> str:
    """Return the docstring of a module, which states a grammar, without its first sentence's call to what follows."""
    return cleandoc(import_module(module).__doc__ or "")


def _settings() -> str:
    from autopeft.launch import plan_schema
    from autopeft.methods import VOCABULARY

    known = plan_schema(VOCABULARY)["properties"]
    rows = [f"| `{name}` | {_cell(str(said.get('description', '')))} |" for name, said in known.items()]
    return _table(("setting", "what it is"), rows)


def _sections() -> str:
    from autopeft.methods import VOCABULARY

    parts = [f"### {section}\n\n{_knobs(knobs.values())}" for section, knobs in VOCABULARY.sections.items()]
    return "\n\n".join(parts)


def _methods() -> str:
    from autopeft.methods import VOCABULARY

    found = [
        f"### {name}\n\n{_cell(words.summary)} ({words.source}).\n\n{_knobs(words.knobs)}"
        for name, words in VOCABULARY.methods.items()
    ]
    return "\n\n".join(found)


def _knobs(knobs: Iterable[Knob]) -> str:
    rows = [f"| `{knob.name}` | {_searched(knob)} | {_cell(knob.help)}{_given(knob)} |" for knob in knobs]
    return _table(("knob", "searched where left out", "what it is"), rows) if rows else "It has no knobs."


def _searched(knob: Knob) -> str:
    if knob.range is not None:
        return f"`{_cell(knob.range)}`"
    if knob.default is None:
        return "it has to be given" if knob.required else "left to the method"
    default = ", ".join(knob.default) if isinstance(knob.default, tuple) else knob.default
    return f"`{_cell(str(default))}`"


def _given(knob: Knob) -> str:
    if knob.given is None:
        return ""
    asking, words = knob.given
    return f"; there with `{asking}: {_cell(' | '.join(words))}`"


def _studies() -> str:
    pages = sorted(_STUDIES.glob("*/README.md"))
    titles = {page.parent.name: page.read_text(encoding="utf8").splitlines()[0].removeprefix("# ") for page in pages}
    rows = [f"| [{name}](../studies/{name}/README.md) | {_cell(title)} |" for name, title in titles.items()]
    return _table(("study", "what it measures"), rows)


def _table(head: tuple[str, ...], rows: Iterable[str]) -> str:
    return "\n".join([f"| {' | '.join(head)} |", f"|{' --- |' * len(head)}", *rows])


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


#: What a page asks for by `<!-- made: NAME -->`.
PARTS: Mapping[str, Callable[[], str]] = {
    "commands": _commands,
    "grammar of values": partial(_grammar, "autopeft.space.grammar"),
    "grammar of constraints": partial(_grammar, "autopeft.space.constraints"),
    "settings": _settings,
    "sections": _sections,
    "methods": _methods,
    "studies": _studies,
}
