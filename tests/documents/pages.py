"""The documents, and what of them can be tested: commands, blocks of code, names in the text, links."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

__all__ = ["PAGES", "TOP", "anchors", "blocks", "commands", "links", "named", "shell_lines", "spans"]

TOP = Path(__file__).resolve().parents[2]

#: The documents by their path in the repository.
PAGES = {
    path.relative_to(TOP).as_posix(): path.read_text(encoding="utf8")
    for path in [
        *(TOP / name for name in ("README.md", "CONTRIBUTING.md", "AGENTS.md") if (TOP / name).is_file()),
        *sorted((TOP / "docs").rglob("*.md")),
    ]
}

_FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_INDENTED = re.compile(r"(?:^    .*\n)+", re.MULTILINE)


def blocks(language: str) -> list[tuple[str, str]]:
    """Return the fenced blocks in a language, each with the page on which it stands."""
    return [
        (page, found[2]) for page, text in PAGES.items() for found in _FENCED.finditer(text) if found[1] == language
    ]


def shell_lines(page: str) -> list[str]:
    """Return the lines of a page's indented blocks, which are for a shell; what goes on behind a `\\` is one line."""
    text = _FENCED.sub("", PAGES[page])
    return [
        line.strip()
        for block in _INDENTED.findall(text)
        for line in block.replace("\\\n", " ").splitlines()
        if line.strip() and not line.strip().startswith("#")
    ]


def spans(page: str) -> list[str]:
    """Return what stands between single backticks in the text of a page, on one line each."""
    text = _INDENTED.sub("", _FENCED.sub("", PAGES[page]))
    return [" ".join(found.split()) for found in re.findall(r"(?<!`)`([^`]+)`(?!`)", text)]


def commands() -> Iterator[tuple[str, str]]:
    """Yield every command of autopeft, in blocks and in the text, with its page."""
    for page in PAGES:
        parts = [part for line in shell_lines(page) for part in re.split(r"&&", line.partition("  #")[0])]
        for command in (*(part.strip() for part in parts), *spans(page)):
            if command.startswith("autopeft "):
                yield page, command


def named(pattern: str, pages: Sequence[str] = tuple(PAGES)) -> set[str]:
    """Return what a pattern finds in pages."""
    return {found for page in pages for found in re.findall(pattern, PAGES[page])}


def links(page: str) -> list[str]:
    """Return the targets of a page's links that lead to files or headings of the repository."""
    text = _FENCED.sub("", PAGES[page])
    return [found for found in re.findall(r"\]\(([^()\s]+)\)", text) if not re.match(r"[a-z]+:", found)]


def anchors(text: str) -> set[str]:
    """Return the anchors of the headings of a page."""
    heads = re.findall(r"^#+ (.*)$", _FENCED.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}
