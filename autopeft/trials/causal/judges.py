"""The metrics that answers are judged by in trials of a task."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from autopeft.errors import AutopeftError
from autopeft.tasks.causal import ANSWER_METRICS, Judged

__all__ = ["Judges"]


class Judges:
    """The usual metrics of answers, and that of the task; that alone where it looks at several texts.

    Args:
        metric: What the task is judged by.
        allow_code: Whether code that models write may be run.
    """

    def __init__(self, metric: str | None, allow_code: bool) -> None:
        own = {name: each for name, each in ANSWER_METRICS.items() if name == metric}
        #: How many texts a model writes to each prompt.
        self.candidates = max((each.candidates for each in own.values()), default=1)
        usual = {name: each for name, each in ANSWER_METRICS.items() if each.usual}
        # The likeliest of several beams is not what a model writes greedily.
        self.metrics = own if self.candidates > 1 else usual | own
        self._allow_code = allow_code

    def check_allowed(self) -> None:
        """Check that no metric runs code unless it may.

        Raises:
            AutopeftError: One does.
        """
        running = [name for name, each in self.metrics.items() if each.runs_code]
        if running and not self._allow_code:
            raise AutopeftError(
                f"the metric {running[0]} runs code that models write, in a sandbox on this machine; add --allow-code "
                "if that may be (allow_code=True in Python). A YAML file cannot allow it"
            )

    def check(self, judged: Sequence[Judged]) -> None:
        """Check that all is there to judge answers by.

        Args:
            judged: What they will be held against.

        Raises:
            AutopeftError: Code may not run, something is not installed, or what was wanted will not do.
        """
        self.check_allowed()
        for metric in self.metrics.values():
            metric.check(judged)

    def scores(self, texts: Sequence[Sequence[str]], judged: Sequence[Judged]) -> dict[str, NDArray[np.float64]]:
        """Return for each metric a score of each example; their mean is the metric.

        Args:
            texts: What a model wrote to each prompt, the likeliest first.
            judged: What that is held against.
        """
        found = {}
        for name, metric in self.metrics.items():
            scores = np.array([metric.best(*each) for each in zip(texts, judged, strict=True)], float)
            if metric.weight is not None:
                weights = np.array([beside[metric.weight] for _, beside in judged], float)
                scores *= weights / weights.mean()
            found[name] = scores
        return found
