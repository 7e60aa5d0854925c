"""The report of a run while it runs: served on loopback, read from the study."""

from autopeft.report.live.server import LiveServer
from autopeft.report.live.state import Live

__all__ = ["Live", "LiveServer"]
