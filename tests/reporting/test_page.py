"""The page in a real browser: it works offline, by mouse and by keyboard."""

import re

import pytest

from autopeft.reporting.report import write_report
from tests.reporting.browsing import CHROMIUM, FLAGS

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: no page is opened")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed: no page is opened"),
]

#: Where a point of a plot's trace is on the screen.
PLACE = """([id, label, index]) => {
  const plot = document.getElementById(id);
  const trace = plot.data.findIndex((each) => each.name === label && each.customdata);
  const { _fullLayout: layout } = plot;
  const box = plot.getBoundingClientRect();
  const at = (axis, value) => layout[axis].d2p(value) + layout[axis]._offset;
  const { x, y, customdata } = plot.data[trace];
  return [box.left + at("xaxis", x[index]), box.top + at("yaxis", y[index]), customdata[index]];
}"""

#: The trials whose points stand out in a plot, and those of its lines.
CHOSEN = """(id) => document.getElementById(id).data.flatMap((trace) =>
  (trace.selectedpoints ?? []).map((place) => trace.customdata[place]))"""


@pytest.fixture(scope="module")
def browser():
    with sync_api.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def pages(finished, many, tiny, tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    runs = {"finished": finished, "many": many, "tiny": tiny}
    return {name: write_report(run, folder / name).page for name, run in runs.items()}


@pytest.fixture
def visit(browser, pages):
    """Open a page of a run; at the end nothing may have gone wrong or been fetched."""
    contexts, faults, fetched = [], [], []

    def open_page(name, **settings):
        contexts.append(browser.new_context(**settings))
        page = contexts[-1].new_page()
        page.on("console", lambda message: faults.append(message.text))
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("request", lambda request: fetched.append(request.url))
        page.goto(pages[name].as_uri())
        # Locators, as functions to wait for are strings to evaluate, which the page's policy refuses.
        sync_api.expect(page.locator(".plot:not(:has(.main-svg))")).to_have_count(0)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert faults == []
    assert [url for url in fetched if not url.startswith(("file:", "data:", "blob:"))] == []
    assert len([url for url in fetched if url.startswith("file:")]) == len(contexts)


@pytest.mark.parametrize("name", ["finished", "many", "tiny"])
def test_every_figure_is_drawn(visit, pages, name):
    page = visit(name)
    plots = page.locator(".plot")
    assert plots.count() >= 4
    assert page.locator(".plot .main-svg").count() >= 2 * plots.count()
    assert page.locator("main section").count() >= 10


def test_pointing_shows_the_configuration_and_a_click_chooses_its_row(visit, finished):
    page = visit("finished", viewport={"width": 1200, "height": 900})
    x, y, trial = page.evaluate(PLACE, ["front-1", "front", 1])
    page.mouse.move(x, y)
    page.locator("#front-1 .hoverlayer .hovertext").first.wait_for()
    # Lines of a text of SVG follow each other without a space.
    shown = "".join(page.locator("#front-1 .hoverlayer").text_content().split())
    assert "".join(finished.by_number[trial].in_words.split()) in shown
    page.mouse.click(x, y)
    row = page.locator("tr.chosen")
    assert row.get_attribute("data-trial") == str(trial)
    assert page.evaluate("document.activeElement.textContent") == str(trial)
    assert set(page.evaluate(CHOSEN, "front-1")) == {trial}


def test_a_click_on_a_beaten_trial_unfolds_its_row(visit):
    page = visit("finished", viewport={"width": 1200, "height": 900})
    assert not page.locator("details").get_attribute("open")
    x, y, trial = page.evaluate(PLACE, ["front-1", "stopped early, as last measured", 0])
    page.mouse.click(x, y)
    assert page.locator("details tr.chosen").get_attribute("data-trial") == str(trial)
    assert page.locator("details tr.chosen").is_visible()


def test_rows_choose_points_by_keyboard(visit):
    page = visit("finished")
    buttons = page.locator("#table .pick")
    buttons.first.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    trial = int(buttons.nth(1).inner_text())
    assert buttons.nth(1).get_attribute("aria-pressed") == "true"
    assert set(page.evaluate(CHOSEN, "front-1")) == {trial}
    faded = page.evaluate("document.getElementById('curves-1').data.map((trace) => [trace.meta, trace.opacity])")
    assert all((opacity == 1) == (meta in (trial, None)) for meta, opacity in faded)
    page.keyboard.press("Escape")
    assert page.locator("tr.chosen").count() == 0
    assert page.evaluate(CHOSEN, "front-1") == []


def test_copy_takes_the_command(visit, finished):
    page = visit("finished", permissions=["clipboard-read", "clipboard-write"])
    button = page.locator("#table .copy").first
    button.click()
    sync_api.expect(page.locator("#status")).to_have_text(re.compile("^copied"))
    command = button.get_attribute("data-copy")
    assert command.startswith("autopeft export ")
    assert page.evaluate("navigator.clipboard.readText()") == command


def test_light_dark_phone_and_paper(visit):
    light, dark = (visit("finished", color_scheme=scheme) for scheme in ("light", "dark"))
    ground = "getComputedStyle(document.body).backgroundColor"
    ink = "getComputedStyle(document.querySelector('#front-1 .xtick text')).fill"
    assert light.evaluate(ground) == "rgb(255, 255, 255)"
    assert dark.evaluate(ground) != light.evaluate(ground)
    assert dark.evaluate(ink) != light.evaluate(ink)
    phone = visit("many", viewport={"width": 360, "height": 740})
    assert phone.evaluate("document.documentElement.scrollWidth") == 360
    assert light.pdf(format="A4").startswith(b"%PDF")
