"""Searches in the trackers that people look at experiments in: a run for each trial, and one for the front."""

from autopeft.reporting.trackers.tracking import TRACKERS, Tracker, Tracking, trackers_of

__all__ = ["TRACKERS", "Tracker", "Tracking", "trackers_of"]
