"""Names in the text are names of the code, and links lead somewhere."""

from __future__ import annotations

import re
import tomllib
from functools import cache, reduce
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.documents.pages import PAGES, TOP, anchors, links, named, shell_lines, spans

#: Names of other tools stand on this page, each with the address of their documentation.
_OTHER_TOOLS = "docs/explanation/compared.md"

_OWN = [page for page in PAGES if page != _OTHER_TOOLS]

#: Words of spans that are no names: what the reader fills in, and examples of data and files of theirs.
_NO_NAMES = {"NAME", "FILE", "KIND", "RUN", "VERB", "COLUMN", "HOST", "PORT", "FOLDER", "SEED"}

#: Names of other projects: llama.cpp's converters, columns of MBPP, a figure of lm-evaluation-harness.
_OF_OTHERS = {"convert_hf_to_gguf", "convert_lora_to_gguf", "challenge_test_list", "acc_norm"}


@cache
def words_of_the_code() -> set[str]:
    """Return every word of what is no document: code, spaces, plans, tests, settings of the project."""
    rooms = [TOP / name for name in ("autopeft", "search_spaces", "examples", "tests", "docs/making")]
    found = [path for room in rooms for path in room.rglob("*") if Path(__file__).parent not in path.parents]
    texts = [path.read_text(encoding="utf8") for path in found if path.suffix in (".py", ".yaml", ".jinja", ".js")]
    texts += [
        (TOP / name).read_text(encoding="utf8") for name in ("Makefile", "pyproject.toml", "mkdocs.yml", ".gitignore")
    ]
    texts += [path.stem for path in (*found, *(TOP / "studies").rglob("*"))]
    return {word for text in texts for word in re.findall(r"[^\W\d]\w*", text)}


@pytest.mark.parametrize("page", _OWN)
def test_what_is_set_as_code_is_a_name_of_the_code(page):
    known = words_of_the_code() | _NO_NAMES | _OF_OTHERS
    for span in spans(page):
        unknown = {word for word in re.findall(r"[^\W\d]\w{2,}", span) if word not in known}
        assert not unknown, f"`{span}`"


@pytest.mark.parametrize("name", sorted(named(r"`(autopeft(?:\.\w+)+)[`(]") | named(r"^::: (autopeft\S+)")))
def test_what_is_named_by_its_module_can_be_imported(name):
    parts = name.split(".")
    module = [each for each in (".".join(parts[:end]) for end in range(1, len(parts) + 1)) if _found(each)][-1]
    assert reduce(getattr, parts[len(module.split(".")) :], import_module(module)) is not None


def _found(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def test_the_make_targets_exist():
    makefile = (TOP / "Makefile").read_text(encoding="utf8")
    for target in named(r"(?:`|    )make ([a-z]+)"):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_modules_that_are_run_exist_with_their_options():
    lines = [text for page in PAGES for text in (*shell_lines(page), *spans(page)) if text.startswith("python")]
    for line in lines:
        if module := re.search(r"-m ([\w.]+)", line):
            spec = find_spec(module[1])
            assert spec is not None, line
            source = Path(str(spec.origin))
            flags = re.findall(r"(?<!\S)--[a-z-]+", line) if module[1].startswith(("tests.", "studies.")) else []
            assert all(flag in source.read_text(encoding="utf8") for flag in flags), line


def test_extras_that_are_named_exist():
    project = tomllib.loads((TOP / "pyproject.toml").read_text(encoding="utf8"))["project"]
    for listed in named(r"autopeft\[([a-z,]+)\]") | named(r"-e '\.\[([a-z,]+)\]'") | named(r"the extra `([a-z]+)`"):
        assert set(listed.split(",")) <= project["optional-dependencies"].keys(), listed


def test_paths_that_are_named_exist():
    for path in named(r"`((?:autopeft|tests|studies|examples|docs|search_spaces)/[\w/.-]*)`"):
        assert (TOP / path).exists(), path


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page):
    for target in links(page):
        path, _, anchor = target.partition("#")
        there = TOP / page if not path else (TOP / page).parent / path
        assert there.exists(), target
        if anchor:
            assert anchor in anchors(there.read_text(encoding="utf8")), target


def test_the_rooms_that_contributing_lists_exist():
    for room in named(r"(?m)^\| `(\w+)/` \|", ["CONTRIBUTING.md"]):
        assert (TOP / "autopeft" / room / "__init__.py").is_file(), room


def test_the_readme_is_one_screen():
    assert len(PAGES["README.md"].splitlines()) < 150
