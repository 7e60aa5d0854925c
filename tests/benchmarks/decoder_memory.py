"""What keeps a decoder's trial small: `python -m tests.benchmarks.decoder_memory MODEL DATA`.

Peak memory of stock LoRA in bf16 on the longest examples, with frozen matrices in fp32 or as they are computed, and
with torch's cross-entropy over all logits or the one in segments. What counts is the bytes of all tensors
alive together, so that nothing else on the machine has a say.
"""

import argparse
from contextlib import AbstractContextManager, nullcontext
from itertools import product
from unittest.mock import patch

from torch import Tensor
from torch.nn.functional import cross_entropy

from autopeft.launch import SearchPlan, prepare
from autopeft.trials import use_threads
from autopeft.trials.causal.learned import Learned


def in_fp32() -> AbstractContextManager[object]:
    """Leave frozen matrices as they come."""
    return patch("autopeft.trials.runner.hold_as_computed", lambda model, anatomy: None)


def by_torch() -> AbstractContextManager[object]:
    """Compute the loss as torch does."""

    def loss(learned: Learned) -> Tensor:
        return cross_entropy(learned.logits(learned.hidden).float(), learned.targets)

    return patch.object(Learned, "loss", loss)


def main() -> None:
    """Print the peak of a few steps for each combination."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("data")
    given = parser.parse_args()
    use_threads(1)
    job = prepare(SearchPlan.of({"model": given.model, "data": given.data, "precision": "bf16"}))
    for held, segmented in product((False, True), repeat=2):
        with nullcontext() if held else in_fp32(), nullcontext() if segmented else by_torch():
            peak = job.job.runner().profile(job.stock, 0).peak
        loss = "in segments" if segmented else "by torch"
        held_as = "as computed" if held else "in fp32"
        print(f"matrices {held_as}, cross-entropy {loss}: {peak / 2**20:,.0f} MiB", flush=True)


if __name__ == "__main__":
    main()
