"""What mkdocs calls: pages are brought in, parts are made of the code, and nothing is fetched from elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from docs.making.links import TOP, moved, site_path, source_of, targets
from docs.making.outside import fetched, fetched_by_style
from docs.making.words import PARTS

__all__ = ["on_files", "on_page_markdown", "on_post_build"]

#: Pages that lie elsewhere in the repository.
_BROUGHT = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "studies/*/README.md")

_MADE = re.compile(r"<!-- made: ([a-z ]+) -->")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that lie elsewhere, and every file that a page links to."""
    pages = [path.relative_to(TOP).as_posix() for pattern in _BROUGHT for path in sorted(TOP.glob(pattern))]
    for page in pages:
        files.append(File.generated(config, site_path(page), content=(TOP / page).read_text(encoding="utf8")))
    for path in sorted(set(_linked([*pages, *(source_of(file.src_uri) for file in files.documentation_pages())]))):
        if (uri := site_path(path)) not in files.src_uris and (TOP / source_of(uri)).is_file():
            files.append(File.generated(config, uri, abs_src_path=str(TOP / path)))
    return files


def _linked(pages: list[str]) -> Iterator[str]:
    for page in pages:
        yield from targets((TOP / page).read_text(encoding="utf8"), page)


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Put in what is made of the code, and let links lead to where things are on the site."""
    made = _MADE.sub(lambda match: PARTS[match[1]](), markdown)
    return moved(made, page.file.src_uri)


def on_post_build(config: MkDocsConfig) -> None:
    """Refuse a site that fetches anything from elsewhere."""
    site = Path(config.site_dir)
    found = {path: fetched(path.read_text(encoding="utf8")) for path in site.rglob("*.html")}
    found |= {path: fetched_by_style(path.read_text(encoding="utf8")) for path in site.rglob("*.css")}
    said = [f"{path.relative_to(site)} fetches {address}" for path, all_of in found.items() for address in all_of]
    if said:
        raise PluginError("\n".join(said))
