"""Links between files of the repository, as the site has them.

In the repository every link is a path from the file it stands in, so that pages can be read there too. On the site the
pages of `docs` lie at the top, beside those that are brought in: README as `index.md`, `CONTRIBUTING.md`, and each
study's README under its own path.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator
from pathlib import Path

__all__ = ["TOP", "moved", "site_path", "source_of", "targets"]

TOP = Path(__file__).resolve().parents[2]

_LINK = re.compile(r"(?P<text>!?\[(?:[^\[\]]|\[[^\]]*\])*\])\((?P<target>[^()\s]+)\)")
_ELSEWHERE = re.compile(r"[a-z]+:|#")


def source_of(uri: str) -> str:
    """Return the path in the repository of what has this path on the site."""
    if uri == "index.md":
        return "README.md"
    return f"docs/{uri}" if (TOP / "docs" / uri).is_file() else uri


def site_path(path: str) -> str:
    """Return the path on the site of a file of the repository; a folder stands for its README."""
    if (TOP / path).is_dir() and (TOP / path / "README.md").is_file():
        path = posixpath.join(path, "README.md")
    return "index.md" if path == "README.md" else path.removeprefix("docs/")


def targets(text: str, source: str) -> Iterator[str]:
    """Yield the paths in the repository that a page links to, whether they are there or not.

    Args:
        text: Its Markdown.
        source: Its path in the repository.
    """
    for match in _LINK.finditer(text):
        if not _ELSEWHERE.match(match["target"]):
            yield _resolved(match["target"].partition("#")[0], source)


def moved(text: str, uri: str) -> str:
    """Return the Markdown of a page with links as they are on the site.

    Args:
        text: Its Markdown, as it lies in the repository.
        uri: Its path on the site.
    """
    return _LINK.sub(_mover(uri), text)


def _mover(uri: str) -> Callable[[re.Match[str]], str]:
    source = source_of(uri)

    def move(match: re.Match[str]) -> str:
        if _ELSEWHERE.match(match["target"]):
            return match[0]
        path, sign, anchor = match["target"].partition("#")
        there = site_path(_resolved(path, source))
        return f"{match['text']}({posixpath.relpath(there, posixpath.dirname(uri) or '.')}{sign}{anchor})"

    return move


def _resolved(target: str, source: str) -> str:
    return posixpath.normpath(posixpath.join(posixpath.dirname(source), target))
