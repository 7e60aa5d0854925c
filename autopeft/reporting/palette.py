"""How marks look, on paper and on screen.

The colours hold a contrast of 3:1 on white and on the page's dark ground, and are told apart by those who see few
colours, as are the shapes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["HUES", "STYLES", "Shape", "Style", "series"]

Shape = Literal["circle", "square", "diamond", "triangle", "cross", "ring"]


@dataclass(frozen=True)
class Style:
    """The look of a mark.

    Args:
        colour: As `#rrggbb`.
        shape: Of points.
        size: Diameter of points, in pixels of the screen.
        width: Of lines, in pixels of the screen.
        stepped: Whether a line's corners are points of it that are worth a dot.
    """

    colour: str
    shape: Shape = "circle"
    size: int = 8
    width: float = 1.5
    stepped: bool = False


BLUE, GREY, ORANGE, GREEN, PURPLE, RED, TEAL = (
    "#2f7fd6",
    "#8a9099",
    "#d1622b",
    "#2b9a66",
    "#9a5fd0",
    "#d64550",
    "#1f949c",
)

#: Colours in the order in which things that have no meaning of their own take them.
HUES = (BLUE, ORANGE, GREEN, PURPLE, TEAL, RED)

STYLES: dict[str, Style] = {
    "front": Style(BLUE, size=11, width=2),
    "dominated": Style(GREY),
    "over-budget": Style(GREY, "ring", 9),
    "stopped": Style(GREEN, "triangle", 9),
    "failed": Style(RED, "cross", 9),
    "lost": Style(TEAL, "cross", 9),
    "head-only": Style(ORANGE, "square", 11),
    "stock-lora": Style(ORANGE, "diamond", 12),
    "all-linear": Style(ORANGE, "triangle", 12),
    "low-rank": Style(ORANGE, "ring", 11),
    "low-rank-all": Style(ORANGE, size=9),
    "finalist": Style(PURPLE, "diamond", 9, 2),
    "knee": Style(BLUE, "ring", 20),
    "bar": Style(BLUE),
    "growth": Style(BLUE, width=2, size=5, stepped=True),
    "faint": Style(GREY, width=1),
}


def series(index: int) -> str:
    """Return the style of the run of this number where runs are held against each other."""
    return f"series-{index % len(HUES)}"


_SHAPES: tuple[Shape, ...] = ("circle", "diamond", "square", "triangle", "cross", "ring")

STYLES |= {
    series(index): Style(hue, shape, 10, 2) for index, (hue, shape) in enumerate(zip(HUES, _SHAPES, strict=True))
}
