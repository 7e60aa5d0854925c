"""Why a trial can end without a result, other than by an error."""

from __future__ import annotations

__all__ = ["DivergedError", "OutOfTimeError"]


class DivergedError(Exception):
    """A loss or a logit is not finite."""


class OutOfTimeError(Exception):
    """The deadline has passed."""
