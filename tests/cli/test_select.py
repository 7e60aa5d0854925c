"""`autopeft select` from end to end, on real small data with a tiny model."""

import json
import subprocess
import sys

import numpy as np
import pytest

from autopeft.backbones import load_backbone
from autopeft.methods import load
from autopeft.selection import read_finalists
from autopeft.tasks import TaskSpec, load_task
from autopeft.testing.decoders import tiny_decoder
from autopeft.testing.models import TEXTS
from autopeft.training.seen import seen_rows
from tests.cli.test_search import WORDS, place, run
from tests.saved.test_cards import run as run_cards

pytestmark = pytest.mark.slow

__all__ = ["place"]


def autopeft(place, *words, code=0):
    command = [sys.executable, "-m", "autopeft.cli", *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=place, timeout=300)
    assert done.returncode == code, done.stdout + done.stderr
    return done


@pytest.fixture(scope="module")
def selected(place):
    """Return the run folder and what a first selection printed."""
    run(place, "run", "--trials", "8", "--epochs", "6")
    return place / "run", autopeft(place, "select", "run", "--seeds", 3, "--with-full")


def stamps(folder):
    return {path: path.stat().st_mtime_ns for path in sorted((folder / "finalists").rglob("*")) if path.is_file()}


def test_finalists_are_trained_measured_and_saved(selected):
    folder, done = selected
    file = read_finalists(folder)
    by_name = {each.name: each for each in file.finalists}
    assert {"head", "stock-lora", "full"} <= by_name.keys()
    assert by_name["stock-lora"].against == {}
    assert by_name["full"].against.keys() == {"stock-lora"}
    assert by_name["full"].share == 1
    assert all(len(each.seeds) == 3 for each in file.finalists)
    assert file.test_readings == sum(len(each.seeds) for each in file.finalists)
    for each in file.finalists:
        assert each.test.low <= each.test.mean <= each.test.high
        assert 0 <= each.front_probability <= 1
        for seed in each.seeds:
            assert 0 not in {each.seed for each in each.seeds}
            assert (folder / seed.folder).is_dir()
    backbone = load_backbone(folder.parent / "tiny-bert")
    stock = by_name["stock-lora"]
    assert (
        load(folder / stock.seeds[0].folder, backbone.classifier(3), backbone.anatomy).to_dict() == stock.configuration
    )
    assert file.verdict in " ".join(done.stdout.split())
    assert "Finalists" in done.stdout
    assert f"Test has been read {file.test_readings} times" in done.stdout


def test_folders_of_finalists_are_whole_and_their_cards_run(selected, tmp_path):
    folder, _ = selected
    seeds = {each.name: folder / each.seeds[0].folder for each in read_finalists(folder).finalists}
    chosen = [seeds[name] for name in ("head", "stock-lora", "full")]
    for result, saved in zip(run_cards(chosen, tmp_path / "out.json"), chosen, strict=True):
        assert np.allclose(result["together"], result["alone"], atol=1e-4)
        assert sorted(result["labels"].values()) == sorted(WORDS)
        card = (saved / "README.md").read_text()
        assert f" of the run run, seed {saved.name.removeprefix('seed-')}; accuracy " in card.splitlines()[1]
        assert all(f"| `{path.name}` |" in card for path in saved.iterdir())
    task = load_task(TaskSpec.of(data=folder.parent / "train.csv", text="text", label="label"))
    assert seen_rows(seeds["stock-lora"], task.kind, task.train) > 0
    assert not list((folder / "finalists").rglob("*.training"))


def test_what_is_done_is_not_done_again(selected):
    folder, _ = selected
    before, file = stamps(folder), read_finalists(folder)
    again = autopeft(folder.parent, "select", "run", "--seeds", 3, "--with-full", "--json")
    assert json.loads(again.stdout) == file.model_dump(mode="json")
    assert stamps(folder) == before
    lost = folder / file.finalists[0].seeds[1].folder / "finalist.json"
    lost.unlink()
    mended = autopeft(folder.parent, "select", "run", "--seeds", 3, "--with-full", "--workers", 2)
    changed = {path.parent for path, stamp in stamps(folder).items() if before.get(path) != stamp}
    assert changed == {lost.parent}
    assert mended.stdout.count("on validation,") == 1
    assert read_finalists(folder).test_readings == file.test_readings + 1


def test_picks_read_the_finalists(selected):
    folder, _ = selected
    file = read_finalists(folder)
    best = max((each for each in file.finalists if each.baseline != "full"), key=lambda each: each.validation.mean)
    said = autopeft(folder.parent, "export", "run", "--pick", "best", "--to", "autopeft", "-o", "best").stdout
    assert best.in_words in said


def test_a_longer_final_setting_trains_anew_and_an_impossible_one_is_refused(place):
    run(place, "final", "--trials", "3")
    plan = place / "final" / "study.yaml"
    told = plan.read_text()
    plan.write_text(f"{told}final: {{epochs: 2, examples: 30}}\n")
    autopeft(place, "select", "final", "--seeds", 3)
    assert read_finalists(place / "final").setting.model_dump() == {"examples": 30, "epochs": 2.0}
    plan.write_text(f"{told}final: {{examples: 30000}}\n")
    assert "final.examples is 30,000; expected at most the" in autopeft(place, "select", "final", code=2).stderr
    plan.write_text(f"{told}final: {{epoch: 2}}\n")
    refused = autopeft(place, "select", "final", code=2).stderr
    assert "final.epoch: no such setting; did you mean 'epochs'?" in " ".join(refused.split())


def test_too_few_seeds_and_no_front_are_refused(place):
    run(place, "young", "--trials", "1")
    assert "has not finished" in autopeft(place, "select", "young", code=2).stderr
    run(place, "young", "--trials", "3")
    assert "expected at least 3" in autopeft(place, "select", "young", "--seeds", 2, code=2).stderr


def test_search_selects_at_its_end_and_a_decoder_has_the_untouched_model_beside_it(tmp_path):
    tiny_decoder("llama", tmp_path)
    rows = [{"question": f"{' '.join(text.split()[:3])} {n}", "answer": text} for n in range(20) for text in TEXTS]
    (tmp_path / "train.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\n")
    flags = ["--budget", "10%", "--trials", 4, "--examples", 24, "--epochs", 2, "--workers", 0, "-o", "run"]
    done = autopeft(tmp_path, "search", "--model", "tiny-llama", "--data", "train.jsonl", *flags)
    file = read_finalists(tmp_path / "run")
    head = next(each for each in file.finalists if each.baseline == "head")
    assert len(head.seeds) == 1
    assert file.metric == "token_accuracy"
    assert "untouched model" in done.stdout
    assert file.verdict in " ".join(done.stdout.split())
