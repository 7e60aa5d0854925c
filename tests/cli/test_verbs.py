"""The verbs, run as a user runs them."""

import json
import subprocess
import sys
import time

import pytest
from typer.testing import CliRunner

from autopeft.backbones import load_backbone, load_decoder
from autopeft.cli import app
from autopeft.space import SearchSpace, load_space, shipped_spaces
from autopeft.testing.decoders import tiny_decoder

runner = CliRunner()


def invoke(*words):
    result = runner.invoke(app, [str(word) for word in words], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


VERB_NAMES = (
    *("search", "select", "front", "trials", "log", "report", "compare", "cost", "export", "train", "evaluate"),
    *("spaces", "tasks", "methods", "plugin"),
)

VERBS = [
    [],
    *([verb] for verb in VERB_NAMES),
]


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


def test_cost_tells_what_the_head_has_more(tmp_path):
    (tmp_path / "c.yaml").write_text("modules: {vqt: {queries: 5}}")
    said = invoke("cost", tmp_path / "c.yaml")
    assert "11,520 trainable parameters, 0.051%" in said
    assert "11,520 parameters more of the task head for each of its outputs, which are not counted" in said
    assert json.loads(invoke("cost", tmp_path / "c.yaml", "--json"))["head_inputs"] == 6 * 5 * 384


def test_cost_counts_as_a_search_of_the_kind_does(tmp_path):
    model = tiny_decoder("llama", tmp_path)
    (tmp_path / "c.yaml").write_text("modules: {lora: {rank: 8, targets: [q, v]}}")
    found = json.loads(invoke("cost", tmp_path / "c.yaml", "--model", model, "--kind", "causal", "--json"))
    # The language-modelling head belongs to a decoder, and is counted with it.
    assert found["backbone_params"] == load_decoder(model).num_parameters > load_backbone(model).num_parameters
    assert found["share"] == found["params"] / found["backbone_params"]


def test_spaces(tmp_path):
    assert json.loads(invoke("spaces", "list", "--json")) == shipped_spaces()
    shown = json.loads(invoke("spaces", "show", "default", "--json"))
    assert shown["knobs"]["serial_adapter.size"]["when"] == "its layer is on"
    assert shown["trainable"]["cheapest"]["exact"]
    assert 0 < shown["trainable"]["cheapest"]["params"] < shown["trainable"]["dearest"]["params"]
    assert shown["configurations"]["number"] > 1000
    text = invoke("spaces", "show", "lora")
    assert "configurations, each with a continuum of training.learning_rate" in text
    assert "trainable parameters: 768 (0.0034%) to 2,654,208 (12%) of 22,713,216" in text
    assert "note: lora.targets: the backbone has no gate; left out" in text
    (tmp_path / "copy.yaml").write_text(text.split("\non ")[0])
    assert "no errors" in invoke("spaces", "check", tmp_path / "copy.yaml")
    assert eval(invoke("spaces", "show", "lora", "--python"), {"SearchSpace": SearchSpace}) == load_space("lora")


@pytest.mark.slow
def test_spaces_check_reports_all_errors_and_those_of_a_model(tmp_path):
    def check(text, *options):
        (tmp_path / "bad.yaml").write_text(text)
        words = [sys.executable, "-m", "autopeft.cli", "spaces", "check", str(tmp_path / "bad.yaml"), *options]
        done = subprocess.run(words, capture_output=True, text=True)
        assert done.returncode == 2, done.stderr
        return done.stderr

    many = check("layer: subset\nmodules:\n  lora: {rank: -1}\n  lorra: {}\nconstraints:\n- lora.rnk <= 4\n")
    for part in (
        "bad.yaml:1: layer: no such key; did you mean 'layers'?",
        "bad.yaml:3: modules.lora.rank: found -1, expected at least 1",
        "bad.yaml:4: modules.lorra: no such method; did you mean 'lora'?",
        "bad.yaml:6: constraints: in 'lora.rnk <= 4' found 'lora.rnk', no such knob; did you mean 'rank'?",
    ):
        assert part in many
    beyond = check("layers: [6]\nmodules:\n  lora: {rank: 1}\n", "--model", "minilm")
    assert "bad.yaml:1: layers: found layer 6, expected 0 to 5" in beyond


@pytest.mark.slow
def test_spaces_check_and_show_say_what_forbids_nothing(tmp_path):
    file = tmp_path / "idle.yaml"
    file.write_text("modules:\n  lora: {rank: 1 | 2}\nconstraints: [lora.rank <= 8, params <= 90%]\n")
    rank = "note: constraint 'lora.rank <= 8': it forbids nothing"
    assert rank in invoke("spaces", "check", file)
    for said in (invoke("spaces", "check", file, "--model", "minilm"), invoke("spaces", "show", file)):
        assert rank in said
        assert "note: the limit of 90%: it forbids nothing: no configuration has more than 18,432" in said
    file.write_text("modules:\n  lora: {rank: 1 | 2}\nconstraints: [params <= 1k]\n")
    words = [sys.executable, "-m", "autopeft.cli", "spaces", "check", str(file), "--model", "minilm"]
    done = subprocess.run(words, capture_output=True, text=True)
    assert done.returncode == 2
    assert "the limit of 1000 is 1,000, expected at least 9,216" in done.stderr


def test_listings():
    assert "icd10" in json.loads(invoke("tasks", "--json"))["tasks"]
    methods = json.loads(invoke("methods", "--json"))
    assert {"lora", "serial_adapter", "parallel_adapter", "prefix"} <= set(methods)
    assert methods["lora"]["costs"]["bytes"] == 4 * methods["lora"]["costs"]["params"]
    assert methods["prompt"]["costs"]["flops"] > methods["lora"]["costs"]["flops"] == 0
    listed = invoke("methods")
    for name in methods:
        assert name in listed
    assert "lora r=8 a=16 q,v @0-5: 73,728 trained, 294,912 bytes stored, no more FLOPs" in listed


def test_published_systems():
    rows = json.loads(invoke("methods", "--systems", "--json"))
    assert [row["id"] for row in rows] == list(range(1, 46))
    said = {"id", "name", "source", "state", "fidelity", "offered_by", "use", "scale", "budget", "mode", "differs"}
    assert all(said | {"why", "recorded"} == set(row) for row in rows)
    assert all(bool(row["use"]) == (row["state"] in ("works", "tested on toy data")) for row in rows)
    assert rows[11]["use"] == "autopeft search --space autopeft"
    assert rows[7]["differs"].endswith("The backbone's dropout stays off.")
    listed = invoke("methods", "--systems")
    lines = listed.splitlines()
    assert max(map(len, lines)) <= 160
    numbers = [line.split()[0] for line in lines[1:-2] if line[:2].strip()]
    assert numbers == [str(row["id"]) for row in rows]
    (id3,) = (line for line in lines if " ID3 " in line)
    assert " ".join(id3.split()) == "8 ID3 works release id3 modules: {id3: {}}"
    states = {state: sum(row["state"] == state for row in rows) for state in {row["state"] for row in rows}}
    assert all(f"{count} {state}" in lines[-2] for state, count in states.items())


def test_the_published_systems_of_a_method():
    assert [row["name"] for row in json.loads(invoke("methods", "kasa", "--systems", "--json"))] == ["KaSA"]
    assert [row["id"] for row in json.loads(invoke("methods", "lora", "--systems", "--json"))] == [5, 9, 21, 30]
    listed = invoke("methods", "id3", "--systems")
    for part in ("modules: {id3: {}}", "8 ID3\n  source: ", "  scale: none", "  mode: train", "  differs: Matrices"):
        assert part in listed
    assert "recorded in: studies/arena" in invoke("methods", "prefix", "--systems")
