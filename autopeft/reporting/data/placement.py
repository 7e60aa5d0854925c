"""Where configurations put their parameters: layer by layer and role by role."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from autopeft.costs import Costs
from autopeft.errors import AutopeftError
from autopeft.methods import VOCABULARY
from autopeft.reporting.chart import Absent
from autopeft.reporting.run import Run
from autopeft.space import Configuration
from autopeft.space.canonical import build
from autopeft.space.placement import Cell, cells

__all__ = ["Placement", "Placements", "parameter_placement"]

#: Configurations shown one by one at most, the most accurate of them.
_MOST = 8

#: Learning rates do not count.
_TRAINING: Mapping[str, float] = {}


@dataclass(frozen=True)
class Placement:
    """Where one configuration has its parameters.

    Args:
        name: `trial-12`, or the name of a baseline.
        in_words: The configuration in words.
        params: All its trainable parameters.
        shares: For each (row, layer) the part of them that is there; rows are roles, and methods that are placed
            layer by layer. Layer -1 is the model as a whole.
    """

    name: str
    in_words: str
    params: int
    shares: Mapping[tuple[str, int], float]


@dataclass(frozen=True)
class Placements:
    """Where the chosen configurations of a run have their parameters.

    Args:
        finalists: Whether they are the finalists; else they are the front.
        rows: The roles of the backbone, then the methods placed otherwise.
        layers: Number of layers.
        mean: The mean share of each (row, layer) over all of them.
        each: The most accurate of them, by rising cost.
        count: How many there are in all.
    """

    finalists: bool
    rows: tuple[str, ...]
    layers: int
    mean: Mapping[tuple[str, int], float]
    each: tuple[Placement, ...]
    count: int


def parameter_placement(run: Run) -> Placements | Absent:
    """Return where the finalists, or else the configurations of the front, put their parameters; baselines aside.

    Counted exactly, place by place. Parameters that places share are spread over them evenly.
    """
    if isinstance(run.backbone, Absent):
        return run.backbone
    chosen = list(_chosen(run))
    if not chosen:
        return Absent("neither a finalist nor the front has a configuration with adapters")
    costs = Costs(run.backbone)
    try:
        placed = [
            (accuracy, Placement(name, one.describe(), costs.params(one), _shares(one, costs)))
            for name, one, accuracy in chosen
        ]
    except AutopeftError as error:
        return Absent(f"parameters cannot be counted place by place: {error}")
    found = {row for _, each in placed for row, _ in each.shares}
    rows = (*run.backbone.shape.roles, *sorted(found - set(run.backbone.shape.roles)))
    keys = {key for _, each in placed for key in each.shares}
    mean = {key: sum(each.shares.get(key, 0.0) for _, each in placed) / len(placed) for key in keys}
    best = sorted(placed, key=lambda pair: -pair[0])[:_MOST]
    shown = tuple(sorted((each for _, each in best), key=lambda each: each.params))
    return Placements(run.finalists is not None, rows, run.backbone.shape.layers, mean, shown, len(placed))


def _chosen(run: Run) -> Iterable[tuple[str, Configuration, float]]:
    """Yield name, configuration and accuracy of those to show."""
    if run.finalists is not None:
        for finalist in run.finalists.finalists:
            if finalist.baseline is None:
                yield finalist.name, Configuration.from_dict(finalist.configuration), finalist.validation.mean
        return
    for row in run.result.front.rows:
        if row.baseline is None:
            yield f"trial-{row.trial}", Configuration.from_dict(row.configuration), row.accuracy


def _shares(configuration: Configuration, costs: Costs) -> dict[tuple[str, int], float]:
    """Return what part of a configuration's parameters is at each row and layer."""
    counts: dict[tuple[str, int], float] = {}
    for method, places in cells(configuration, VOCABULARY).items():
        alone = {cell: costs.params(_only(method, {cell: knobs})) for cell, knobs in places.items()}
        # Where places share parameters, they have fewer together than one by one.
        spread = costs.params(_only(method, places)) / max(sum(alone.values()), 1)
        for cell, count in alone.items():
            key = (cell.role or method, cell.layer)
            counts[key] = counts.get(key, 0.0) + spread * count
    total = sum(counts.values()) or 1.0
    return {key: count / total for key, count in counts.items()}


def _only(method: str, places: Mapping[Cell, Mapping[str, object]]) -> Configuration:
    return build({method: places}, _TRAINING, VOCABULARY)
