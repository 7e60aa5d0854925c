"""How much a search says: libraries are heard only when that is asked for, and little is said where that is wanted."""

import io
import json
import subprocess
import sys

import pytest
from rich.console import Console

from autopeft.cli.voice import Voice, steps_on
from autopeft.errors import Mishap
from autopeft.launch import quiet
from tests.cli.in_process import run_here
from tests.cli.test_search import command, place

__all__ = ["place"]


@pytest.mark.parametrize("verb", [("search",), ("select", "run")])
def test_more_and_less_exclude_each_other(verb, tmp_path):
    done = run_here(*verb, "-q", "-v", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr == "error: --verbose says more and --quiet says less; leave one of them out\n"


@pytest.mark.parametrize("voice", Voice)
def test_a_quiet_voice_says_what_went_wrong(voice):
    console = Console(file=io.StringIO())
    say = steps_on(console, voice)
    say("one is trained")
    say(Mishap("another failed"))
    steps = [] if voice is Voice.QUIET else ["one is trained"]
    assert console.file.getvalue().splitlines() == [*steps, "another failed"]


def test_ray_is_heard_where_that_is_asked_for_and_not_after():
    assert not quiet.heard()
    with quiet.loud():
        assert quiet.heard()
    assert not quiet.heard()


def search(place, out, workers, *words):
    line = command(place, out, "--trials", "3", *words)
    line[line.index("--workers") + 1] = workers
    done = subprocess.run(line, capture_output=True, text=True, cwd=place, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return done


@pytest.mark.slow
def test_libraries_and_ray_are_heard_only_when_asked_for_and_a_follower_sees_the_search(place):
    words = [sys.executable, "-m", "autopeft.cli", "log", "usual", "--follow", "--json"]
    with subprocess.Popen(words, cwd=place, stdout=subprocess.PIPE, text=True) as follower:
        usual = search(place, "usual", "2")
        followed = [json.loads(line) for line in follower.stdout]
    assert follower.returncode == 0
    assert usual.stderr == ""
    assert "begins" not in usual.stdout
    # In the order in which they ended.
    assert sorted(each["trial"] for each in followed if each["event"] == "finished") == [0, 1, 2]
    assert (followed[-1]["event"], followed[-1]["status"]) == ("ended", "complete")
    loud = search(place, "loud", "2", "--verbose")
    assert "Started a local Ray instance" in loud.stderr
    assert "trial 0 begins: head only" in loud.stdout


@pytest.mark.slow
def test_a_quiet_search_says_its_result(place):
    lines = search(place, "quiet", "0", "--quiet").stdout.splitlines()
    title = next(place for place, line in enumerate(lines) if line.startswith("Pareto front"))
    assert lines[0] == "lora.targets: the backbone has no gate; left out"
    assert lines[1].startswith("references without a trial in this search: ")
    assert not any(line.startswith(("[", "model ", "trial ")) for line in lines[:title])
    assert "front.json, front.csv, front.png and the study are in" in lines[-1]
