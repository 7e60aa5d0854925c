"""With what a search ends: 2 for what a user can mend, 1 where it could not go on or led to nothing, 130 stopped."""

import json
import sys

import pytest

from autopeft.cli import main
from autopeft.errors import DataError
from autopeft.launch import rehearsal
from autopeft.testing.models import TEXTS, tiny_backbone
from autopeft.trials import runner

ROWS = [f"{text} {n % 3},{'ab'[n % 2]}" for n in range(20) for text in TEXTS]


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Return what runs a search in this process and returns its exit code, standard output and standard error."""
    (tmp_path / "train.csv").write_text("text,label\n" + "\n".join(ROWS) + "\n")
    tiny_backbone("bert", tmp_path)
    monkeypatch.chdir(tmp_path)

    def search(*words):
        command = ["search", "--model", "tiny-bert", "--data", "train.csv", "--text", "text", "--label", "label"]
        command += [
            "--budget",
            "20%",
            "--epochs",
            "1",
            "--examples",
            "40",
            "--workers",
            "0",
            "--no-select",
            "-o",
            "run",
        ]
        monkeypatch.setattr(sys, "argv", ["autopeft", *command, *words])
        with pytest.raises(SystemExit) as end:
            main()
        said = capsys.readouterr()
        return end.value.code or 0, said.out, said.err

    return search


@pytest.fixture
def broken(monkeypatch):
    """Return what lets every training raise an error, which the rehearsal does not see."""

    def breaks(error):
        def fit(*_, **__):
            raise error
            yield

        monkeypatch.setattr(rehearsal, "rehearse", lambda *_: None)
        monkeypatch.setattr(runner, "fit", fit)

    return breaks


def test_a_search_that_leads_to_a_front(run):
    assert run("--trials", "2")[0] == 0


def test_a_search_of_which_no_trial_completes(run, broken):
    broken(RuntimeError("no such operator"))
    reason = "no trial completed; 3 of 3 ended so: error: RuntimeError: no such operator"
    code, out, _ = run("--trials", "3")
    assert code == 1
    assert reason in out
    assert "Pareto front" in out
    code, out, err = run("--trials", "3", "--json")
    assert code == 1
    assert json.loads(out)["front"] == []
    assert reason in err


def test_a_search_whose_trials_keep_failing(run, broken):
    broken(RuntimeError("no such operator"))
    code, _, err = run("--trials", "9")
    assert code == 1
    assert err.startswith("error: 6 trials in a row failed, the last one so: RuntimeError: no such operator")


def test_a_search_whose_trials_keep_failing_for_what_can_be_mended(run, broken):
    broken(DataError("line 7 is empty; fill it"))
    code, _, err = run("--trials", "9")
    assert code == 2
    assert "line 7 is empty; fill it" in err


def test_a_search_interrupted_before_its_first_trial(run, monkeypatch, tmp_path):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(rehearsal, "rehearse", interrupt)
    assert run("--trials", "3")[0] == 130
    assert not (tmp_path / "run").exists()


def test_a_search_interrupted_in_a_trial_leaves_no_lock(run, broken, tmp_path):
    broken(KeyboardInterrupt())
    assert run("--trials", "3")[0] == 130
    assert not list((tmp_path / "run").glob("*.lock"))


def test_a_search_without_the_time_for_a_trial(run):
    code, out, _ = run("--trials", "3", "--time-limit", "0.001s")
    assert code == 1
    assert "no trial completed: none has ended yet" in out
