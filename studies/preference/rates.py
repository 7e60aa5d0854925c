"""Train stock LoRA on the pairs at several learning rates, and say what each reaches on validation.

python -m studies.preference.rates PAIRS --examples 96 1e-3 2e-3 4e-3
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from autopeft.launch import SearchPlan, groundwork
from autopeft.methods import stock_lora
from autopeft.trials import TrialRunner


def main() -> None:
    """Print a row for each rate."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pairs", type=Path, help="folder that studies/preference/pairs.py wrote")
    parser.add_argument("rates", type=float, nargs="+")
    parser.add_argument("--examples", type=int, default=200, help="pairs of a trial")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    plan = {"model": "smollm2", "data": str(given.pairs), "examples": given.examples}
    ground = groundwork(SearchPlan.of(plan))
    runner = TrialRunner(ground.backbone, ground.task, replace(ground.setting, early_stopping=False))
    print("| learning rate | accuracy | margin | loss |\n| --- | --- | --- | --- |")
    for rate in given.rates:
        found = runner.run(stock_lora(ground.backbone.shape, rate), given.seed).metrics
        figures = " | ".join(f"{found[name]:.4f}" for name in ("accuracy", "margin", "loss"))
        print(f"| {rate:g} | {figures} |", flush=True)


if __name__ == "__main__":
    main()
