"""Passwords of storages and tokens: in no message, log, plan, report, traceback, export or argument of a process."""

import json
import pickle
import subprocess
import sys

import pytest

from autopeft import passwords
from autopeft.cli.echo import error_line
from autopeft.errors import AutopeftError, RunError, StudyError
from autopeft.launch import SearchPlan, run_log
from autopeft.launch.run_log import RunLog
from autopeft.study import answering, check_storage, urls
from autopeft.study.backend import connect
from autopeft.study.urls import kept, with_password
from autopeft.trials.faults import failure
from tests.cli.in_process import run_here

SECRET = "hunter2"

#: A password wherever a URL may have one, as users write it.
URLS = {
    "plain": f"postgresql://me:{SECRET}@127.0.0.1:1/db",
    "with a driver": f"postgresql+psycopg://me:{SECRET}@127.0.0.1:1/db",
    "of nobody": f"postgresql://:{SECRET}@127.0.0.1:1/db",
    "a parameter": f"postgresql://127.0.0.1:1/db?user=me&password={SECRET}",
    "with an @": f"postgresql://me:a@{SECRET}@127.0.0.1:1/db",
    "with a slash": f"postgresql://me:a/{SECRET}@127.0.0.1:1/db",
    "in place of the port": f"postgresql://me:{SECRET}",
    "of no such database": f"oracel://me:{SECRET}@host/db",
    "no URL": f"postgresql:/me:{SECRET}@host",
}


@pytest.fixture
def shown(monkeypatch):
    """Take the guard out."""

    def take():
        monkeypatch.setattr("autopeft.study.backend.shown", lambda url: url)
        for place in ("autopeft.study.backend", "autopeft.study.urls", "autopeft.launch.paths", "autopeft.launch.plan"):
            monkeypatch.setattr(f"{place}.without_passwords", lambda text: text)
        monkeypatch.setattr("autopeft.cli.echo.without_passwords", lambda text: text)

    return take


def said_of(url, folder):
    with pytest.raises(AutopeftError) as told:
        check_storage(folder, SearchPlan.of({"storage": url}).located().storage)
    return error_line(told.value)


@pytest.mark.parametrize("name", URLS)
def test_a_storage_that_cannot_be_opened_is_told_without_its_password(name, tmp_path):
    said = said_of(URLS[name], tmp_path)
    assert "cannot" in said
    assert SECRET not in said


@pytest.mark.parametrize("name", ["plain", "a parameter", "of no such database"])
def test_without_the_guard_it_is_told(name, tmp_path, shown):
    shown()
    assert SECRET in said_of(URLS[name], tmp_path)


def test_what_keeps_a_storage_from_answering_is_told_without_it(shown):
    def fail():
        from optuna.exceptions import StorageInternalError

        with answering(URLS["plain"]):
            raise StorageInternalError("no route") from OSError(f"connection with password={SECRET} failed")

    with pytest.raises(RunError) as told:
        fail()
    assert SECRET not in str(told.value)
    shown()
    with pytest.raises(RunError) as told:
        fail()
    assert str(told.value).count(SECRET) == 2


@pytest.mark.parametrize("name", ["plain", "with a driver", "a parameter"])
def test_a_plan_that_is_written_has_none_and_this_process_still_knows_it(name):
    plan = SearchPlan.of({"storage": URLS[name], "data": "rows.csv"})
    assert SECRET not in plan.to_yaml() + repr(plan) + str(plan)
    assert with_password(kept(URLS[name])) == URLS[name]
    assert pickle.loads(pickle.dumps(plan)).storage == URLS[name]


def test_without_the_guard_a_plan_has_it(monkeypatch):
    monkeypatch.setattr("autopeft.launch.plan.kept", lambda url: url)
    assert SECRET in SearchPlan.of({"storage": URLS["plain"]}).to_yaml()


def test_a_url_without_a_password_stays_as_it_was_written():
    for url in ("sqlite:////tmp/a b.db", "postgresql://me@host/db?sslmode=require", "nonsense"):
        assert kept(url) == with_password(url) == url


@pytest.mark.parametrize(
    "text",
    [
        f"storage: [postgresql://me:{SECRET}@host/db]",
        f"storage: {{postgresql://me:{SECRET}@host/db: 1}}",
        f'data: rows.csv\nstorage: "postgresql://me:{SECRET}@host/db',
        f"storag: postgresql://me:{SECRET}@host/db",
    ],
)
def test_a_plan_that_is_wrong_is_told_without_it(text, tmp_path, shown):
    (tmp_path / "plan.yaml").write_text(text)
    done = run_here("search", "plan.yaml", cwd=tmp_path)
    assert done.returncode == 2
    assert SECRET not in done.stdout + done.stderr


def test_nothing_of_a_search_holds_it(tmp_path, monkeypatch):
    """A search with its study in SQLite, whose URL has a password that SQLite does not look at."""
    from autopeft.launch import prepare, run_search
    from autopeft.testing.models import TEXTS, tiny_backbone

    rows = [f"{text} {n % 3},{'ab'[n % 2]}" for n in range(12) for text in TEXTS]
    (tmp_path / "rows.csv").write_text("text,label\n" + "\n".join(rows) + "\n")
    url = f"sqlite:///{tmp_path / 'study.db'}?password={SECRET}"
    settings = {"model": tiny_backbone("bert", tmp_path), "data": str(tmp_path / "rows.csv"), "text": "text"}
    settings |= {"label": "label", "budget": "20%", "epochs": 1, "examples": 16, "workers": 0, "trials": 1}
    said = []

    class Heard(run_log.Silent):
        def said(self, message):
            said.append(message)

    monkeypatch.setattr("autopeft.study.backend.with_password", lambda url: url.partition("?")[0])
    plan = SearchPlan.of(settings | {"out": tmp_path / "run", "storage": url})
    result = run_search(prepare(plan), listener=Heard())
    assert any("the password of the storage is written nowhere" in line for line in said)
    assert SECRET not in repr(result)
    files = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert tmp_path / "run" / "study.yaml" in files
    assert [file for file in files if SECRET.encode() in file.read_bytes()] == []


def test_a_run_log_has_neither_passwords_nor_tokens(tmp_path, monkeypatch):
    token = "hf_" + "a" * 34
    monkeypatch.setenv("WANDB_API_KEY", "0123456789abcdef")
    for guarded in (True, False):
        if not guarded:
            monkeypatch.setattr(run_log, "without_passwords", lambda text: text)
        with RunLog(tmp_path, run_log.Silent()) as log:
            log.said(f"{URLS['plain']} {token} 0123456789abcdef")
        [line] = [json.loads(line) for line in (tmp_path / "run.jsonl").read_text().splitlines() if "said" in line]
        secrets = [each for each in (SECRET, token, "0123456789abcdef") if each in line["message"]]
        assert len(secrets) == (0 if guarded else 3)
        (tmp_path / "run.jsonl").unlink()


def test_the_traceback_that_a_study_keeps_has_none(monkeypatch):
    token = "hf_" + "a" * 34
    try:
        raise ValueError(f"401 for https://me:{SECRET}@host with token={token}")
    except ValueError as error:
        kept_of = failure(error, None, 0.0, ())
        monkeypatch.setattr("autopeft.trials.faults.without_passwords", lambda text: text)
        shown_of = failure(error, None, 0.0, ())
    for secret in (SECRET, token):
        assert secret not in kept_of.message + kept_of.detail
        assert secret in shown_of.message
        assert secret in shown_of.detail


def test_a_traceback_that_python_prints_has_none():
    code = "from autopeft.cli.echo import hide_in_tracebacks\n{}raise ValueError('{}')"
    for guard, shown in (("hide_in_tracebacks()\n", False), ("", True)):
        words = [sys.executable, "-c", code.format(guard, "postgresql://me:' + 'hunt' + 'er2' + '@host")]
        done = subprocess.run(words, capture_output=True, text=True)
        assert (done.returncode, "ValueError" in done.stderr, SECRET in done.stderr) == (1, True, shown)


def test_words_that_only_look_like_it_stay():
    for text in ("see https://host:443/x", "pad_token=<s>", "a:b@c", "postgresql://USER@HOST/DATABASE", "hf_model"):
        assert passwords.without_passwords(text) == text


def test_a_password_that_ends_itself_is_told_how_to_write_it():
    with pytest.raises(StudyError, match=r"its password has an @ in it; write it as %40"):
        connect(URLS["with an @"])
    assert urls.with_password("postgresql://me:a%40b@host/db") == "postgresql://me:a%40b@host/db"
