"""The disk of a run folder fills while a search is at work."""

import json
import subprocess
import sys
import time

import pytest

from autopeft.study import counts, load_study
from autopeft.study.storage import ROOM
from autopeft.testing.models import TEXTS, tiny_backbone

pytestmark = pytest.mark.slow


@pytest.fixture
def small_disk(tmp_path):
    """A disk with room for one run."""
    folder = tmp_path / "disk"
    folder.mkdir()
    size = f"size={ROOM + 2**20}"
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", size, "none", str(folder)], capture_output=True, text=True)
    if made.returncode:
        pytest.skip(f"no tmpfs can be mounted here: {made.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(file):
    """Write until nothing fits any more."""
    for size in (2**20, 2**12, 1):
        try:
            with file.open("ab", buffering=0) as whole:
                while True:
                    whole.write(bytes(size))
        except OSError:
            continue


def finished(run):
    return {trial.number: (trial.values, trial.user_attrs) for trial in load_study(run).trials if counts(trial)}


def test_a_full_disk_ends_a_search_in_one_sentence_and_it_goes_on(small_disk, tmp_path) -> None:
    rows = [f"{text} {n % 3},{'ab'[n % 2]}" for n in range(20) for text in TEXTS]
    (tmp_path / "train.csv").write_text("text,label\n" + "\n".join(rows) + "\n")
    run = small_disk / "run"
    command = [sys.executable, "-m", "autopeft.cli", "search", "--model", tiny_backbone("bert", tmp_path)]
    command += ["--data", str(tmp_path / "train.csv"), "--text", "text", "--label", "label", "--budget", "20%"]
    command += ["--trials", "10", "--workers", "2", "--no-select", "--out", str(run)]
    search = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    while search.poll() is None and not (
        (run / "run.jsonl").is_file() and '"finished"' in (run / "run.jsonl").read_text()
    ):
        time.sleep(0.1)
    fill(small_disk / "filler")
    _, said = search.communicate(timeout=240)
    assert search.returncode == 1, said
    assert "Traceback" not in said
    [sentence] = [line for line in said.splitlines() if "the disk" in line and "run the same command again" in line]
    assert sentence

    before = finished(run)
    assert 0 < len(before) < 10
    listed = [sys.executable, "-m", "autopeft.cli", "trials", str(run), "--json"]
    shown = json.loads(subprocess.run(listed, capture_output=True, text=True, check=True).stdout)["trials"]
    assert {row["trial"] for row in shown} >= set(before)

    refused = subprocess.run(command, capture_output=True, text=True)
    assert refused.returncode == 2
    assert "MiB free" in refused.stderr

    (small_disk / "filler").unlink()
    subprocess.run(command, capture_output=True, text=True, check=True)
    after = finished(run)
    assert len(after) == 10
    assert {number: after[number] for number in before} == before
