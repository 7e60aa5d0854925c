"""What makes the site: links as they are there, parts made of the code, nothing fetched from elsewhere."""

from __future__ import annotations

import re

import yaml
from typer.main import get_command

import autopeft
from autopeft.cli import app
from autopeft.launch import SearchPlan
from autopeft.methods import VOCABULARY
from docs.making.commands import reference
from docs.making.links import moved, site_path, source_of, targets
from docs.making.outside import fetched, fetched_by_style
from docs.making.pictures import PICTURES
from docs.making.words import PARTS
from tests.documents.pages import PAGES, TOP, named


def test_links_are_moved_to_where_things_are_on_the_site():
    assert moved("[a](docs/how-to/gpu.md#x) ![b](studies/icd10/front.png)", "index.md") == (
        "[a](how-to/gpu.md#x) ![b](studies/icd10/front.png)"
    )
    assert moved("[c](../../studies/soak), [d](export.md)", "how-to/select.md") == (
        "[c](../studies/soak/README.md), [d](export.md)"
    )
    assert moved("[e](../../README.md) [f](https://x.org/a) [g](#h)", "how-to/select.md") == (
        "[e](../index.md) [f](https://x.org/a) [g](#h)"
    )
    assert moved("[i](../trec)", "studies/arena/README.md") == "[i](../trec/README.md)"
    assert list(targets("[j](../x.md#k) [l](http://m)", "docs/how-to/n.md")) == ["docs/x.md"]


def test_paths_of_the_site_and_of_the_repository_lead_back():
    for page in ("README.md", "CONTRIBUTING.md", "studies/trec/README.md", "docs/how-to/gpu.md"):
        assert source_of(site_path(page)) == page


def test_what_a_browser_would_fetch_from_elsewhere_is_found():
    assert fetched('<a href="https://x.org">x</a><link rel="canonical" href="https://x.org/"><img src="a.png">') == []
    for page in (
        '<script src="https://x.org/a.js"></script>',
        '<link rel="stylesheet" href="//x.org/a.css">',
        '<img srcset="https://x.org/a.png 2x">',
        '<p style="background: url(https://x.org/a.png)">',
        "<style>@import 'https://x.org/a.css';</style>",
    ):
        assert len(fetched(page)) == 1, page
    assert fetched_by_style("a{b:url(data:image/png;base64,xx)} @font-face{src:url('https://x.org/f')}") == [
        "https://x.org/f"
    ]


def test_pictures_are_those_that_the_script_draws():
    assert {path.name: path.read_text(encoding="utf8") for path in (TOP / "docs" / "pictures").iterdir()} == PICTURES


def _all(group):
    for name, command in group.commands.items():
        yield name, command
        if hasattr(command, "commands"):
            yield from _all(command)


def test_the_reference_has_every_verb_and_option():
    text = reference()
    for name, command in _all(get_command(app)):
        assert re.search(rf"^## (?:\w+ )?{name}$", text, re.MULTILINE), name
        for option in command.params:
            assert all(f"`{word}`" in text for word in option.opts if word.startswith("-")), (name, option.name)


def test_parts_made_of_the_code_are_whole_and_asked_for():
    asked = named(r"<!-- made: ([a-z ]+) -->")
    assert asked == PARTS.keys()
    assert all(f"`{name}`" in PARTS["settings"]() for name in SearchPlan.model_fields)
    methods = PARTS["methods"]()
    assert all(f"### {name}\n" in methods for name in VOCABULARY.methods)
    assert all(f"`{knob.name}`" in methods for words in VOCABULARY.methods.values() for knob in words.knobs)
    assert all(f"`{name}`" in PARTS["sections"]() for name in VOCABULARY.shared)


def test_every_public_name_is_in_the_reference_of_python():
    shown = named(r"(?m)^::: autopeft\.(\w+)$", ["docs/reference/python.md"])
    assert shown == set(autopeft.__all__)


def test_every_page_is_in_the_navigation_and_the_readme_leads_to_all_but_the_knobs():
    text = (TOP / "mkdocs.yml").read_text(encoding="utf8")
    nav = set(re.findall(r"[\w/-]+\.md$", text.partition("\nnav:\n")[2], re.MULTILINE))
    pages = {page.removeprefix("docs/") for page in PAGES if page.startswith("docs/")}
    assert pages | {"index.md", "CONTRIBUTING.md", "CHANGELOG.md"} == nav
    readme = set(re.findall(r"\(docs/([\w/-]+\.md)", PAGES["README.md"]))
    assert pages - readme == {"reference/knobs.md"}
    assert yaml.safe_load(text)["theme"]["font"] is False
