"""The live page: to whoever has its address, of what is in the study now."""

import json
import threading
import urllib.error
import urllib.request
from contextlib import contextmanager

import optuna
import pytest
from optuna.trial import TrialState

from autopeft.errors import AutopeftError, StudyError
from autopeft.reporting.live import Live, LiveServer
from autopeft.study import ask_to_stop, asked_to_stop, load_study
from tests.reporting.runs import make_run


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return make_run(tmp_path_factory.mktemp("live") / "a run", trials=12)


@contextmanager
def serving(folder, stop=lambda number: None):
    with LiveServer(Live(folder), stop) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def ask(server, path, *, token=None, body=None, **headers):
    """Return the status and the body of an answer."""
    url = f"{server.origin}{path}?token={server.token if token is None else token}"
    request = urllib.request.Request(url, data=None if body is None else json.dumps(body).encode(), headers=headers)
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, answer.read().decode(), answer.headers
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode(), error.headers


def test_the_page_is_the_report_and_more(folder):
    with serving(folder) as server:
        status, page, headers = ask(server, "/")
        assert status == 200
        assert 'id="live-running"' in page
        assert 'data-trial="3"' in page
        assert "connect-src 'self'" in headers["Content-Security-Policy"]
        assert headers["Cache-Control"] == "no-store"
        assert server.server_address[0] == "127.0.0.1"
        state = json.loads(ask(server, "/state")[1])
        assert state["running"] == []
        assert state["done"].startswith("12 trials have ended")
        assert ask(server, "/else")[0] == 404


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        ({"token": "x" * 43}, "token"),
        ({"token": ""}, "token"),
        ({"token": "ö"}, "token"),
        ({"Host": "evil.example"}, "host"),
        ({"Host": "localhost.evil.example:80"}, "host"),
        ({"Origin": "http://evil.example"}, "origin"),
        ({"Origin": "null"}, "origin"),
    ],
)
def test_who_is_not_meant_gets_nothing(folder, asked, reason):
    stopped = []
    with serving(folder, stopped.append) as server:
        if "token" in asked:
            asked = {"token": urllib.request.quote(asked["token"])}
        for path, body in (("/", None), ("/state", None), ("/stop", {"trial": 3})):
            own = {} if body is None else {"Origin": server.origin}
            status, text, _ = ask(server, path, body=body, **(own | asked))
            assert status == 403
            assert reason in text
        # A form of another page's is sent without one in some browsers.
        assert ask(server, "/stop", body={"trial": 3})[0] == 403
        assert stopped == []


def test_a_trial_is_stopped_by_its_number(folder):
    stopped = []

    def stop(number):
        if number == 99:
            raise StudyError("the study has no trial 99")
        stopped.append(number)

    with serving(folder, stop) as server:
        own = {"Origin": server.origin}
        assert ask(server, "/stop", body={"trial": 4}, **own)[0] == 200
        assert ask(server, "/stop", body={"trial": 99}, **own)[:2] == (409, "the study has no trial 99")
        for wrong in ({"trial": "4"}, {"trial": True}, {}, [4], "4"):
            assert ask(server, "/stop", body=wrong, **own)[0] == 400
    assert stopped == [4]


def test_a_port_that_is_taken_is_said(folder):
    with serving(folder) as server, pytest.raises(AutopeftError, match="expected a free one"):
        LiveServer(Live(folder), lambda number: None, server.server_port)


def test_only_what_is_at_work_and_no_reference_is_asked_to_stop():
    study = optuna.create_study()
    done, running, reference = study.ask(), study.ask(), study.ask()
    reference.set_user_attr("baseline", "stock-lora")
    study.tell(done, 1.0)
    for number, said in ((0, "complete"), (2, "compared"), (7, "no trial 7"), (-1, "no trial -1")):
        with pytest.raises(StudyError, match=said):
            ask_to_stop(study, number)
    ask_to_stop(study, running.number)
    assert [asked_to_stop(study, number) for number in range(3)] == [False, True, False]


def test_what_has_come_since_is_on_the_page(tmp_path):
    folder = make_run(tmp_path / "run", trials=8)
    live = Live(folder)
    before, page = live.state()["version"], live.page()
    study = load_study(folder, writing=True)
    study.add_trial(study.get_trials(states=[TrialState.COMPLETE])[-1])
    assert live.state()["version"] != before
    row = f'data-trial="{len(study.trials) - 1}"'
    assert row not in page
    assert row in live.page()
