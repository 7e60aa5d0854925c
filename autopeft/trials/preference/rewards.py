"""Implicit rewards of answers: how much likelier they are than under the untouched model.

Rafailov et al. 2023, "Direct Preference Optimization: Your Language Model is Secretly a Reward Model",
arXiv:2305.18290.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch.nn.functional import logsigmoid
from transformers import PreTrainedModel

from autopeft.methods.builder import applied, is_adapted
from autopeft.methods.kind_knobs import beta_in
from autopeft.tasks import IGNORED
from autopeft.trials.causal.learned import Learned
from autopeft.trials.faults import DivergedError
from autopeft.trials.kind import Batch, Feed
from autopeft.trials.preference.pairs import PairBatch

__all__ = ["Rewarded", "beta_of", "dpo_loss", "gains", "log_probabilities", "rewarded"]

#: Nats by which log-probabilities of one model may differ, being summed in another order.
_ROUNDING = 1e-3


def log_probabilities(model: PreTrainedModel, batch: Batch, device: torch.device, precision: str) -> torch.Tensor:
    """Return the log-probability of the answer in each row of a batch, summed over its tokens, float32 `[batch]`."""
    learned = (batch["labels"][:, 1:] != IGNORED).to(device)
    each = -Learned(model, batch, device, precision).losses()
    # Summed row by row, not added to places one by one, whose order a GPU does not keep.
    return torch.zeros(learned.shape, device=device).masked_scatter(learned, each).sum(dim=1)


def gains(model: PreTrainedModel, batch: Batch, device: torch.device, precision: str) -> torch.Tensor:
    """Return by how much more a model than its reference favours the better answer of each pair, in nats, `[pairs]`."""
    assert isinstance(batch, PairBatch)
    assert batch.reference is not None, "the untouched model has to be asked before anything is put into it"
    ratios = log_probabilities(model, batch, device, precision) - batch.reference.to(device)
    return ratios[0::2] - ratios[1::2]


def dpo_loss(gained: torch.Tensor, beta: float) -> torch.Tensor:
    """Return the mean loss of pairs (equation 7 of the paper).

    Args:
        gained: What `gains` returned, `[pairs]`.
        beta: How strongly the model keeps to its reference.
    """
    return -logsigmoid(beta * gained).mean()


def beta_of(model: PreTrainedModel) -> float:
    """Return the beta of the configuration that a model is adapted by, or the usual one."""
    return beta_in(applied(model).configuration.training if is_adapted(model) else {})


class Rewarded(NamedTuple):
    """What a model makes of pairs.

    Args:
        gained: By how much more than its reference it favours the better answer of each pair, in nats, `[pairs]`.
        beta: By what that is multiplied to be a reward.
    """

    gained: np.ndarray
    beta: float

    @property
    def right(self) -> np.ndarray:
        """For each pair 1 where the better answer has the higher reward, 0 where the worse, 0.5 for equal ones."""
        return np.where(np.abs(self.gained) <= _ROUNDING, 0.5, self.gained > 0)

    @property
    def figures(self) -> dict[str, float]:
        """The share of pairs that are ranked right, the mean difference of rewards, and the loss."""
        margins = self.beta * self.gained
        return {
            "accuracy": float(self.right.mean()),
            "margin": float(margins.mean()),
            "loss": float(np.logaddexp(0.0, -margins).mean()),
        }


@torch.inference_mode()
def rewarded(model: PreTrainedModel, split: Sequence[tuple[np.ndarray, Batch]], precision: str, feed: Feed) -> Rewarded:
    """Return what a model makes of the pairs of batches, each with the rows it holds, in the order of the rows.

    Raises:
        DivergedError: When a log-probability is not finite.
    """
    device = next(model.parameters()).device
    found, first = [], []
    for rows, batch in split:
        feed(rows, batch["input_ids"].shape[1])
        found.append(gains(model, batch, device, precision).double().cpu().numpy())
        first.append(rows[0::2])
    gained = np.concatenate(found)[np.argsort(np.concatenate(first))]
    if not np.isfinite(gained).all():
        raise DivergedError("the log-probabilities of answers are not finite")
    return Rewarded(gained, beta_of(model))
