"""The verbs, run as a user runs them."""

import json
import subprocess
import sys
import time

import pytest
from typer.testing import CliRunner

from autopeft.cli import app
from autopeft.space import shipped_spaces

runner = CliRunner()


def invoke(*words):
    result = runner.invoke(app, [str(word) for word in words], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


VERBS = [[], *([verb] for verb in ["search", "front", "cost", "export", "train", "spaces", "tasks", "methods"])]


@pytest.mark.parametrize("verb", VERBS)
def test_help_imports_nothing_heavy(verb):
    code = (
        "import sys\nfrom autopeft.cli import app\n"
        f"try: app({[*verb, '--help']!r})\nexcept SystemExit: pass\n"
        "heavy = {'torch', 'ray', 'transformers', 'peft', 'botorch', 'optuna', 'pandas', 'numpy'} & set(sys.modules)\n"
        "sys.exit(f'imported {heavy}' if heavy else 0)"
    )
    began = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    print(f"{time.perf_counter() - began:.2f} s")
    assert done.returncode == 0, done.stderr


def test_cost_of_stock_lora(tmp_path):
    (tmp_path / "c.yaml").write_text("modules: {lora: {rank: 8, targets: [q, v]}}")
    assert "73,728 trainable parameters, 0.32%" in invoke("cost", tmp_path / "c.yaml")
    data = json.loads(invoke("cost", tmp_path / "c.yaml", "--json"))
    assert (data["params"], data["backbone_params"]) == (2 * 6 * 8 * (384 + 384), 22_713_216)
    (tmp_path / "c.json").write_text(json.dumps(data["configuration"]))
    assert json.loads(invoke("cost", tmp_path / "c.json", "--json")) == data


def test_spaces(tmp_path):
    assert json.loads(invoke("spaces", "list", "--json")) == shipped_spaces()
    shown = json.loads(invoke("spaces", "show", "default", "--json"))
    assert "lora.rank" in shown["knobs"]
    (tmp_path / "copy.yaml").write_text(invoke("spaces", "show", "lora").split("\non ")[0])
    assert "no errors" in invoke("spaces", "check", tmp_path / "copy.yaml")


def test_listings():
    assert "icd10" in json.loads(invoke("tasks", "--json"))["tasks"]
    methods = json.loads(invoke("methods", "--json"))
    assert {"lora", "serial_adapter", "parallel_adapter", "prefix"} <= set(methods)
    for name in methods:
        assert name in invoke("methods")
