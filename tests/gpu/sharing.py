"""What workers do that share a card, or have one each."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autopeft.space import Configuration

__all__ = ["Meet"]


@dataclass(frozen=True)
class Meet:
    """Runs a trial while as many others are at work as are expected, and says where.

    Args:
        configuration: What to train.
        folder: Where those at work leave a note.
        workers: How many are expected.
    """

    configuration: Configuration
    folder: Path
    workers: int

    def __call__(self, runner: Any) -> tuple[int, str, str]:
        """Return the process, the cards that it sees, and how the trial ended."""
        (self.folder / str(os.getpid())).touch()
        while len(list(self.folder.iterdir())) < self.workers:
            time.sleep(0.05)
        outcome = runner.run(self.configuration, 0)
        return os.getpid(), f"{runner.device.type} {os.environ.get('CUDA_VISIBLE_DEVICES', '')}", outcome.status
