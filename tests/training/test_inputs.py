"""A full training pulls the levers of inputs and of the loss as trials do."""

import json

import pytest

from autopeft.backbones import load_backbone
from autopeft.methods import VOCABULARY
from autopeft.space import canonical
from autopeft.tasks import TaskSpec, load_task
from autopeft.testing.decoders import tiny_decoder
from autopeft.testing.models import tiny_backbone
from autopeft.training import fine_tune
from autopeft.trials import TrialSetting, kind_of, use_threads
from tests.trials.test_material import BACK, COLUMN, EDA, MIXUP, TERM, told_task

SETTING = TrialSetting(examples=8, validation_examples=8, epochs=1.0, batch_size=8, max_length=16)
LORA = {"modules": {"lora": {"rank": 2}}, "training": {"learning_rate": 1e-2}}


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    use_threads(1)
    backbone = load_backbone(tiny_backbone("bert", tmp_path_factory.mktemp("model")))

    def run(data):
        configuration = canonical({**LORA, "data": data}, VOCABULARY, backbone.shape)
        return fine_tune(configuration, backbone, told_task(), SETTING, tmp_path_factory.mktemp("out"))

    return run


NOTHING = {**MIXUP, "mixup_alpha": 0.0, **TERM, "supervised_weight": 0.0}


@pytest.mark.parametrize("data", [NOTHING, {**MIXUP, **TERM}], ids=["nothing", "something"])
def test_the_loss_is_that_of_trials(trained, data):
    plain, pulled = trained({}), trained(data)
    assert plain.steps == pulled.steps
    assert (plain.validation == pulled.validation) == (data == NOTHING)


@pytest.mark.slow
@pytest.mark.parametrize("data", [EDA, BACK, COLUMN], ids=["eda", "back-translation", "column"])
def test_rows_are_in_the_form_that_is_asked_for(trained, data):
    plain, pulled = trained({}), trained(data)
    assert plain.steps == pulled.steps
    assert plain.validation != pulled.validation


@pytest.mark.slow
def test_a_decoder_learns_the_answers_of_another_column(tmp_path):
    pytest.importorskip("trl")
    path = tmp_path / "rows.jsonl"
    rows = [{"prompt": f"the film {number}", "completion": " good", "steps": " of it good"} for number in range(60)]
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf8")
    task = load_task(TaskSpec(data=str(path), beside=("steps",)))
    backbone = kind_of(task).load_backbone(tiny_decoder("llama", tmp_path / "model"))
    setting, _ = kind_of(task).choose_setting(task, backbone.tokenizer(), batch_size=8, precision="fp32", epochs=2.0)
    found = []
    for data in ({}, {"column": "steps"}):
        configuration = canonical({**LORA, "data": data}, VOCABULARY, backbone.shape)
        found.append(fine_tune(configuration, backbone, task, setting, tmp_path / f"out{len(found)}"))
    assert found[0].steps == found[1].steps
    # Measured are the answers as they stand, of which more is learned where they are what is learned.
    assert found[0].validation["loss"] < found[1].validation["loss"]
