"""`autopeft compress` from end to end: points of a front from one trial, which every other verb takes."""

import json

import optuna
import pytest
from peft import PeftModel
from safetensors.torch import load_file

from autopeft.backbones import load_backbone
from autopeft.methods.storage import PACKED
from autopeft.selection import read_finalists
from tests.cli.in_process import run_here
from tests.cli.test_search import facts, place, run
from tests.reporting.runs import make_run

__all__ = ["place"]


def autopeft(place, *words, code=0):
    done = run_here(*words, cwd=place)
    assert done.returncode == code, done.stdout + done.stderr
    return done


def refused(run, *words):
    done = run_here("compress", run, *words, cwd=run.parent)
    assert done.returncode == 2, done.stdout + done.stderr
    return " ".join(done.stderr.split())


def test_what_cannot_be_compressed_is_told_before_anything_is_trained(tmp_path):
    folder = make_run(tmp_path / "run", costs=("params", "bytes"))
    assert "trial 0 (no adapters) has no adapters to compress" in refused(folder, "--pick", 0)
    assert "has no end to compress: it is stopped" in refused(folder, "--pick", 4)
    plain = make_run(tmp_path / "plain")
    assert "(params, accuracy), and what is compressed differs in no other cost" in refused(plain)


@pytest.mark.slow
def test_points_are_made_measured_kept_and_taken_by_other_verbs(place):
    run(place, "small", "--trials", "9", "--epochs", "4", "--objectives", "accuracy,bytes")
    folder = place / "small"
    before = facts(folder)
    flags = ["compress", "small", "--pick", "best", "--scale", "1,2,4"]
    first = json.loads(autopeft(place, *flags, "--density", "20%", "--json").stdout)
    assert [row["derived_from"] for row in first["points"]] == [first["derived_from"]] * 3
    made = json.loads(autopeft(place, *flags, "--density", "20%,50%,100%", "--workers", 2, "--json").stdout)
    written = json.loads((folder / "front.json").read_text())["front"]
    assert {row["trial"] for row in written} & {row["trial"] for row in made["points"]}
    # What is recorded is not measured again, and is found by its number; all of it is all of it, whatever the scale.
    assert made["points"][:3] == first["points"]
    assert len(made["points"]) == 7
    assert facts(folder)[: len(before)] == before
    assert len(facts(folder)) == len(before) + 7
    study = optuna.load_study(study_name=None, storage=f"sqlite:///{folder}/study.db")
    own = study.trials[first["derived_from"]]
    whole = made["points"][-1]
    assert (whole["accuracy"], whole["costs"]["bytes"]) == (own.values[1], own.values[0])
    assert all(row["costs"]["bytes"] < own.values[0] / 4 for row in made["points"][:6])
    again = autopeft(place, *flags, "--density", "20%,50%,100%").stdout
    assert "trained once more" not in again
    assert f"7 points were made of trial {first['derived_from']}" in again

    # The same search goes on as if there were none.
    run(place, "small", "--trials", "11", "--epochs", "4", "--objectives", "accuracy,bytes")
    run(place, "other", "--trials", "11", "--epochs", "4", "--objectives", "accuracy,bytes")
    own_facts = [fact for fact in facts(folder) if "compression" not in fact[0]]
    assert own_facts == facts(place / "other")

    best = max(made["points"][:6], key=lambda row: row["accuracy"])
    listed = json.loads(autopeft(place, "trials", "small", "--json").stdout)["trials"]
    assert next(row for row in listed if row["trial"] == best["trial"])["derived_from"] == first["derived_from"]
    autopeft(place, "report", "small")
    autopeft(place, "select", "small", "--seeds", 3)
    packed = [each for each in read_finalists(folder).finalists if "compression" in each.configuration["training"]]
    assert packed, "no point of the front was compressed"
    one = packed[0]
    [kept] = (folder / one.seeds[0].folder).glob(PACKED)
    assert not (kept.parent / "adapter_model.safetensors").exists()
    said = autopeft(place, "export", "small", "--pick", one.trial, "--to", "peft", "-o", "peft").stdout
    assert "PEFT reads nothing else" in " ".join(said.split())
    backbone = load_backbone(place / "tiny-bert")
    PeftModel.from_pretrained(backbone.classifier(3), place / "peft")
    assert sum(value.nbytes for value in load_file(place / "peft" / "adapter_model.safetensors").values()) > 8 * sum(
        value.nbytes for name, value in load_file(kept).items() if name.startswith("packed.")
    )
    refusal = autopeft(place, "export", "small", "--pick", best["trial"], "--to", "transformers", "-o", "t", code=2)
    said = " ".join(refusal.stderr.split())
    assert "cannot express training.compression" in said
    assert said.endswith("`autopeft search --target transformers` finds what it can express")
    trained = autopeft(place, "train", "small", "--pick", best["trial"], "-o", "trained").stdout
    assert (place / "trained" / PACKED).is_file(), trained
    evaluated = autopeft(place, "evaluate", "trained", "--data", "train.csv", "--text", "text", "--label", "label")
    assert "accuracy" in evaluated.stdout
