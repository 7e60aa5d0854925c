"""Relaxed exact match of queries in SPARQL: what they find is compared (Pan et al. 2025, arXiv:2508.10467)."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from autopeft.errors import DataError
from autopeft.tasks.causal.judging.beside import Beside, Column
from autopeft.tasks.causal.judging.fences import unfenced
from autopeft.tasks.causal.judging.metric import AnswerMetric, Judged
from autopeft.tasks.causal.judging.sparql.endpoint import QueryError, found_by
from autopeft.tasks.causal.spot import Spot
from autopeft.tasks.tables import leads_outside

__all__ = ["RELAXED_EM"]

_GRAPH = "graph"


def _relaxed_em(text: str, wanted: str, beside: Beside) -> float:
    """Tell whether two queries find the same set of rows: 1.0 or 0.0, which is that of a query that fails.

    The order of rows, repeated rows, names of variables and types of values do not count; the order of columns does.
    """
    try:
        return float(found_by(unfenced(text), beside[_GRAPH]) == found_by(unfenced(wanted), beside[_GRAPH]))
    except QueryError:
        return 0.0


def _check(judged: Sequence[Judged]) -> None:
    """Refuse queries of the data that fail themselves."""
    for wanted, beside in judged:
        try:
            found_by(unfenced(wanted), beside[_GRAPH])
        except QueryError as error:
            raise DataError(
                f"a query of the data cannot be run on {beside[_GRAPH]}: {error}; it reads {wanted[:200]!r}. Mend it, "
                "or use another metric"
            ) from None


def _graph_in(value: Any, spot: Spot, folder: Path) -> str:
    """Return the path of the graph that a cell names."""
    path = folder / Path(spot.text(value).strip()).expanduser()
    if leads_outside(folder, path):
        raise DataError(
            f"{spot}: found {str(value)!r}, which leads out of {folder.resolve()}; expected the path of a file in there"
        )
    if not path.is_file():
        raise DataError(f"{spot}: found {str(value)!r}; expected the path of a file, from {folder.resolve()} on")
    return str(path.resolve())


@cache
def _content_of(path: str) -> str:
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


RELAXED_EM = AnswerMetric(
    _relaxed_em, columns=(Column(_GRAPH, _graph_in, identity=_content_of, is_file=True),), check=_check
)
