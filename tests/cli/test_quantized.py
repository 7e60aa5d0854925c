"""`autopeft search --load-in-4bit` from end to end, and what is said where it cannot be."""

import json
import subprocess
import sys

import pytest

from autopeft.backbones import quantization
from autopeft.errors import AutopeftError, ConfigurationError
from autopeft.launch import SearchPlan, prepare
from tests.cli.test_search import command, facts, place, run, trials

__all__ = ["place"]  # a fixture


def test_4_and_8_bits_at_once_are_refused():
    with pytest.raises(AutopeftError, match=r"flags: load_in_8bit: found True: excludes load_in_4bit; give one of"):
        SearchPlan.of({"load_in_4bit": True, "load_in_8bit": True}, "flags")


def test_a_space_of_methods_that_need_the_weights_is_refused_at_once(place, monkeypatch):
    monkeypatch.setattr(quantization, "MISSING_BITSANDBYTES", None)
    data = {"data": str(place / "train.csv"), "text": "text", "label": "label"}
    space = {"name": "hra", "choose": {"hra": {"rank": 2}}}
    plan = SearchPlan.of({"model": str(place / "tiny-bert"), "space": space, "load_in_8bit": True, **data})
    with pytest.raises(ConfigurationError, match=r"no configuration of the space 'hra'.*not known to work beside"):
        prepare(plan)


@pytest.mark.slow
def test_a_search_in_4_bits_its_resume_and_the_full_fine_tune(place):
    pytest.importorskip("bitsandbytes", reason="needs bitsandbytes, the extra `quantization`")
    assert "held in 4bit" in run(place, "four", "--load-in-4bit", "--trials", "4")
    assert {trial.state.name for trial in trials(place / "four")} == {"COMPLETE"}
    before = facts(place / "four")
    run(place, "four", "--load-in-4bit", "--trials", "5")
    assert facts(place / "four")[:4] == before
    plain = subprocess.run(command(place, "four", "--trials", "6"), capture_output=True, text=True, cwd=place)
    assert plain.returncode == 2
    assert "model.quantization: the study has 4bit, this run asks for nothing" in plain.stderr
    words = [sys.executable, "-m", "autopeft.cli", "train", "four", "--pick", "best", "-o", "trained"]
    done = subprocess.run(words, capture_output=True, text=True, cwd=place)
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads((place / "trained" / "metrics.json").read_text())["validation"]["accuracy"] >= 0
