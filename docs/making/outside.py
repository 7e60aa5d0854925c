"""What a page of the site would fetch from elsewhere: nothing, or the site is not built."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser

__all__ = ["fetched", "fetched_by_style"]

#: Attributes whose addresses a browser loads by itself; those of `a` and of forms it does not.
_LOADED = {"src", "srcset", "data", "poster", "href"}
_FOLLOWED = {"a", "base", "area"}
#: Of links in the head, those that only say something.
_SAID = {"canonical", "prev", "next", "edit", "alternate"}
_OUTSIDE = re.compile(r"\s*(?:https?:)?//", re.IGNORECASE)
_STYLE = re.compile(r"(?:url\(\s*[\"']?|@import\s+[\"'])(?P<address>(?:https?:)?//[^\"')]+)", re.IGNORECASE)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = dict(attrs)
        if tag in _FOLLOWED or (tag == "link" and said.get("rel") in _SAID):
            return
        self.found += [value for name, value in attrs if name in _LOADED and value and _OUTSIDE.match(value)]
        self.found += fetched_by_style(said.get("style") or "")


def fetched(page: str) -> list[str]:
    """Return the addresses outside the site that a browser would load to show an HTML page."""
    reader = _Reader()
    reader.feed(page)
    return [*reader.found, *(each for style in _styles(page) for each in fetched_by_style(style))]


def fetched_by_style(text: str) -> list[str]:
    """Return the addresses outside the site that a style sheet loads."""
    return [match["address"] for match in _STYLE.finditer(text)]


def _styles(page: str) -> Iterator[str]:
    yield from re.findall(r"<style[^>]*>(.*?)</style>", page, re.DOTALL)
