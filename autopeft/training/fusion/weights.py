"""How much of a small model's shift a large one takes, and what becomes of its logits (Fan et al. 2024, section 3)."""

from __future__ import annotations

import torch

__all__ = ["EVALUATIONS", "MOST", "fuse_logits", "fusion_weights"]

#: Weights lie between 0, the large model alone, and this.
MOST = 2.0

#: How often the objective is looked at for each token.
EVALUATIONS = 14

#: The first of them, from end to end: bisection alone may end in a dale that is not the deepest.
_COARSE = 9

#: Numbers of logits that are worked on at a time, in fp32.
_AT_ONCE = 2**22


def fuse_logits(
    large: torch.Tensor, tuned: torch.Tensor, untuned: torch.Tensor, weight: float | None = None
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the logits of a large model moved by what training moved a small one: M + a (M_t - M_0).

    Args:
        large: Logits M of the large model, `[tokens, vocabulary]`; -inf where something keeps a token from being told.
        tuned: Those of the trained small model, M_t, all finite.
        untuned: Those of the small model before it was trained, M_0, all finite.
        weight: The same a for all tokens (1: Liu et al. 2024, "Tuning Language Models by Proxy"); solved for each
            when left out.

    Returns:
        Logits in fp32, and the weight of each token, `[tokens]`.
    """
    rows = max(1, _AT_ONCE // large.shape[1])
    logits, weights = [], []
    for each, expert, base in zip(large.split(rows), tuned.split(rows), untuned.split(rows), strict=True):
        each, expert, base = each.float(), expert.float(), base.float()
        if weight is None:
            weights.append(fusion_weights(each, expert, base))
        else:
            weights.append(each.new_full(each.shape[:1], weight))
        logits.append(each + weights[-1][:, None] * (expert - base))
    return torch.cat(logits), torch.cat(weights)


def fusion_weights(large: torch.Tensor, tuned: torch.Tensor, untuned: torch.Tensor) -> torch.Tensor:
    """Return for each token the weight in [0, 2] by which the large model moves as far as the small one was moved.

    With P and Q the large and the small model, Q_t the trained one and P~(a) = softmax(M + a (M_t - M_0)), it
    minimises [KL(P~||P) - KL(Q_t||Q)]^2 + [KL(P||P~) - KL(Q||Q_t)]^2: the best of a few weights, and bisection between
    its neighbours on the derivative. Arguments as for `fuse_logits`, in fp32.
    """
    shift = tuned - untuned
    mine, small = _Path(large, shift), _Path(untuned, shift)
    one = large.new_ones(large.shape[:1])
    forward, backward, *_ = small.divergences(one)
    best, least = torch.zeros_like(one), torch.full_like(one, torch.inf)

    def look(weight: torch.Tensor) -> torch.Tensor:
        """Look at the objective, remember where it is least, and return its derivative, halved."""
        nonlocal best, least
        there, back, slope, slope_back = mine.divergences(weight)
        over, over_back = there - forward, back - backward
        lost = over**2 + over_back**2
        better = lost < least
        best, least = torch.where(better, weight, best), torch.where(better, lost, least)
        return over * slope + over_back * slope_back

    for number in range(_COARSE):
        look(one * (MOST * number / (_COARSE - 1)))
    step = MOST / (_COARSE - 1)
    low, high = (best - step).clamp(min=0), (best + step).clamp(max=MOST)
    for _ in range(EVALUATIONS - _COARSE):
        middle = (low + high) / 2
        rising = look(middle) > 0
        low, high = torch.where(rising, low, middle), torch.where(rising, middle, high)
    return best


class _Path:
    """How far softmax(start + a shift) is from softmax(start), an exponential family in a.

    Args:
        start: Logits, `[tokens, vocabulary]`.
        shift: What moves them, `[tokens, vocabulary]`.
    """

    def __init__(self, start: torch.Tensor, shift: torch.Tensor) -> None:
        self._start, self._shift = start, shift
        self._origin = start.logsumexp(dim=1)
        self._mean = self._moments(self._origin.new_zeros(self._origin.shape))[1]

    def _moments(self, weight: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Return the log of the normaliser over that at 0, and mean and variance of the shift: each `[tokens]`."""
        logits = torch.addcmul(self._start, self._shift, weight[:, None])
        normaliser = logits.logsumexp(dim=1)
        shares = logits.sub_(normaliser[:, None]).exp_()
        mean = (shares * self._shift).sum(dim=1)
        variance = (shares * (self._shift - mean[:, None]) ** 2).sum(dim=1)
        return normaliser - self._origin, mean, variance

    def divergences(self, weight: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
        """Return the divergence from the start and that of the start, and the derivatives of both in the weight."""
        log_ratio, mean, variance = self._moments(weight)
        return weight * mean - log_ratio, log_ratio - weight * self._mean, weight * variance, mean - self._mean
