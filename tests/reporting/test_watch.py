"""The live page in a real browser, beside a real search: points appear, a stop works, nothing comes from outside."""

import os
import re
import subprocess
import sys
import time
import urllib.request

import pytest

from autopeft.errors import StudyError
from autopeft.study import load_study
from tests.reporting.browsing import CHROMIUM, FLAGS

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: no page is opened")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed: no page is opened"),
]

#: A trial takes some ten seconds, so that one can be stopped.
SEARCH = ("search", "--budget", "1%", "--trials", "40", "--workers", "1", "--no-select")

#: So long the search has to come to its first trials, and a page to show what there is.
PATIENCE = 240


def begin(*words, cwd):
    return subprocess.Popen(
        [sys.executable, "-m", "autopeft.cli", *map(str, words)],
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )


def until(found, what):
    """Wait until something is so."""
    for _ in range(PATIENCE):
        if found():
            return
        time.sleep(1)
    pytest.fail(f"not within {PATIENCE} s: {what}")


def ended(run):
    try:
        return sum(trial.state.is_finished() for trial in load_study(run).trials)
    except StudyError:
        # Its database is being made.
        return 0


def test_points_appear_and_a_stop_works_while_a_search_goes_on(tmp_path):
    run = tmp_path / "run"
    search = begin(*SEARCH, "--out", run, cwd=tmp_path)
    watch = None
    try:
        until(lambda: (run / "study.db").exists() and ended(run) >= 2, "two trials")
        watch = begin("watch", run, cwd=tmp_path)
        url = watch.stdout.readline().strip()
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/\?token=\S{40,}", url)
        with sync_api.sync_playwright() as driver:
            browser = driver.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
            page = browser.new_page()
            faults, fetched = [], []
            page.on("console", lambda message: faults.append(message.text))
            page.on("pageerror", lambda error: faults.append(str(error)))
            page.on("request", lambda request: fetched.append(request.url))
            page.goto(url)
            rows = page.locator("tr[data-trial]")
            before = rows.count()
            assert before >= 1
            sync_api.expect(rows).not_to_have_count(before, timeout=1000 * PATIENCE)
            sync_api.expect(page.locator(".plot:not(:has(.main-svg))")).to_have_count(0)
            # References cannot be stopped: the first that can is the first of the search's own.
            button = page.locator("#live-running button").first
            button.wait_for(timeout=1000 * PATIENCE)
            number = int(re.search(r"\d+", button.get_attribute("aria-label")).group())
            button.click()
            log = page.locator("#live-log")
            sync_api.expect(log).to_contain_text(f"trial {number} was stopped", timeout=1000 * PATIENCE)
            here = url.split("/?")[0]
            assert {address.split("/?")[0].split("/state")[0].split("/stop")[0] for address in fetched} == {here}
            # Another page of the same browser gets no answer.
            other = browser.new_page()
            other.route("http://evil.example/", lambda route: route.fulfill(body="<p>", content_type="text/html"))
            other.goto("http://evil.example/")
            sent = f"fetch('{here}/stop' + '{url[url.index('?') :]}', {{method: 'POST', body: '{{}}'}})"
            assert other.evaluate(f"{sent}.then(() => 'answered', () => 'refused')") == "refused"
            browser.close()
        assert faults == []
        request = urllib.request.Request(url, headers={"Origin": "http://evil.example"})
        with pytest.raises(urllib.error.HTTPError, match="403"):
            urllib.request.urlopen(request)
        stopped = load_study(run).trials[number]
        assert stopped.state.name == "PRUNED"
        assert search.poll() is None
    finally:
        for process in (search, watch):
            if process is not None:
                process.terminate()
                process.wait(60)
