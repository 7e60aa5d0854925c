"""Whether queries in SPARQL find the same in a graph."""

from autopeft.tasks.causal.judging.sparql.metric import RELAXED_EM

__all__ = ["RELAXED_EM"]
