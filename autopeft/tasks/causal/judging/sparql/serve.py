"""The process that answers queries about one graph, run as a script: `serve.py GRAPH`.

Reads a query on each line of standard input, as JSON, and writes what it finds on a line of standard output:
`{"rows": [[...], ...]}` or `{"fault": "..."}`; at the beginning an empty object when the graph has been read. The
kernel ends it where a query takes too long, or too much memory.
"""

from __future__ import annotations

import json
import re
import resource
import signal
import sys
from typing import Any

import rdflib
from rdflib.plugins import sparql
from rdflib.plugins.sparql.algebra import translateQuery
from rdflib.plugins.sparql.parser import parseQuery
from rdflib.plugins.sparql.parserutils import CompValue

#: Seconds for one query, and bytes of address space for the process.
SECONDS, MEMORY = 10.0, 4 * 2**30

_VARIABLE = re.compile(r"[?$](\w+)")


def main(path: str) -> None:
    """Answer queries until standard input ends."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    sys.addaudithook(_refuse_hosts)
    # No query brings in another graph.
    sparql.SPARQL_LOAD_GRAPHS = False
    graph = rdflib.Graph()
    try:
        graph.parse(path)
    except Exception as error:
        _say({"fault": _first_line(error)})
        return
    _say({})
    for line in sys.stdin:
        signal.setitimer(signal.ITIMER_REAL, SECONDS)
        try:
            found: dict[str, Any] = {"rows": _rows(graph, json.loads(line))}
        except Exception as error:
            found = {"fault": _first_line(error)}
        signal.setitimer(signal.ITIMER_REAL, 0)
        _say(found)


def _refuse_hosts(event: str, args: Any) -> None:
    """Refuse what a graph, or a query, would fetch: a JSON-LD context is an address of anybody's choice."""
    if event in ("urllib.Request", "socket.connect", "socket.getaddrinfo"):
        raise PermissionError("it asks for what is not in the file")


def _rows(graph: rdflib.Graph, text: str) -> list[list[str | None]]:
    """Return the rows that a query finds, each in the order of its columns, without types and languages.

    Where a query asks for all columns (`SELECT *`), they have the order in which it names them.

    Raises:
        Exception: It is no query that finds rows, asks for what is not in the graph, or fails.
    """
    parsed = parseQuery(text)
    everything = parsed[1].name == "SelectQuery" and not parsed[1].projection
    query = translateQuery(parsed, initNs=dict(graph.namespaces()))
    if query.algebra.datasetClause or any(node.name == "ServiceGraphPattern" for node in _nodes(query.algebra)):
        raise ValueError("it asks for another graph than that of the data")
    found = graph.query(query)
    if found.type == "ASK":
        return [[str(found.askAnswer)]]
    if found.type != "SELECT":
        raise ValueError("it finds no rows")
    columns = list(found.vars or ())
    if everything:
        # rdflib has them in the order of a set, which differs by their names and from process to process.
        named = dict.fromkeys(map(rdflib.Variable, _VARIABLE.findall(text)))
        columns = [name for name in named if name in columns]
    return [[None if row[name] is None else str(row[name]) for name in columns] for row in found]


def _nodes(value: Any) -> Any:
    """Yield the nodes of a query's algebra."""
    if isinstance(value, CompValue):
        yield value
    for each in value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple | set) else ():
        yield from _nodes(each)


def _say(found: dict[str, Any]) -> None:
    print(json.dumps(found), flush=True)


def _first_line(error: Exception) -> str:
    return next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)


if __name__ == "__main__":
    main(sys.argv[1])
