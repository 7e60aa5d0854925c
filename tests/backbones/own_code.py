"""A tiny model that brings code of its own, as many on the hub do."""

import json
from pathlib import Path

from autopeft.testing.decoders import tiny_decoder
from autopeft.testing.models import tiny_backbone

#: What the code prints when it runs.
MARK = "the model's own code runs"

_CODE = f"""
from transformers import {{base}}Config, {{base}}{{task}}

print({MARK!r})


class OwnConfig({{base}}Config):
    model_type = "own-{{kind}}"


class OwnModel({{base}}{{task}}):
    config_class = OwnConfig
"""


def own_classifier(folder: Path) -> Path:
    """Write a BERT whose class transformers does not know; return its folder."""
    return _own(Path(tiny_backbone("bert", folder)), "bert", "Bert", "ForSequenceClassification")


def own_decoder(folder: Path) -> Path:
    """Write a Llama whose class transformers does not know; return its folder."""
    return _own(Path(tiny_decoder("llama", folder)), "llama", "Llama", "ForCausalLM")


def _own(folder: Path, kind: str, base: str, task: str) -> Path:
    (folder / "modeling_own.py").write_text(_CODE.format(base=base, task=task, kind=kind))
    auto_map = {"AutoConfig": "modeling_own.OwnConfig", f"AutoModel{task}": "modeling_own.OwnModel"}
    return changed(folder, model_type=f"own-{kind}", auto_map=auto_map)


def changed(folder: Path, file: str = "config.json", **keys: object) -> Path:
    """Change keys of a model's JSON file; return its folder."""
    path = folder / file
    path.write_text(json.dumps(json.loads(path.read_text()) | keys))
    return folder
