"""Time and memory of 1,000 costs on the shape of Llama-2-70B: `python -m tests.benchmarks.large_costs`."""

import resource
import tempfile
import time

import numpy as np
from transformers import LlamaConfig

from autopeft.backbones import load_backbone
from autopeft.costs import Costs
from autopeft.methods import VOCABULARY
from autopeft.space import load_space


def main() -> None:
    """Print the mean time of a cost, with and without what earlier ones left behind, and the peak memory."""
    with tempfile.TemporaryDirectory() as folder:
        LlamaConfig(
            hidden_size=8192,
            intermediate_size=28672,
            num_hidden_layers=80,
            num_attention_heads=64,
            num_key_value_heads=8,
            vocab_size=32000,
            pad_token_id=0,
        ).save_pretrained(folder)
        backbone = load_backbone(folder)
        space = load_space("llm").bind(VOCABULARY, backbone.shape)
        rng = np.random.default_rng(0)
        configurations = [space.decode(space.sample(rng)) for _ in range(1000)]
        costs = Costs(backbone)
        for label in ("first", "again"):
            began = time.perf_counter()
            for configuration in configurations:
                costs.params(configuration)
            print(f"{label}: {time.perf_counter() - began:.2f} ms each")
    print(f"peak memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.2f} GiB")


if __name__ == "__main__":
    main()
