"""A method that lives in a file of its own gets the suite, the listing, costs and searches."""

import json
import subprocess
import sys
from pathlib import Path

import optuna
import pytest

from autopeft.errors import ConfigurationError
from autopeft.methods import METHODS, VOCABULARY
from autopeft.plugins import load_plugin
from autopeft.testing.methods import MethodContract
from autopeft.testing.models import tiny_backbone

PLUGIN = Path(__file__).parents[2] / "examples" / "own_method.py"
SPACE = """
name: gains
modules: {gain: {targets: "subset of q, o, down"}}
"""


@pytest.fixture(scope="module", autouse=True)
def plugin():
    load_plugin(PLUGIN)
    yield
    for name, module in list(sys.modules.items()):
        if name.startswith("autopeft_plugin_"):
            del sys.modules[name], module
    del METHODS["gain"], VOCABULARY.methods["gain"]


class TestGain(MethodContract):
    examples = ({"gain": {"groups": 4}}, {"gain": {"groups": 2, "targets": ["v", "up"], "layers": [1, 2]}})


def autopeft(place, *words):
    return subprocess.run(
        [sys.executable, "-m", "autopeft.cli", *map(str, words)], capture_output=True, text=True, cwd=place
    )


@pytest.mark.slow
def test_the_command_line_lists_counts_and_searches_it(tmp_path) -> None:
    rows = ["text,label", *(f"{word} number{i},{word}" for i in range(60) for word in ("leaf", "snow"))]
    (tmp_path / "train.csv").write_text("\n".join(rows))
    (tmp_path / "gains.yaml").write_text(SPACE)
    (tmp_path / "c.yaml").write_text("modules: {gain: {groups: 4}}")
    model = tiny_backbone("bert", tmp_path, vocabulary=tuple(rows))
    assert "a trained gain" in autopeft(tmp_path, "methods", "--plugin", PLUGIN).stdout
    counted = autopeft(tmp_path, "cost", "c.yaml", "--plugin", PLUGIN, "--model", model, "--json")
    assert json.loads(counted.stdout)["params"] == 4 * 2 * 3
    assert "no errors" in autopeft(tmp_path, "spaces", "check", "gains.yaml", "--plugin", PLUGIN).stdout
    words = ["search", "--model", model, "--data", "train.csv", "--text", "text", "--label", "label"]
    words += [
        "--space",
        "gains.yaml",
        "--budget",
        "5%",
        "--trials",
        "5",
        "--epochs",
        "1",
        "--workers",
        "2",
        "-o",
        "run",
    ]
    searched = autopeft(tmp_path, *words, "--plugin", PLUGIN)
    assert searched.returncode == 0, searched.stdout + searched.stderr
    study = optuna.load_study(study_name=None, storage=f"sqlite:///{tmp_path}/run/study.db")
    proposed = [trial for trial in study.trials if "baseline" not in trial.user_attrs]
    assert [list(trial.user_attrs["configuration"]["modules"]) for trial in proposed] == [["gain"]] * 3
    assert all(trial.state.name in ("COMPLETE", "PRUNED") for trial in proposed)
    other = tmp_path / "other.py"
    other.write_text(PLUGIN.read_text() + "\n# another version\n")
    refused = autopeft(tmp_path, *words, "--plugin", other)
    assert refused.returncode == 2
    assert "plugin: the study has" in refused.stderr


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("1 / 0", "failed: ZeroDivisionError"),
        ("x = 1", "registers nothing"),
        ("from autopeft.methods import METHODS, register; register(METHODS['lora'])", "there is a method 'lora'"),
        (
            "from dataclasses import replace; from autopeft.methods import METHODS, register\n"
            "class Mine(type(METHODS['ia3'])): pass\n"
            "mine = object.__new__(Mine); mine.__dict__.update(METHODS['ia3'].__dict__)\n"
            "knobs = tuple(replace(each, range='1..') for each in METHODS['ia3'].words.knobs)\n"
            "mine.words = replace(METHODS['ia3'].words, name='mine', knobs=knobs)\n"
            "register(mine)",
            "the words of the method 'mine' cannot be searched",
        ),
    ],
)
def test_a_faulty_plugin_is_refused(tmp_path, content, message) -> None:
    path = tmp_path / "p.py"
    path.write_text(content)
    with pytest.raises(ConfigurationError, match=message):
        load_plugin(path)
    with pytest.raises(ConfigurationError, match="cannot read the plugin"):
        load_plugin(tmp_path / "missing.py")
