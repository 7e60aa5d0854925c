"""Say which share of the time of trials goes into steps and measuring.

python -m studies.busy RUN
"""

from __future__ import annotations

import argparse
from pathlib import Path

from autopeft import open_run

__all__ = ["main"]


def main() -> None:
    """Do it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    trials = open_run(parser.parse_args().run).study.get_trials(deepcopy=False)
    outcomes = [trial.user_attrs["outcome"] for trial in trials if "outcome" in trial.user_attrs]
    busy, seconds = (sum(outcome[name] for outcome in outcomes) for name in ("busy", "seconds"))
    print(f"{busy / seconds:.1%} of {seconds:.0f} s in {len(outcomes)} trials")


if __name__ == "__main__":
    main()
