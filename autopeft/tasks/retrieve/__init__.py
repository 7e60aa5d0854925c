"""Tasks of retrieval: documents are found for a query by vectors that stand for texts."""

from autopeft.tasks.retrieve.kind import METRICS, POOLINGS, PROMPTED, Retrieve, Vectors

__all__ = ["METRICS", "POOLINGS", "PROMPTED", "Retrieve", "Vectors"]
