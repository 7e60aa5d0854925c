"""With `--json` standard output holds one document, whatever else writes to it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.test_search import command, place

__all__ = ["place"]

#: Prints when it is imported, from another process, below Python, and at the very end.
LOUD = """
import atexit, os, subprocess

print("imported")
subprocess.run(["echo", "from another process"], check=True)
os.write(1, b"below Python\\n")
atexit.register(print, "the end")
atexit.register(os.write, 1, b"the very end\\n")
"""

SPACE = "name: loud\nchoose: {gain: {groups: 1 | 2}}\n"


@pytest.fixture(scope="module")
def loud(place):
    """A plugin whose method prints when its adapters are put in, too."""
    quiet = (Path(__file__).parents[2] / "examples" / "own_method.py").read_text()
    applied = quiet.replace("        names = sorted(", "        print('applied')\n        names = sorted(")
    (place / "loud.py").write_text(applied + LOUD)
    (place / "loud.yaml").write_text(SPACE)
    return place


def run(place, words):
    done = subprocess.run(words, capture_output=True, text=True, cwd=place, timeout=300)
    assert done.returncode == 0, done.stderr
    return done


def autopeft(place, *words):
    return run(place, [sys.executable, "-m", "autopeft.cli", *words])


@pytest.mark.slow
@pytest.mark.parametrize("workers", ["0", "1"])
def test_a_loud_plugin_is_heard_on_standard_error_alone(loud, workers):
    words = command(loud, f"loud{workers}", "--plugin", "loud.py", "--space", "loud.yaml", "--trials", "3", "--json")
    words[words.index("--workers") + 1] = workers
    done = run(loud, words)
    assert json.loads(done.stdout)["trials"]["complete"] == 3
    for said in (
        "imported",
        "applied",
        "from another process",
        "below Python",
        "the end",
        "the very end",
        "model   tiny-bert",
    ):
        assert said in done.stderr
    shown = autopeft(loud, "front", f"loud{workers}", "--plugin", "loud.py", "--json")
    assert json.loads(shown.stdout) == json.loads(done.stdout)


@pytest.mark.slow
def test_verbs_that_load_a_plugin_say_nothing_else(loud):
    (loud / "c.yaml").write_text("modules: {lora: {rank: 8, targets: [q, v]}}")
    plugin = ("--plugin", "loud.py", "--json")
    assert json.loads(autopeft(loud, "methods", "gain", *plugin).stdout)["gain"]
    assert json.loads(autopeft(loud, "cost", "c.yaml", "--model", "tiny-bert", *plugin).stdout)["params"]
    assert json.loads(autopeft(loud, "spaces", "show", "loud.yaml", "--model", "tiny-bert", *plugin).stdout)["knobs"]
