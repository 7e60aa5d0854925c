"""The report of a run while it runs: served on loopback, read from the study."""

from autopeft.reporting.live.server import LiveServer
from autopeft.reporting.live.state import Live

__all__ = ["Live", "LiveServer"]
