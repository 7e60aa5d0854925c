"""Time of a neighbourhood and of a decoding in large spaces: `python -m tests.benchmarks.space_speed`."""

import timeit

import numpy as np

from autopeft.methods import VOCABULARY
from autopeft.space import BoundSpace, SearchSpace
from autopeft.space.shape import BackboneShape

ROLES = ("q", "k", "v", "o", "up", "gate", "down")
RANKS = {
    "4 layer groups": {"per": "4 layer groups", "values": "0 | 2..64 by x2"},
    "each layer": {"per": "layer", "values": "1..64 by x2"},
}


def main() -> None:
    """Print the best of seven, in milliseconds, for a LoRA space on 80 layers."""
    for name, rank in RANKS.items():
        lora = {"rank": rank, "alpha": "1r | 2r", "targets": f"subset of {', '.join(ROLES)}"}
        space = SearchSpace("x", modules={"lora": lora}).bind(VOCABULARY, BackboneShape(80, 8192, 28672, ROLES))
        neighbours, decoding = _measure(space)
        print(f"ranks for {name}: neighbours {neighbours * 1e3:.1f} ms, decode {decoding * 1e3:.2f} ms")


def _measure(space: BoundSpace) -> tuple[float, float]:
    rng = np.random.default_rng(0)
    params = space.sample(rng)
    neighbours = min(timeit.repeat(lambda: list(space.neighbours(params, rng)), number=1, repeat=7))
    return neighbours, min(timeit.repeat(lambda: space.decode(params), number=20, repeat=7)) / 20


if __name__ == "__main__":
    main()
