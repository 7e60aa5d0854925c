"""Measure references at several learning rates on the default job, in one trial each.

python -m studies.icd10.rates
"""

from __future__ import annotations

import argparse

from autopeft.launch import SearchPlan, prepare
from autopeft.methods import REFERENCES

_RATES = (5e-4, 1e-3, 2e-3, 4e-3, 8e-3, 1.6e-2)
_SEED = 0


def main() -> None:
    """Print accuracies on validation: a row for each reference, a column for each rate."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.parse_args()
    prepared = prepare(SearchPlan.of({}))
    runner = prepared.job.runner()
    print(f"| reference | {' | '.join(f'{rate:g}' for rate in _RATES)} |\n|{' --- |' * (len(_RATES) + 1)}")
    for reference in REFERENCES:
        cells = []
        for rate in _RATES:
            configuration = reference.configuration(prepared.backbone.shape, rate)
            reached = runner.run(configuration, _SEED).accuracy
            cells.append("failed" if reached is None else f"{reached:.3f}")
        print(f"| {reference.title} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
