"""Adapters saved here and loaded by a process that knows nothing of this one, all methods at once."""

import json
import subprocess
import sys

import pytest
import torch
from safetensors.torch import save_file

from autopeft.errors import ConfigurationError
from autopeft.methods import VOCABULARY, apply, save
from autopeft.space import canonical
from autopeft.testing.methods import logits, randomise
from autopeft.testing.models import tiny_batch
from tests.methods.examples import EXAMPLES
from tests.methods.test_contract import ARCHITECTURES

LOAD = """
import json, sys
from pathlib import Path
from safetensors.torch import load_file
import torch
from autopeft.backbones import load_backbone
from autopeft.methods import load
from autopeft.testing.methods import logits
folder, model, names = Path(sys.argv[1]), sys.argv[2], json.loads(sys.argv[3])
backbone, batch, expected = load_backbone(model), load_file(folder / "batch"), load_file(folder / "logits")
for name in names:
    twin = backbone.classifier(2)
    load(folder / name, twin, backbone.anatomy)
    found = logits(twin, batch)
    assert torch.allclose(found, expected[name], atol=1e-6), name
print(len(names))
"""


@pytest.mark.slow
@pytest.mark.parametrize("backbone", ARCHITECTURES, indirect=True)
def test_a_fresh_process_computes_the_same(backbone, tmp_path) -> None:
    batch, expected = tiny_batch(backbone), {}
    for name, knobs in EXAMPLES.items():
        model = backbone.classifier(2)
        configuration = canonical({"modules": {name: knobs}}, VOCABULARY, backbone.shape)
        try:
            apply(configuration, model, backbone.anatomy, batches=[batch])
        except ConfigurationError:
            continue
        randomise(model)
        save(model, tmp_path / name)
        expected[name] = logits(model, batch).clone()
    save_file({key: value for key, value in batch.items() if torch.is_tensor(value)}, tmp_path / "batch")
    save_file(expected, tmp_path / "logits")
    words = [sys.executable, "-c", LOAD, tmp_path, backbone.path, json.dumps(list(expected))]
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    assert int(done.stdout.split()[-1]) == len(expected) > 20
