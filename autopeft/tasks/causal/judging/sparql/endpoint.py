"""Ask a graph, whose process is kept for the next query."""

from __future__ import annotations

import atexit
import json
import subprocess
import sys
from functools import cache, lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from autopeft.errors import DataError

__all__ = ["QueryError", "found_by"]

_SERVE = Path(__file__).with_name("serve.py")

#: Queries whose results are kept, for each is asked again of every model.
_KEPT = 4096


class QueryError(Exception):
    """A query that finds nothing, for it cannot be run."""


@lru_cache(_KEPT)
def found_by(query: str, graph: str) -> frozenset[tuple[str | None, ...]]:
    """Return the rows that a query finds in a graph, each in the order of its columns.

    Args:
        query: In SPARQL.
        graph: Path of a file that rdflib reads.

    Raises:
        DataError: When rdflib is not installed, or the graph cannot be read.
        QueryError: When it is no query that finds rows, asks for another graph, fails or takes too long.
    """
    found = _endpoint(graph).ask(query)
    if "fault" in found:
        raise QueryError(found["fault"])
    return frozenset(map(tuple, found["rows"]))


class _Endpoint:
    """The process of a graph; started when it is asked, and anew where it has ended."""

    def __init__(self, graph: str) -> None:
        self._graph = graph
        self._process: subprocess.Popen[str] | None = None

    def ask(self, query: str) -> dict[str, Any]:
        """Return what the process says of a query."""
        process = self._process
        if process is None or process.poll() is not None:
            process = self._started()
        assert process.stdin is not None
        process.stdin.write(json.dumps(query) + "\n")
        process.stdin.flush()
        found = _said(process)
        if found is None:
            self._process = None
            return {"fault": "it takes too long, or too much memory"}
        return found

    def _started(self) -> subprocess.Popen[str]:
        if find_spec("rdflib") is None:
            raise DataError(
                "queries in SPARQL are run by rdflib, which is not installed: run `pip install 'autopeft[sparql]'`"
            )
        process = subprocess.Popen(
            [sys.executable, "-P", str(_SERVE), self._graph],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            encoding="utf8",
        )
        atexit.register(process.kill)
        found = _said(process)
        if found is None or "fault" in found:
            why = "the process that reads it ended" if found is None else found["fault"]
            raise DataError(
                f"cannot read the graph {self._graph}: {why}; expected a file that rdflib reads, such as Turtle (.ttl)"
            )
        self._process = process
        return process


def _said(process: subprocess.Popen[str]) -> dict[str, Any] | None:
    """Return what a process says next; None where it has ended."""
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line.endswith("\n"):
        process.kill()
        process.wait()
        return None
    found: dict[str, Any] = json.loads(line)
    return found


@cache
def _endpoint(graph: str) -> _Endpoint:
    return _Endpoint(graph)
