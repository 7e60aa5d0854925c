"""What keeps a decoder's trial small: `python -m tests.benchmarks.decoder_memory MODEL DATA`.

Peak memory of stock LoRA on the longest examples, with frozen matrices in fp32 or as they are computed, and with
torch's cross-entropy or the one that keeps a single copy of the logits.
"""

import argparse
import time
from itertools import product
from unittest.mock import patch

from torch.nn.functional import cross_entropy

from autopeft.launch import SearchPlan, prepare
from autopeft.methods import stock_lora
from autopeft.trials import use_threads


def main() -> None:
    """Print the peak, and the processor's time, of a few steps for each combination."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("data")
    given = parser.parse_args()
    use_threads(1)
    job = prepare(SearchPlan.of({"model": given.model, "data": given.data, "precision": "bf16"}))
    stock = stock_lora(job.backbone.shape, 1e-3)
    for held, lean in product((False, True), repeat=2):
        holding = {} if held else {"hold_as_computed": lambda model, anatomy, precision: None}
        losing = {} if lean else {"lean_cross_entropy": lambda logits, targets: cross_entropy(logits.float(), targets)}
        with patch.multiple("autopeft.trials.runner", **holding), patch.multiple("autopeft.trials.causal", **losing):
            runner = job.job.runner()
            began = time.process_time()
            peak = runner.profile(stock, 0).peak
        print(
            f"matrices {'as computed' if held else 'in fp32'}, {'lean' if lean else 'torch'} cross-entropy: "
            f"{peak / 2**20:,.0f} MiB, {time.process_time() - began:.0f} s"
        )


if __name__ == "__main__":
    main()
