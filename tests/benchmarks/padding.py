"""What packing examples could gain over batches of like lengths: `python -m tests.benchmarks.padding MODEL DATA`.

Packing computes no padding, so the share of padding in the batches that trials train on bounds what it saves.
"""

import argparse

import numpy as np

from autopeft.launch import SearchPlan, prepare
from autopeft.tasks import grouped
from autopeft.tasks.causal import encode_causal
from autopeft.trials import draw


def padding(lengths: np.ndarray, groups: list[np.ndarray]) -> float:
    """Return the share of padding among the tokens of batches."""
    computed = sum(len(rows) * lengths[rows].max() for rows in groups)
    return 1 - lengths.sum() / computed


def shuffled(count: int, size: int, seed: int) -> list[np.ndarray]:
    """Return rows in random order, batch by batch."""
    order = np.random.default_rng(seed).permutation(count)
    return [order[start : start + size] for start in range(0, count, size)]


def main() -> None:
    """Print the share for batches of like lengths and for batches in random order."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("data")
    given = parser.parse_args()
    job = prepare(SearchPlan.of({"model": given.model, "data": given.data}))
    train, _ = draw(job.task, job.setting)
    encoded = encode_causal(train, job.task.schema, job.backbone.tokenizer(), job.setting.max_length)
    size = job.setting.batch_size
    shares = np.array(
        [
            (
                padding(encoded.lengths, grouped(encoded, size, np.random.default_rng(seed))),
                padding(encoded.lengths, shuffled(len(encoded), size, seed)),
            )
            for seed in range(20)
        ]
    ).mean(axis=0)
    print(
        f"{len(encoded)} examples of {job.task.name} in batches of {size}: {shares[0]:.1%} of the tokens are padding "
        f"where like lengths go together, {shares[1]:.1%} in random order"
    )


if __name__ == "__main__":
    main()
