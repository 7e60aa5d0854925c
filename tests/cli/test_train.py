"""From a finished run on: export, train, evaluate, as a user does it."""

import json
import shutil

import pytest
import yaml
from typer.testing import CliRunner

from autopeft.cli import app
from autopeft.errors import AutopeftError, ConfigurationError
from autopeft.selection.finalists_file import Finalist, FinalistsFile, Interval, SeedResult, Setting
from autopeft.testing.models import tiny_backbone

DATA = ["--data", "train.csv", "--text", "text", "--label", "label"]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with a tiny model, data, and a run of the two baselines and one trial."""
    folder = tmp_path_factory.mktemp("train")
    rows = [f"{'good happy' if n % 2 else 'bad sad'} film {n},{'yes' if n % 2 else 'no'}" for n in range(120)]
    (folder / "train.csv").write_text("\n".join(["text,label", *rows]) + "\n")
    tiny_backbone("bert", folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        words = ["--model", "tiny-bert", *DATA, "--budget", "20%", "--workers", "0", "-o", "run"]
        invoke("search", *words, "--epochs", "1", "--examples", "40", "--trials", "3", "--space", "lora")
        invoke("export", "run", "--pick", 1, "--to", "peft", "-o", "adapters")
    (folder / "of.yaml").write_text("modules: {lora: {rank: 2, targets: [q]}}")
    shutil.copytree(folder / "run", folder / "lost")
    (folder / "lost" / "study.yaml").unlink()
    return folder


@pytest.fixture(autouse=True)
def here(place, monkeypatch):
    monkeypatch.chdir(place)


def invoke(*words):
    done = CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


def test_a_pick_is_trained_measured_merged_and_measured_again(place):
    said = invoke("train", "run", "--pick", 1, "--epochs", 2, "--merge", "-o", "trained")
    assert "trial 1: lora r=8" in said
    assert "training examples, 2 epochs" in said
    figures = json.loads((place / "trained" / "metrics.json").read_text())
    assert "model   tiny-bert, " in said
    assert "task    train" in said
    assert "model   tiny-bert, " in invoke("evaluate", "trained", *DATA)
    found = json.loads(invoke("evaluate", "trained", *DATA, "--json"))
    assert {name: found[name] for name in figures["test"]} == pytest.approx(figures["test"], abs=1e-5)
    assert found["trained_on"] == 0
    again = json.loads(invoke("evaluate", "trained", *DATA, "--split", "validation", "--json"))
    assert {name: again[name] for name in figures["validation"]} == pytest.approx(figures["validation"], abs=1e-5)
    assert "precision  recall" in invoke("evaluate", "trained", *DATA)
    assert (place / "trained" / "merged" / "model.safetensors").is_file()
    card = (place / "trained" / "README.md").read_text()
    assert card.startswith("---\n# trial 1 of the run run (")
    assert "## Use it" in card
    assert not (place / "trained" / "checkpoints").exists()
    again = invoke("train", "run", "--pick", 1, "--epochs", 2, "-o", "trained")
    assert "this training was finished before, in trained; nothing is trained again" in again
    assert "the merged model is in trained/merged" in again
    assert json.loads((place / "trained" / "metrics.json").read_text())["test"] == figures["test"]


def test_what_is_exported_as_yaml_is_trained_from_it(place):
    invoke("export", "run", "--pick", 1, "--to", "autopeft", "-o", "own")
    words = ["--model", "tiny-bert", *DATA, "--examples", 40, "--epochs", 1, "-o", "of-file"]
    said = invoke("train", "own/configuration.yaml", *words)
    assert "train   configuration.yaml: lora r=8" in said
    assert "40 training examples, 1 epochs" in said


def test_a_finalist_is_exported_with_what_it_learned(place):
    invoke("train", "run", "--pick", 1, "--epochs", 1, "-o", "run/finalists/stock/seed-2")
    configuration = json.loads((place / "run/finalists/stock/seed-2/autopeft.json").read_text())["configuration"]
    unit = Interval(mean=0.5, low=0.4, high=0.6)
    stock = Finalist(
        name="stock-lora",
        trial=None,  # as of one whose best learning rate is not that of its trial
        baseline="stock-lora",
        configuration=configuration,
        params=1,
        share=0.1,
        learning_rate=1e-3,
        seeds=(
            SeedResult(seed=1, validation=0.1, test=0.9, folder="finalists/stock/seed-1"),
            SeedResult(seed=2, validation=0.6, test=0.1, folder="finalists/stock/seed-2"),
        ),
        validation=unit,
        test=unit,
        front_probability=0.5,
        beats_stock=None,
        verdict="",
    )
    file = FinalistsFile(
        setting=Setting(examples=40, epochs=3.0), metric="accuracy", test_readings=2, verdict="", finalists=(stock,)
    )
    file.write(place / "run")
    try:
        invoke("export", "run", "--pick", 1, "--to", "peft", "-o", "peft")
        assert 'PeftModel.from_pretrained(model, ".")' in (place / "peft" / "README.md").read_text()
        assert (place / "peft" / "adapter_model.safetensors").is_file()
        beside = yaml.safe_load((place / "peft" / "training.yaml").read_text())
        assert (beside["seed"], beside["epochs"]) == (2, 3.0)
    finally:
        (place / "run" / "finalists.json").unlink()


def test_targets_for_decoders_refuse_naming_task_and_method():
    for target in ("trl", "axolotl", "llamafactory", "torchtune"):
        with pytest.raises(ConfigurationError, match=r"the task train\d* \(lora\) classifies texts; expected --to"):
            CliRunner().invoke(app, ["export", "run", "--pick", "1", "--to", target], catch_exceptions=False)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["train", "run", "--epochs", "-1"], "epochs: found -1.0"),
        (["train", "nowhere.yaml", *DATA], "cannot read nowhere.yaml"),
        # The packaged data is not taken unasked, nor where a run folder has lost what says which data it was.
        (["train", "of.yaml", "--model", "tiny-bert"], "no data is named; expected --data FILE, or --task icd10"),
        (["train", "lost"], "lost has no study.yaml, the plan of its search; put it back"),
        (["evaluate", "adapters"], "no data is named; expected --data FILE, or --task icd10"),
        (["select", "lost"], "lost has no study.yaml, the plan of its search; put it back"),
        (["train", "run", "--report-to", "nowhere"], "cannot report to 'nowhere'"),
        (["export", "run", "--to", "pef"], "did you mean 'peft'"),
        (["evaluate", "run", *DATA], "no readable autopeft.json; expected a folder of saved adapters"),
        (["search", "--target", "trl", "--model", "tiny-bert", *DATA], "expected another --target, or none"),
    ],
)
def test_what_a_user_can_get_wrong(words, message):
    with pytest.raises(AutopeftError) as error:
        CliRunner().invoke(app, words, catch_exceptions=False)
    assert message in str(error.value)
