import json

import numpy as np
import pytest
import torch

from autopeft.backbones import load_backbone
from autopeft.methods import HEAD_ONLY, VOCABULARY, load
from autopeft.space import canonical
from autopeft.tasks import Split, Task, collate, encode, grouped, pad_id_of, score
from autopeft.testing.models import tiny_backbone
from autopeft.training import fine_tune
from autopeft.trials import TrialSetting
from autopeft.trials.classification import predict

SETTING = TrialSetting(examples=8, validation_examples=8, epochs=3.0, batch_size=8, max_length=16)
COMPOSITE = {
    "modules": {"lora": {"rank": 2, "targets": ["q", "o"]}, "serial_adapter": {"size": 4, "layers": [1]}},
    "training": {"learning_rate": 1e-2},
}


def make_task(count=96):
    rng = np.random.default_rng(0)
    words = ("good happy", "bad sad")
    labels = [i % 2 for i in range(count)]
    texts = [f"{' '.join(rng.choice(['film', 'story', 'of'], rng.integers(1, 5)))} {words[label]}" for label in labels]
    return Task("t", ("good", "bad"), "accuracy", False, *[Split(texts, labels)] * 3)


@pytest.fixture(scope="module", params=["bert", "gpt2"])
def backbone(request, tmp_path_factory):
    return load_backbone(tiny_backbone(request.param, tmp_path_factory.mktemp("model")))


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_what_is_saved_is_what_was_measured(backbone, tmp_path, precision):
    task = make_task()
    configuration = canonical(COMPOSITE, VOCABULARY, backbone.shape)
    setting = TrialSetting(**(SETTING.to_dict() | {"precision": precision, "epochs": 6.0}))
    metrics = fine_tune(configuration, backbone, task, setting, tmp_path)
    assert metrics["accuracy"] > 0.8
    written = json.loads((tmp_path / "metrics.json").read_text())
    # The setting draws eight examples; the whole split is trained on.
    assert written == {"validation": metrics, "steps": 72}
    model = backbone.classifier(2)
    assert load(tmp_path, model, backbone.anatomy) == configuration
    tokenizer = backbone.tokenizer()
    encoded = encode(task.validation, tokenizer, 16)
    split = [(rows, collate(encoded, rows, pad_id_of(tokenizer))) for rows in grouped(encoded, 16)]
    labels, predictions, loss = predict(model.eval(), split, precision, lambda rows, longest: None)
    assert score("accuracy", labels, predictions) == pytest.approx(metrics["accuracy"], abs=0.02)
    assert loss == pytest.approx(metrics["loss"], abs=0.02)


def test_the_same_seed_gives_the_same_adapters(backbone, tmp_path):
    configuration = canonical(COMPOSITE, VOCABULARY, backbone.shape)
    runs = [fine_tune(configuration, backbone, make_task(32), SETTING, tmp_path / name, seed=3) for name in "ab"]
    assert runs[0] == runs[1]
    torch.manual_seed(9)
    assert fine_tune(configuration, backbone, make_task(32), SETTING, tmp_path / "c", seed=4) != runs[0]


def test_the_head_alone_is_trained_and_saved(backbone, tmp_path):
    fine_tune(HEAD_ONLY, backbone, make_task(), SETTING, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["autopeft.json", "head.safetensors", "metrics.json"]
