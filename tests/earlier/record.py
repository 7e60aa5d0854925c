"""Record small runs of this commit, which later ones must still read: `python -m tests.earlier.record FOLDER ARCHIVE`.

A classifier and a decoder, each with a run that is finished, one whose process was killed, and one with finalists.
The folder becomes part of the files; `tests/earlier/conftest.py` puts another in its place. The archive that is
there was made once, by the commit in its name, on a machine named `recorded`, and is not to be made again.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tarfile
import time
from pathlib import Path

import optuna

from autopeft.testing.decoders import CHAT_TEMPLATE, tiny_decoder
from autopeft.testing.models import TEXTS, tiny_backbone

_COMMON = ("--trials", "5", "--seed", "3", "--workers", "0", "--precision", "fp32")
_KINDS = {
    "classifier": (
        ("--model", "tiny-bert", "--data", "train.csv", "--text", "text", "--label", "label", "--budget", "10%"),
        ("--epochs", "6", "--examples", "60"),
    ),
    "decoder": (
        ("--model", "tiny-llama", "--data", "train.jsonl", "--space", "lora", "--budget", "10%"),
        ("--epochs", "2", "--examples", "24"),
    ),
}


def main(folder: Path, archive: Path) -> None:
    """Make the runs in a folder and pack it."""
    folder.mkdir(parents=True)
    _inputs(folder)
    for kind, (what, how) in _KINDS.items():
        command = ["search", *what, *how, *_COMMON]
        _run(folder, *command, "--no-select", "-o", f"{kind}-finished")
        _killed(folder, *command, "--no-select", "-o", f"{kind}-interrupted")
        _run(folder, *command, "-o", f"{kind}-finalists")
    with tarfile.open(archive, "w:xz") as pack:
        for path in sorted(folder.iterdir()):
            pack.add(path, path.name, filter=_anonymous)


def _inputs(folder: Path) -> None:
    tiny_backbone("bert", folder)
    tiny_decoder("llama", folder, template=CHAT_TEMPLATE)
    words = sorted({word for text in TEXTS for word in text.split()})
    lines = ["text,label"]
    for number in range(150):
        picked = " ".join(words[(number * step) % len(words)] for step in (1, 3, 7, 11))
        lines.append(f"{picked},{('bad', 'good', 'so so')[number % 3]}")
    (folder / "train.csv").write_text("\n".join(lines) + "\n")
    rows = [{"question": f"{' '.join(text.split()[:3])} {n}", "answer": text} for n in range(12) for text in TEXTS]
    (folder / "train.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\n")


def _run(folder: Path, *words: str) -> None:
    subprocess.run([sys.executable, "-m", "autopeft.cli", *words], cwd=folder, check=True)


def _killed(folder: Path, *words: str) -> None:
    """Kill a search once its third trial has begun."""
    process = subprocess.Popen([sys.executable, "-m", "autopeft.cli", *words], cwd=folder)
    database = folder / words[-1] / "study.db"
    while process.poll() is None:
        time.sleep(0.02)
        if database.is_file() and _begun(database) >= 3:
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
            return
    raise SystemExit("the search ended before it was killed")


def _begun(database: Path) -> int:
    try:
        [study] = optuna.get_all_study_summaries(f"sqlite:///{database}")
        trials = optuna.load_study(study_name=study.study_name, storage=f"sqlite:///{database}").trials
    except Exception:  # while it is being made
        return 0
    states = [trial.state for trial in trials]
    return sum(state in (optuna.trial.TrialState.COMPLETE, optuna.trial.TrialState.RUNNING) for state in states)


def _anonymous(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    return member


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
