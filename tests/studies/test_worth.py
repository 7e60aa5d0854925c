"""What searching is worth: splits that do not meet, and verdicts that follow from the scores."""

import json
from zlib import crc32

import numpy as np
import pytest

from autopeft.methods import REFERENCES
from autopeft.selection.statistics import Difference
from autopeft.space import BackboneShape, Configuration
from studies.arena.record import SHARED
from studies.worth.contenders import Pick
from studies.worth.measure import BY_HAND, scores_file
from studies.worth.show import Verdict, main, of_task, over_tasks
from studies.worth.tasks import TASKS

SHAPE = BackboneShape(6, 384, 1536, ("q", "k", "v", "o", "up", "down"))
needs_data = pytest.mark.skipif(not SHARED.is_dir(), reason=f"no data in {SHARED}")


def write(folder, file, picks, seconds, rng):
    """Write picks, each by name with its parameters and the accuracy on test that it reaches."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "whole").mkdir(exist_ok=True)
    written = {}
    for name, (params, accuracy) in picks.items():
        text = json.dumps({"modules": {}, "training": {"learning_rate": crc32(f"{file} {name}".encode()) / 1e10}})
        pick = Pick(Configuration.from_dict(json.loads(text)), params, 100)
        written[name] = {"configuration": pick.configuration.to_dict(), "params": params, "steps": 100}
        shared = np.random.default_rng(7).random(2000)
        scores = (shared + rng.normal(0, 0.02, (5, 2000)) < accuracy).astype(np.float32)
        np.savez_compressed(scores_file(folder, pick), test=scores, validation=scores[:, :500])
    (folder / f"{file}.json").write_text(json.dumps({"seconds": seconds, "picks": written}))


@pytest.fixture
def results(tmp_path):
    rng = np.random.default_rng(0)
    for task, gain in (("trec", 0.0), ("sick", 0.05)):
        references = {each.name: (1000 * 10**place, 0.7 + 0.01 * place) for place, each in enumerate(REFERENCES)}
        ladder = {"ladder": (3000, 0.60)}
        seconds = dict.fromkeys([*references, "ladder"], 50.0)
        write(tmp_path / task, BY_HAND, references | ladder, seconds, rng)
        for seed in (0, 1):
            picks = {"best": (100_000, 0.73 + gain), "cheapest-within 0.5pt": (10_000, 0.728 + gain)}
            write(tmp_path / task, f"search-{seed}", picks, 100.0 + seed, rng)
    return tmp_path


def test_picks_are_held_against_the_best_reference_and_shares_against_the_cheapest_as_good(results):
    reference, verdicts = of_task(results / "trec")
    assert reference == REFERENCES[-1].title
    found = {each.who: each for each in verdicts}
    assert found.keys() == {"autopeft", "autopeft's best", "ladder"}
    assert found["autopeft"].in_a_word == "as good"
    assert found["autopeft"].share == pytest.approx(10_000 / 1_000_000)
    assert [each.seconds for each in verdicts if each.who == "autopeft"] == [100, 101]
    assert found["ladder"].in_a_word == "worse"
    assert found["ladder"].difference.mean == pytest.approx(-0.13, abs=0.01)
    assert {each.who: each.in_a_word for each in of_task(results / "sick")[1]}["autopeft"] == "better"


def test_what_all_tasks_say_is_printed(results, capsys):
    main(results)
    said = capsys.readouterr().out
    assert said.count("| trec | low-rank-all LoRA |") == 5
    assert "autopeft, 2 tasks (all): +2." in said
    assert "new to the portfolio" not in said
    # What has not been trained whole yet is left out.
    for file in (results / "trec" / "whole").iterdir():
        file.unlink()
    assert of_task(results / "trec") == ("", [])


def test_an_open_difference_is_called_open():
    def word(mean, margin):
        return Verdict("", "", 0.7, Difference(mean, margin, 0.5), 1, 1.0, 1.0).in_a_word

    assert [word(0.0, 0.02), word(0.0, 0.005), word(0.03, 0.02), word(-0.03, 0.02)] == [
        "open",
        "as good",
        "better",
        "worse",
    ]
    assert over_tasks([1.0, 1.0, 1.0]) == (1.0, 0.0)
    assert over_tasks([0.0, 2.0])[1] == pytest.approx(12.706, abs=0.01)


@needs_data
@pytest.mark.parametrize("name", TASKS)
def test_splits_do_not_share_rows_and_are_always_the_same(name, tmp_path):
    one = TASKS[name]
    found = []
    for folder in (tmp_path / "a", tmp_path / "b"):
        one.plan(folder)
        files = {split: folder / f"{split}.jsonl" for split in ("train", "validation", "test")}
        found.append({split: file.read_text(encoding="utf8").splitlines() for split, file in files.items()})
    rows = found[0]
    assert rows == found[1]
    assert len(rows["test"]) >= one.most.get("test", 1000)
    # Some rows stand in the data twice.
    for split in ("validation", "test"):
        assert len(set(rows["train"]) & set(rows[split])) <= 0.02 * len(rows[split])
