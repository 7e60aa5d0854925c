"""Real searches of which any process is killed at any moment: `python -m tests.faults.kills --kills 200`.

A search of a tiny model runs with two workers; the driver, the process that speaks to Ray, a worker, Ray's raylet or
its GCS is killed, drawn by a seed, again and again; where the driver is gone, or gives up, the command is run again.
Printed is what a search lost, changed and doubled (0), and how long it took until a trial began again. A record goes on
where it was left, and begins anew when it is whole.
"""

from __future__ import annotations

import argparse
import itertools
import json
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field, fields
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from optuna.trial import FrozenTrial

from autopeft.errors import StudyError
from autopeft.methods import REFERENCES
from autopeft.space import Configuration
from autopeft.study import counts, load_study
from autopeft.testing.models import TEXTS, tiny_backbone

__all__ = ["Figures", "kill"]

KINDS = ("driver", "speaker", "worker", "raylet", "gcs_server")

_TRIALS = 24


@dataclass
class Figures:
    """What came of it.

    Args:
        kills: Processes killed, by kind.
        lost: Trials that had ended and are not there any more, or too few in the end.
        changed: Trials that had ended and are otherwise now.
        doubled: Configurations that were run to their end twice, and trials too many.
        missing: Baselines that are not there.
        seconds: From each kill until a trial began.
    """

    kills: Counter[str] = field(default_factory=Counter)
    lost: int = 0
    changed: int = 0
    doubled: int = 0
    missing: int = 0
    seconds: list[float] = field(default_factory=list)

    def __str__(self) -> str:
        kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(self.kills.items()))
        waited = f"{np.median(self.seconds):.0f} s in the median, {max(self.seconds):.0f} s at most"
        return (
            f"{self.kills.total()} kills ({kinds}): {self.lost} lost, {self.changed} changed, {self.doubled} doubled, "
            f"{self.missing} baselines missing; a trial began again after {waited}"
        )

    def __add__(self, other: Figures) -> Figures:
        """Return the figures of both."""
        return Figures(**{each.name: getattr(self, each.name) + getattr(other, each.name) for each in fields(self)})


def kill(folder: Path, seed: int, kills: int) -> Figures:
    """Run a search to its end, killing processes on the way.

    Args:
        folder: Where it may write.
        seed: Draws what is killed, and when.
        kills: How many.
    """
    chance, figures, run = random.Random(seed), Figures(), folder / "run"
    rows = [f"{text} {n % 3},{'ab'[n % 2]}" for n in range(20) for text in TEXTS]
    (folder / "train.csv").write_text("text,label\n" + "\n".join(rows) + "\n")
    command = [sys.executable, "-m", "autopeft.cli", "search", "--model", tiny_backbone("bert", folder)]
    command += ["--data", str(folder / "train.csv"), "--text", "text", "--label", "label", "--budget", "20%"]
    command += ["--trials", str(_TRIALS), "--workers", "2", "--no-select", "--out", str(run), "--seed", str(seed)]
    driver, before = _begun(command, run, None), {}
    killed_at: float | None = None
    while driver.poll() != 0:
        if driver.poll() is not None:
            driver = _begun(command, run, driver)
        if killed_at is not None and _began(run) > killed_at:
            figures.seconds.append(_began(run) - killed_at)
            killed_at = None
        if killed_at is None and figures.kills.total() < kills:
            time.sleep(chance.uniform(0.1, 4.0))
            _compare(before, run, figures)
            kind = chance.choice(KINDS)
            if (victim := _victim(driver, kind, chance)) is not None:
                killed_at = time.time()
                victim.kill()
                figures.kills[kind] += 1
        time.sleep(0.2)
    _compare(before, run, figures)
    ended = list(before.values())
    texts = Counter(Configuration.from_dict(trial.user_attrs["configuration"]).text for trial in ended)
    figures.doubled += sum(count - 1 for count in texts.values()) + max(0, len(ended) - _TRIALS)
    figures.lost += max(0, _TRIALS - len(ended))
    baselines = Counter(trial.user_attrs.get("baseline") for trial in ended)
    figures.missing += sum(baselines[name] != 1 for name in ("head-only", *(each.name for each in REFERENCES)))
    return figures


def _begun(command: list[str], run: Path, ended: subprocess.Popen[bytes] | None) -> subprocess.Popen[bytes]:
    """Start the command, again where it has ended; an end of its own is one sentence and exit code 1."""
    if ended is not None and ended.returncode > 0:
        said = (run.parent / "said").read_text().strip().splitlines()
        assert ended.returncode == 1, said
        assert not [line for line in said if line.startswith("Traceback")], said
    with (run.parent / "said").open("wb") as said_to:
        return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=said_to)


def _began(run: Path) -> float:
    """Return when a trial began last, in seconds since the epoch; 0 before the first."""
    file = run / "run.jsonl"
    lines = file.read_text().splitlines() if file.is_file() else []
    for line in reversed(lines):
        try:
            found: dict[str, Any] = json.loads(line)
        except ValueError:
            continue
        if found["event"] == "started":
            return datetime.fromisoformat(found["time"]).timestamp()
    return 0.0


def _victim(driver: subprocess.Popen[bytes], kind: str, chance: random.Random) -> psutil.Process | None:
    """Return a process of a kind; None while there is none."""
    try:
        ours = psutil.Process(driver.pid)
        if kind == "driver":
            return ours
        found = [each for each in ours.children(recursive=True) if _is(each, kind)]
    except psutil.NoSuchProcess:
        return None
    return chance.choice(found) if found else None


def _is(process: psutil.Process, kind: str) -> bool:
    try:
        words = process.cmdline()
    except psutil.Error:
        return False
    if kind == "speaker":
        return "autopeft.launch.ray_child" in words
    if kind == "worker":
        return bool(words) and words[0].startswith("ray::") and "IDLE" not in words[0]
    return process.name() == kind


def _compare(before: dict[int, FrozenTrial], run: Path, figures: Figures) -> None:
    """Note what has become of the trials that had ended."""
    try:
        trials = load_study(run).trials
    except StudyError:
        # It has not begun.
        return
    now = {trial.number: trial for trial in trials if counts(trial)}
    for number, trial in before.items():
        if number not in now:
            figures.lost += 1
        elif (now[number].values, now[number].user_attrs) != (trial.values, trial.user_attrs):
            figures.changed += 1
    before.update(now)


def read(record: Path) -> dict[int, Figures]:
    """Return the figures of a record by seed."""
    found = [json.loads(line) for line in record.read_text().splitlines()] if record.is_file() else []
    return {each.pop("seed"): Figures(**{**each, "kills": Counter(each["kills"])}) for each in found}


def main() -> None:
    """Kill, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--each", type=int, default=10, help="kills of one search, at most")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--record", type=Path, help="JSON lines, one a search")
    given = parser.parse_args()
    known = read(given.record) if given.record else {}
    if given.record and sum(each.kills.total() for each in known.values()) >= given.kills:
        given.record.unlink()
        known = {}
    whole = Figures()
    for seed in itertools.count(given.seed):
        if whole.kills.total() >= given.kills:
            break
        if seed not in known:
            # Fewer, where it ends before.
            with tempfile.TemporaryDirectory() as folder:
                known[seed] = kill(Path(folder), seed, given.each)
            print(f"seed {seed}: {known[seed]}", flush=True)
            if given.record:
                with given.record.open("a") as file:
                    file.write(json.dumps({"seed": seed, **vars(known[seed])}) + "\n")
        whole += known[seed]
    print(f"in all: {whole}")


if __name__ == "__main__":
    main()
