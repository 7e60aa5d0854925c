"""The chart of where parameters are: layers against roles."""

from __future__ import annotations

from collections.abc import Mapping

from autopeft.reporting.chart import Absent, Axis, Cells, Chart, Panel
from autopeft.reporting.data.placement import Placements, parameter_placement
from autopeft.reporting.run import Run
from autopeft.reporting.table import percent

__all__ = ["placement_chart"]

#: Labels of the axis of layers at most.
_LABELS = 12


def placement_chart(run: Run) -> Chart | Absent:
    """Draw the mean over the chosen configurations, then each of them."""
    found = parameter_placement(run)
    if isinstance(found, Absent):
        return found
    who = "finalists" if found.finalists else "configurations of the front"
    caption = (
        f"Where the {who} put their trainable parameters: the stronger the colour of a cell, the larger its part of "
        "them. Parameters that places share are spread over them evenly."
    )
    panels = [_panel(found, f"mean of {found.count} {who}", found.mean)] if found.count > 1 else []
    panels += [
        _panel(found, f"{each.name}: {each.params:,} parameters, {each.in_words}", each.shares) for each in found.each
    ]
    if found.count > len(found.each):
        caption += f" Of {found.count}, the {len(found.each)} most accurate are shown one by one."
    return Chart(caption, tuple(panels))


def _panel(found: Placements, title: str, shares: Mapping[tuple[str, int], float]) -> Panel:
    # What is put into the model as a whole has a column of its own, before the layers.
    layers = [*([-1] if any(layer < 0 for _, layer in found.mean) else []), *range(found.layers)]
    rows = found.rows[::-1]
    apart = -(-len(layers) // _LABELS)
    return Panel(
        title,
        Axis("layer", ticks=tuple((i, _layer(layers[i])) for i in range(0, len(layers), apart))),
        Axis("", ticks=tuple(enumerate(rows))),
        (
            Cells(
                [[shares.get((row, layer)) for layer in layers] for row in rows],
                [[_words(row, layer, shares.get((row, layer), 0.0)) for layer in layers] for row in rows],
                max(shares.values(), default=1.0),
            ),
        ),
    )


def _layer(layer: int) -> str:
    return "model" if layer < 0 else str(layer)


def _words(row: str, layer: int, share: float) -> str:
    where = "the model as a whole" if layer < 0 else f"layer {layer}"
    return f"{row}, {where}: {percent(share)} of the parameters"
