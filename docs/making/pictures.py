"""Draw the pictures of "How it works": `python -m docs.making.pictures` writes them to docs/pictures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape
from pathlib import Path
from typing import NamedTuple

__all__ = ["PICTURES", "main"]

_FOLDER = Path(__file__).resolve().parents[1] / "pictures"
_INK, _PAPER, _LINE = "#1f2933", "#ffffff", "#52606d"
#: What is given, what is done, what is kept.
GIVEN, DONE, KEPT, FROZEN = "#e4e7eb", "#d0e2ff", "#d3f2e0", "#f5f7fa"


class Box(NamedTuple):
    """A rectangle with lines of text; coordinates in pixels, the corner at the top left."""

    x: int
    y: int
    width: int
    height: int
    lines: tuple[str, ...]
    fill: str = DONE


class Arrow(NamedTuple):
    """A line from one point to another, with a word beside it, and a head at its end."""

    x1: int
    y1: int
    x2: int
    y2: int
    word: str = ""
    head: bool = True


class Said(NamedTuple):
    """Text without a box around it, centred."""

    x: int
    y: int
    text: str


def picture(title: str, width: int, height: int, parts: Iterable[Box | Arrow | Said]) -> str:
    """Return an SVG of boxes, arrows and words, on white, so that it can be read on a dark page too."""
    drawn = {Box: _box, Arrow: _arrow, Said: _said}
    body = "\n".join(drawn[type(part)](part) for part in parts)  # type: ignore[operator]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'font-family="sans-serif" font-size="14" fill="{_INK}" role="img">\n<title>{escape(title)}</title>\n'
        f'<defs><marker id="end" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto">'
        f'<path d="M0 0L8 4L0 8z" fill="{_LINE}"/></marker></defs>\n'
        f'<rect width="{width}" height="{height}" rx="8" fill="{_PAPER}"/>\n{body}\n</svg>\n'
    )


def _box(box: Box) -> str:
    middle = box.y + box.height / 2 - 9 * (len(box.lines) - 1) + 5
    words = "".join(
        f'<text x="{box.x + box.width / 2:g}" y="{middle + 18 * index:g}" text-anchor="middle">{escape(line)}</text>'
        for index, line in enumerate(box.lines)
    )
    shape = f'<rect x="{box.x}" y="{box.y}" width="{box.width}" height="{box.height}" rx="6"'
    return f'{shape} fill="{box.fill}" stroke="{_LINE}"/>{words}'


def _arrow(arrow: Arrow) -> str:
    end = ' marker-end="url(#end)"' if arrow.head else ""
    line = f'<path d="M{arrow.x1} {arrow.y1}L{arrow.x2} {arrow.y2}" stroke="{_LINE}"{end}/>'
    x, y = (arrow.x1 + arrow.x2) / 2, (arrow.y1 + arrow.y2) / 2 - 7
    beside = "" if arrow.x1 != arrow.x2 else ' dx="8" dy="12"'
    anchor = "middle" if arrow.x1 != arrow.x2 else "start"
    word = f'<text x="{x:g}" y="{y:g}"{beside} text-anchor="{anchor}" font-size="12">{escape(arrow.word)}</text>'
    return line + (word if arrow.word else "")


def _said(said: Said) -> str:
    return f'<text x="{said.x}" y="{said.y}" text-anchor="middle" font-size="12">{escape(said.text)}</text>'


def _search() -> str:
    return picture(
        "The way of a search",
        860,
        330,
        [
            Box(20, 70, 130, 80, ("plan:", "model, data,", "space, budget"), GIVEN),
            Arrow(150, 110, 208, 110),
            Box(210, 80, 120, 60, ("sampler",)),
            Arrow(330, 110, 458, 110, "configuration"),
            Box(460, 60, 160, 100, ("workers:", "adapt, train,", "measure on", "validation")),
            Arrow(620, 110, 708, 110, "outcome"),
            Box(710, 80, 130, 60, ("study",), KEPT),
            Arrow(775, 80, 775, 40, head=False),
            Arrow(775, 40, 270, 40, "what was tried", head=False),
            Arrow(270, 40, 270, 78),
            Arrow(740, 140, 740, 228, "what nothing"),
            Said(782, 206, "surpasses"),
            Box(710, 230, 130, 60, ("front",), KEPT),
            Arrow(710, 260, 622, 260),
            Box(460, 215, 160, 90, ("selection:", "several seeds,", "measured on test")),
            Arrow(460, 260, 332, 260, "verdict, pick"),
            Box(210, 230, 120, 60, ("train, export",), KEPT),
        ],
    )


def _rungs() -> str:
    rungs = {"1/16": 90, "1/8": 160, "1/4": 280, "1/2": 480, "end": 820}
    rows = (("reaches its end", 5, KEPT), ("stopped at 1/4", 3, DONE), ("stopped at 1/16", 1, DONE))
    places = list(rungs.values())
    parts: list[Box | Arrow | Said] = [Said(x, 24, name) for name, x in rungs.items()]
    for index, (said, reached, fill) in enumerate(rows):
        width = places[reached - 1] - 20
        words = (said,) if width > 100 else ()
        parts.append(Box(20, 40 + 60 * index, width, 40, words, fill))
        if not words:
            parts.append(Said(20 + width + 60, 65 + 60 * index, said))
    parts.append(Said(430, 230, "a trial is measured at each mark, and stopped where the front is out of reach"))
    return picture("Trials are measured at rungs", 860, 250, parts)


def _shared() -> str:
    layers = [Box(330, 180 - 40 * index, 200, 34, (f"layer {index}",), FROZEN) for index in range(2)]
    adapted = [
        Box(330, 180 - 40 * index, 200, 34, (said,), DONE)
        for index, said in ((2, "layer 2 with an adapter"), (3, "layer 3"))
    ]
    return picture(
        "Layers below the lowest adapter are computed once",
        860,
        250,
        [
            Box(40, 180, 200, 34, ("examples",), GIVEN),
            Arrow(240, 197, 328, 197),
            *layers,
            *adapted,
            Box(620, 140, 200, 74, ("what layer 1 hands on,", "kept for the steps", "and trials to come"), KEPT),
            Arrow(530, 157, 618, 157, "once"),
            Arrow(620, 145, 532, 117),
            Box(620, 60, 200, 34, ("task head",), DONE),
            Arrow(530, 77, 618, 77),
        ],
    )


#: The pictures by the name of their file.
PICTURES: Mapping[str, str] = {"search.svg": _search(), "rungs.svg": _rungs(), "shared.svg": _shared()}


def main() -> None:
    """Write every picture."""
    _FOLDER.mkdir(exist_ok=True)
    for name, drawn in PICTURES.items():
        (_FOLDER / name).write_text(drawn, encoding="utf8")


if __name__ == "__main__":
    main()
