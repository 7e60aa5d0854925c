"""The built wheel, installed elsewhere, is whole: spaces and the default study travel inside."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from autopeft.space import shipped_spaces

TOP = Path(__file__).parents[1]


@pytest.mark.slow
def test_the_wheel_runs_the_default_search(tmp_path):
    pip = [sys.executable, "-m", "pip", "--quiet"]
    subprocess.run([*pip, "wheel", str(TOP), "--no-deps", "-w", str(tmp_path)], check=True)
    (wheel,) = tmp_path.glob("autopeft-*.whl")
    target = tmp_path / "installed"
    subprocess.run([*pip, "install", "--no-deps", "--target", str(target), str(wheel)], check=True)
    home = tmp_path / "home"
    home.mkdir()
    env = os.environ | {"PYTHONPATH": str(target), "HOME": str(home)}

    def run(*words):
        done = subprocess.run([sys.executable, *words], capture_output=True, text=True, cwd=home, env=env, timeout=900)
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert run("-c", "import autopeft; print(autopeft.__file__)").startswith(str(target))
    assert json.loads(run("-m", "autopeft.cli", "spaces", "list", "--json")) == shipped_spaces()
    run("-m", "autopeft.cli", "search", "--no-select", "--trials", "4", "--examples", "64", "--epochs", "1")
    (front,) = home.glob("runs/icd10-chapters-default-*/front.json")
    assert json.loads(front.read_text())["front"]
