"""Reports as web pages of one file each: figures, styles and scripts are in them, and nothing is fetched."""

from autopeft.reporting.page.render import Section, render, section

__all__ = ["Section", "render", "section"]
