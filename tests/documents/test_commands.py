"""Every command that a document names is one that the command line reads: verbs, arguments, options, their values."""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection
from typing import Any

import pytest
from typer.main import get_command

from autopeft.cli import app
from autopeft.costs import Budget
from autopeft.exporting import TARGETS
from autopeft.methods import METHODS
from autopeft.methods.registry import WORD_KNOBS
from autopeft.space import shipped_spaces
from autopeft.tasks import KINDS, PACKAGED
from tests.documents.pages import PAGES, commands, shell_lines, spans

_COMMAND = get_command(app)

#: What stands for something that the reader fills in.
_PLACEHOLDER = re.compile(r"[A-Z][A-Z_]*")

_METRICS = {metric for kind in KINDS.values() for metric in kind.metrics}
_METHODS = {*METHODS, *(word for knob in WORD_KNOBS for word in knob.words)}

#: What options with these names take, where the option itself takes any text.
_VALUES: dict[str, Collection[str]] = {
    "kind": KINDS,
    "to": TARGETS,
    "target": TARGETS,
    "task": PACKAGED,
    "metric": _METRICS,
    "space": shipped_spaces(),
    "name": _METHODS,
}


def parsed(command: str) -> dict[str, Any]:
    """Return what a command line says by the names of options, without running it."""
    words = shlex.split(command)[1:]
    group: Any = _COMMAND
    context = group.make_context("autopeft", list(words), resilient_parsing=words[0].startswith("-"))
    found: dict[str, Any] = {}
    while words and not words[0].startswith("-") and hasattr(group, "commands"):
        name = words.pop(0)
        assert name in group.commands, f"no verb {name}"
        group = group.commands[name]
        context = group.make_context(name, list(words), parent=context)
        found = context.params
    return found


@pytest.mark.parametrize(("page", "command"), sorted({(page, command) for page, command in commands()}))
def test_it_is_read(page, command):
    if re.search(r"\w\|\w", command):
        verbs = re.split(r"[| ]", command.removeprefix("autopeft "))
        known = {*_COMMAND.commands, *_COMMAND.commands["spaces"].commands}
        assert {word for word in verbs if word.islower()} <= known
        return
    if "VERB" in command:
        return
    said = _parsed_whole(command, in_text=command in spans(page))
    for name, value in said.items():
        if name == "budget" and value is not None:
            Budget.parse(value)
        if name not in _VALUES or not isinstance(value, str) or said.get("plugin") is not None:
            continue
        if not (_PLACEHOLDER.fullmatch(value) or value.endswith((".yaml", ".py"))):
            assert value in _VALUES[name], f"{page}: {name} {value}"


def _parsed_whole(command: str, *, in_text: bool) -> dict[str, Any]:
    """Read a command; one in the text may leave out arguments, which a block may not."""
    for _ in range(3 if in_text else 0):
        try:
            return parsed(command)
        except Exception as error:
            if "Missing parameter" not in str(error):
                raise
            command += " RUN"
    return parsed(command)


def test_what_is_not_there_is_not_read():
    for wrong in ("serch", "search --budgets 1%", "spaces shew x", "stop RUN twelve", "cost"):
        with pytest.raises(Exception, match=r"no verb|No such option|valid integer|Missing parameter"):
            parsed(f"autopeft {wrong}")


def _options(group: Any) -> set[str]:
    own = {name for each in group.params for name in (*each.opts, *each.secondary_opts)}
    return own.union(*(map(_options, group.commands.values()) if hasattr(group, "commands") else ()))


def test_options_named_in_the_text_are_of_some_verb():
    known = _options(_COMMAND) | {"--help"}
    for page in PAGES:
        for span in spans(page):
            if span.startswith("-"):
                for flag in re.findall(r"(?<!\S)--?[a-z][a-z0-9-]*", span):
                    assert flag in known, f"{page}: {span}"


@pytest.mark.parametrize("page", PAGES)
def test_blocks_are_for_a_shell(page):
    """What is indented is a command; anything else says by a fence what it is, and is tested as that."""
    known = {".ci/run", "autopeft", "pip", "make", "python", "python3", "cd", ".", "docker", "git"}
    known |= {"ray", "sbatch", "kubectl"}
    for line in shell_lines(page):
        assert line.split()[0] in known, line
