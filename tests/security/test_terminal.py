"""Texts of strangers that command a terminal, in studies, logs, plans and data: they are written out."""

import json

import pytest
from optuna.storages import RDBStorage

from autopeft.cli import echo, terminal
from autopeft.errors import visible
from tests.cli.in_process import run_here
from tests.reporting.runs import make_run

#: Sets the title of the window, clears the screen, deletes, moves up, hides, and turns the order of letters.
COMMANDS = ["\x1b]0;owned\x07", "\x1b[2J", "\x9b2J", "\b\b", "\x1b[1A", "\x1b[8m", "\u202egpj"]
HOSTILE = "".join(COMMANDS)


@pytest.fixture
def hostile(tmp_path):
    """A stranger's run whose study and log hold commands."""
    run = make_run(tmp_path / "run", trials=8)
    storage = RDBStorage(f"sqlite:///{run / 'study.db'}")
    outcomes = [(trial._trial_id, trial.user_attrs.get("outcome") or {}) for trial in storage.get_all_trials(1)]
    change = "UPDATE trial_user_attributes SET value_json = ? WHERE key = "
    with storage.engine.begin() as connection:
        connection.exec_driver_sql(f"{change}'in_words'", (json.dumps(f"{HOSTILE} [/red] :fire:"),))
        connection.exec_driver_sql(f"{change}'baseline'", (json.dumps(None),))
        for trial, outcome in outcomes:
            if outcome.get("message"):
                hurt = json.dumps(outcome | {"message": HOSTILE, "detail": HOSTILE})
                connection.exec_driver_sql(f"{change}'outcome' AND trial_id = ?", (hurt, trial))
    line = {
        "time": "2026-01-01T00:00:00+00:00",
        "event": "said",
        "message": HOSTILE,
        "process": {"pid": 1, "host": "h"},
    }
    (run / "run.jsonl").write_text(json.dumps(line) + "\n")
    return tmp_path


def commands_in(text):
    return [each for each in COMMANDS if each in text]


@pytest.mark.parametrize("words", [["trials", "run"], ["trials", "run", "--traceback", "6"], ["log", "run"]])
def test_what_a_run_holds_commands_no_terminal(words, hostile, monkeypatch):
    done = run_here(*words, cwd=hostile)
    assert done.returncode == 0, done.stderr
    assert commands_in(done.stdout) == []
    assert "\\x1b]0;owned" in done.stdout.replace("\n", "")
    monkeypatch.setattr(terminal, "visible", lambda text: text)
    monkeypatch.setattr(echo, "visible", lambda text: text)
    assert "\x1b]0;owned" in run_here(*words, cwd=hostile).stdout


def test_brackets_and_colons_are_shown_as_they_are(hostile):
    shown = run_here("trials", "run", cwd=hostile).stdout
    assert "[/red]" in shown.replace("\n", "")
    assert ":fire:" in shown.replace("\n", "")


def test_a_plan_and_data_command_none(tmp_path, monkeypatch):
    (tmp_path / "plan.yaml").write_text('"\\e]0;owned\\a": 1\n')
    (tmp_path / "rows.csv").write_text(
        "text,label\n" + "".join(f"film {HOSTILE} {n},a{HOSTILE}{n % 2}\n" for n in range(40))
    )
    for words in (["search", "plan.yaml"], ["data", "rows.csv", "--text", "text", "--label", "label"]):
        done = run_here(*words, cwd=tmp_path)
        assert commands_in(done.stdout + done.stderr) == []
    monkeypatch.setattr(terminal, "visible", lambda text: text)
    assert commands_in(run_here("data", "rows.csv", "--text", "text", "--label", "label", cwd=tmp_path).stdout)


def test_other_letters_stay():
    for text in ("naïve café", "a b", "שלום", "日本語", "±0.5", "line\n\ttab", "👩‍👩‍👧"):
        assert visible(text) == text
