"""A sampler that proposes in some spans of a long search, and draws at random the trials between them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

__all__ = ["SPANS", "InSpans"]

#: The trials that the sampler proposes: what it costs depends on how many there are, so the others need only be there.
SPANS = ((0, 800), (1_900, 2_500), (4_400, 5_000), (9_400, 10_000))


class InSpans(BaseSampler):
    """Ask one sampler for the trials of the spans and another for those between.

    Args:
        inside: What is measured.
        between: What is cheap.
    """

    def __init__(self, inside: BaseSampler, between: BaseSampler) -> None:
        self._inside, self._between = inside, between

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """Return what the sampler of a trial does."""
        return self._of(trial).infer_relative_search_space(study, trial)

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Let the sampler of a trial propose it."""
        return self._of(trial).sample_relative(study, trial, search_space)

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """Let the sampler of a trial draw a parameter."""
        return self._of(trial).sample_independent(study, trial, param_name, param_distribution)

    def after_trial(self, study: Study, trial: FrozenTrial, state: TrialState, values: Sequence[float] | None) -> None:
        """Tell the sampler of a trial how it ended."""
        self._of(trial).after_trial(study, trial, state, values)

    def _of(self, trial: FrozenTrial) -> BaseSampler:
        return self._inside if any(start <= trial.number < end for start, end in SPANS) else self._between
