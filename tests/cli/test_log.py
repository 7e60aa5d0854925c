"""`autopeft log` shows what happened in a run, and what is happening."""

import json
import subprocess
import sys
import threading

import pytest

from autopeft.cli import log as verb
from autopeft.launch import RunLog, Silent
from autopeft.log_lines import RUN_LOG, read_log
from autopeft.space import Configuration
from autopeft.study import Ask, locked
from tests.cli.in_process import run_here

TRIAL = Ask(3, Configuration.from_dict({"modules": {}, "training": {}}), None)


@pytest.fixture
def run(tmp_path):
    with RunLog(tmp_path, Silent()) as log:
        log.opened(2)
        log.started(TRIAL)
        log.finished(TRIAL, {"status": "complete", "accuracy": 0.5, "seconds": 12.3}, 9, None)
        log.finished(TRIAL, {"status": "stopped", "seconds": 1.0, "curve": [{"accuracy": 0.3}]}, 9, None)
        log.finished(TRIAL, {"status": "oom", "accuracy": None, "message": "too big"}, 9, None)
        log.said("the space is exhausted")
        log.complete = True
    return tmp_path


def gone(run):
    """Let the lines be of a process that is no more."""
    file = run / RUN_LOG
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    file.write_text(
        "".join(json.dumps(each | {"process": each["process"] | {"started": 0.0}}) + "\n" for each in lines)
    )


def shown(run, *words, code=0):
    done = run_here("log", run, *words, cwd=run)
    assert done.returncode == code, done.stdout + done.stderr
    return done


def test_lines_as_people_read_them(run):
    lines = shown(run).stdout.splitlines()
    assert all(line[4] == line[7] == "-" and line[13] == line[16] == ":" for line in lines)
    opened, *rest, ended = (line[21:] for line in lines)
    assert opened.startswith("process ")
    assert opened.endswith(" begins: search, 2 trials are done")
    assert rest == [
        "trial 3 began: no adapters",
        "trial 3 reached 0.5000 after 12 s",
        "trial 3 was stopped at 0.3000 after 1 s",
        "trial 3 failed, oom: too big",
        "the space is exhausted",
    ]
    assert ended == "the work ended, complete after 0 s"


def test_lines_as_they_are(run):
    assert shown(run, "--json").stdout == (run / RUN_LOG).read_text()


def test_a_torn_line_is_left_out_and_told_where_it_is_asked_for(run):
    whole = shown(run).stdout
    with (run / RUN_LOG).open("a") as file:
        file.write('{"time": "2026-')
    assert (shown(run).stdout, shown(run).stderr) == (whole, "")
    assert shown(run, "-v").stderr == 'line 8 is torn and left out: {"time": "2026-\n'


def test_a_folder_without_a_log_is_told(tmp_path):
    assert "no log in" in shown(tmp_path, code=2).stderr


def test_a_follower_ends_with_the_process_that_ended(run):
    gone(run)
    assert shown(run, "--follow").stdout == shown(run).stdout


def test_a_follower_of_a_process_that_died_says_so(run):
    file = run / RUN_LOG
    file.write_text("".join(file.read_text().splitlines(keepends=True)[:-1]))
    gone(run)
    done = shown(run, "--follow")
    assert done.stdout == shown(run).stdout
    assert "is gone without an end" in done.stderr


def test_a_follower_waits_for_the_selection_after_the_search(run, monkeypatch):
    monkeypatch.setattr(verb, "_BETWEEN_SECONDS", 1.0)
    with locked(run):
        follower = threading.Thread(target=shown, args=(run, "--follow"))
        follower.start()
        follower.join(2.5)
        assert follower.is_alive()
    follower.join(60)
    assert not follower.is_alive()


def test_ctrl_c_ends_a_follower_well(run, monkeypatch):
    def interrupted(*_):
        yield next(read_log(run))
        raise KeyboardInterrupt

    monkeypatch.setattr(verb, "follow_log", interrupted)
    assert len(shown(run, "--follow").stdout.splitlines()) == 1


def test_a_reader_imports_nothing_heavy(run):
    code = (
        "import sys\nfrom autopeft.cli import app\n"
        f"try: app(['log', {str(run)!r}])\nexcept SystemExit as end: assert not end.code\n"
        "sys.exit(f'{sorted(heavy)}' if (heavy := {'torch', 'ray', 'optuna', 'numpy'} & set(sys.modules)) else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "reached 0.5000" in done.stdout
