"""Pieces of the Python on cards."""

from __future__ import annotations

from autopeft.backbones import Backbone

__all__ = ["ALONE", "OTHER", "TEXTS", "trusting"]

#: Two texts of different length.
TEXTS = '["A short text.", "Another text, which is a little longer than the first one."]'

#: What each is compared with, where pairs are read.
OTHER = '"What it is compared with."'

#: Said where inputs are read one by one.
ALONE = [
    "# One at a time: PEFT's prompts stand before the padding of short texts, where they would be read otherwise.",
]


def trusting(backbone: Backbone) -> str:
    """Return what lets code run that the model brings, as a further argument."""
    return ", trust_remote_code=True" if backbone.runs_own_code else ""
