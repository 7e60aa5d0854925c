"""Memory and weights of one worker over many trials: `python -m tests.benchmarks.warm_worker --trials 300`.

Random configurations of the space `everything` on the packaged default, each for a few steps only.
"""

import argparse
import hashlib
import resource
from pathlib import Path

import numpy as np
import torch
from transformers import PreTrainedModel

from autopeft.launch import SearchPlan, prepare
from autopeft.trials import use_threads


def checksum(model: PreTrainedModel) -> str:
    """Hash every weight of the backbone."""
    found = hashlib.sha256()
    for name, value in sorted(model.base_model.state_dict().items()):
        found.update(name.encode())
        found.update(value.contiguous().view(torch.uint8).numpy().tobytes())
    return found.hexdigest()


def _resident() -> float:
    """Return the resident memory of this process in MiB, on Linux."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize() / 2**20


def main() -> None:
    """Run the trials and print resident memory on the way and whether the weights are still the same."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=300)
    parser.add_argument("--space", default="everything")
    count = parser.parse_args()
    use_threads(1)
    plan = SearchPlan.of({"space": count.space, "examples": 128, "epochs": 1.0, "early_stopping": False})
    job = prepare(plan)
    runner = job.job.runner()
    before = checksum(runner.model)
    rng = np.random.default_rng(0)
    resident: list[float] = []
    status: list[str] = []
    while len(resident) < count.trials:
        configuration = job.space.decode(job.space.sample(rng))
        if not job.space.allows(configuration) or job.costs.price(configuration) > job.scale.limit:
            continue
        status.append(runner.run(configuration, seed=0).status)
        resident.append(_resident())
        if len(resident) % 50 == 0:
            print(f"{len(resident)} trials: {resident[-1]:.0f} MiB resident", flush=True)
    third = max(1, len(resident) // 3)
    first, last = np.mean(resident[:third]), np.mean(resident[-third:])
    print(f"first third {first:.0f} MiB, last third {last:.0f} MiB: {last / first - 1:+.2%}")
    print(f"{status.count('complete')} of {len(status)} trials complete")
    print("weights unchanged" if checksum(runner.model) == before else "WEIGHTS CHANGED")


if __name__ == "__main__":
    main()
