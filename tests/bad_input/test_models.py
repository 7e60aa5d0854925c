"""Models that are none, are not whole, or do not fit what is asked of them."""

import json
import shutil
from pathlib import Path

import pytest

from tests.bad_input.case import Case, check_refused
from tests.bad_input.rows import CSV, TALKS

GOOD = {"data.csv": CSV}
SEARCH = "search --data data.csv --budget 20% --trials 2 --workers 0 --no-select -o run --model "
TALKING = SEARCH.replace("data.csv", "data.jsonl")
ROLES = "layers: encoder.layer\nattention: attention.self\nroles:\n  q: attention.self.query\n"

NAMED = [
    Case(
        "a file in place of a folder",
        SEARCH + "data.csv",
        ("data.csv is a file", "expected the folder of a model, as `save_pretrained` wrote"),
        GOOD,
    ),
    Case(
        "the weights in place of their folder",
        SEARCH + "{place}/tiny-bert/model.safetensors",
        ("is a file", "expected the folder of a model, as `save_pretrained` wrote"),
        GOOD,
    ),
    Case(
        "a name of nothing", SEARCH + "''", ("flags: model: found '': string should have at least 1 character",), GOOD
    ),
    Case(
        "a name with blanks",
        SEARCH + "'tiny bert'",
        (
            "cannot find the model tiny bert: there is no such folder, and the",
            "check the name, or log in with `hf auth login`",
        ),
        GOOD,
    ),
    Case(
        "a folder that is empty but for notes",
        SEARCH + "./model",
        ("is a folder without config.json", "expected one `save_pretrained` wrote"),
        GOOD | {"model/notes.md": "to do"},
    ),
    Case(
        "adapters in place of a model",
        SEARCH + "./model",
        ("holds adapters and no model", "name the model that they are for"),
        GOOD | {"model/adapter_config.json": "{}"},
    ),
    Case(
        "a model of images",
        SEARCH + "{place}/tiny-vit",
        ("tiny-vit: 'vit' models read images; choose a model of texts for a task with texts", "--model"),
        GOOD,
    ),
    Case(
        "a config of another program",
        SEARCH + "./model",
        ("cannot load the model model from", "expected a whole model and its tokenizer, as"),
        GOOD | {"model/config.json": '{"name": "x"}'},
    ),
    Case(
        "a type that nobody knows",
        SEARCH + "./model",
        (
            "The checkpoint you are trying to load has model type `brett` but",
            "expected a whole model and its tokenizer, as",
        ),
        GOOD | {"model/config.json": '{"model_type": "brett"}'},
    ),
    Case(
        "a config that is a list",
        SEARCH + "./model",
        ("cannot load the model model from", "expected a whole model and its tokenizer, as"),
        GOOD | {"model/config.json": "[1]"},
    ),
    Case(
        "a config that is binary",
        SEARCH + "./model",
        ("cannot load the model model from", "expected a whole model and its tokenizer, as"),
        GOOD | {"model/config.json": bytes(range(256))},
    ),
    Case(
        "roles that are not there",
        SEARCH + "{place}/tiny-bert --roles roles.yaml",
        (
            "cannot read the roles file roles.yaml: No such file or directory",
            "expected YAML with the keys layers, attention and roles",
        ),
        GOOD,
    ),
    Case(
        "roles that are no YAML",
        SEARCH + "{place}/tiny-bert --roles roles.yaml",
        (
            'while parsing a flow sequence in "<unicode string>", line 1, column',
            "expected YAML with the keys layers, attention and roles",
        ),
        GOOD | {"roles.yaml": "a: [1"},
    ),
    Case(
        "roles without layers",
        SEARCH + "{place}/tiny-bert --roles roles.yaml",
        ("found roles", "expected the keys layers, attention and roles"),
        GOOD | {"roles.yaml": "roles: {q: a}"},
    ),
    Case(
        "a role that is none",
        SEARCH + "{place}/tiny-bert --roles roles.yaml",
        ("roles: found query", "expected some of q, k, v, qkv, o, up, gate, down"),
        GOOD | {"roles.yaml": ROLES + "  query: x\n"},
    ),
    Case(
        "roles that lack some",
        SEARCH + "{place}/tiny-bert --roles roles.yaml",
        (
            "cannot tell the parts of this 'bert' model apart: roles not found: k,",
            "Supply a mapping, by `--roles FILE` with this YAML (names",
        ),
        GOOD | {"roles.yaml": ROLES},
    ),
    Case(
        "layers of another model",
        SEARCH + "{place}/tiny-bert --roles roles.yaml",
        (
            "cannot tell the parts of this 'bert' model apart: no list of layers",
            "Supply a mapping, by `--roles FILE` with this YAML (names",
        ),
        GOOD
        | {
            "roles.yaml": ROLES.replace("encoder.layer", "h")
            + "".join(f"  {role}: x\n" for role in ("k", "v", "o", "up", "down"))
        },
    ),
    Case(
        "4 and 8 bits at once",
        SEARCH + "{place}/tiny-bert --load-in-4bit --load-in-8bit",
        ("flags: load_in_8bit: found True: excludes load_in_4bit", "give one of them"),
        GOOD,
    ),
    Case(
        "texts longer than the model reads",
        SEARCH + "{place}/tiny-bert --max-length 5000",
        ("max_length is 5000, but the model reads at most 128 tokens", "give less by --max-length"),
        GOOD,
    ),
    Case(
        "a classifier that shall write",
        TALKING + "{place}/tiny-bert --kind causal",
        (
            "tiny-bert: 'bert' models do not generate text, but the data is text",
            "choose a decoder such as `--model smollm2`, or name the",
        ),
        {"data.jsonl": TALKS},
    ),
    Case(
        "gates in a decoder",
        TALKING + "{place}/tiny-llama --space unipelt",
        ("no configuration of the space 'unipelt' can be built on tiny-llama:", "expected no gate, or another method"),
        {"data.jsonl": TALKS},
    ),
    Case(
        "a revision of a folder that is not there",
        SEARCH + "./nowhere --revision main",
        ("model folder ./nowhere does not exist", "expected one that `save_pretrained` wrote"),
        GOOD,
    ),
]


@pytest.mark.parametrize("case", NAMED, ids=lambda case: case.name)
def test_a_model_is_refused(case, tmp_path, place):
    check_refused(case, tmp_path, place)


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def without(name: str):
    return lambda model: (model / name).unlink()


def changed(**values):
    def change(model: Path) -> None:
        config = json.loads((model / "config.json").read_text())
        (model / "config.json").write_text(json.dumps(config | values))

    return change


#: What becomes of a whole model, and what is said.
BROKEN = {
    "a config that was cut": (
        lambda model: cut(model / "config.json"),
        ("config.json' is not a valid JSON file", "expected a whole model and its tokenizer"),
    ),
    "weights that were cut": (
        lambda model: cut(model / "model.safetensors"),
        ("file not fully covered", "expected a whole model and its tokenizer"),
    ),
    "weights that are text": (
        lambda model: (model / "model.safetensors").write_text("version https://git-lfs"),
        ("Error while deserializing header", "expected a whole model and its tokenizer"),
    ),
    "no weights": (without("model.safetensors"), ("no weights found", "expected model.safetensors")),
    "a tokenizer that was cut": (
        lambda model: cut(model / "tokenizer.json"),
        ("Expecting property name", "expected a whole model and its tokenizer"),
    ),
    "no tokenizer": (
        without("tokenizer.json"),
        ("Couldn't instantiate the backend tokenizer", "expected a whole model and its tokenizer"),
    ),
    "a config of another size": (
        changed(hidden_size=64),
        ("its checkpoint has in another size", "expected weights and config.json that belong together"),
    ),
    "a config with more layers": (
        changed(num_hidden_layers=5),
        ("its checkpoint lacks bert.encoder.layer.3", "expected weights and config.json that belong together"),
    ),
    "a config with a word for a number": (
        changed(hidden_size="large"),
        ("Validation error for field 'hidden_size'", "expected a whole model and its tokenizer"),
    ),
    "heads that do not divide": (
        changed(num_attention_heads=5),
        ("its config.json describes no model", "not a multiple of the number of attention heads (5)"),
    ),
    "fewer words than the tokenizer has": (
        changed(vocab_size=5),
        ("has embeddings for tokens 0 to 4, but its tokenizer writes", "take the tokenizer that it was trained with"),
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_model_is_refused(name, tmp_path, place):
    broken, said = BROKEN[name]
    shutil.copytree(place / "tiny-bert", tmp_path / "model")
    broken(tmp_path / "model")
    check_refused(Case(name, SEARCH + "./model", said, GOOD), tmp_path, place)
