"""Figures on paper and on screen."""

import json
from xml.etree import ElementTree

import pytest
from PIL import Image
from typer.testing import CliRunner

from autopeft.cli import app
from autopeft.reporting.chart import Absent, Axis, Bars, Cells, Chart, Labels, Line, Panel, Points, Rule
from autopeft.reporting.charts import CHARTS
from autopeft.reporting.palette import STYLES
from autopeft.reporting.paper import draw
from autopeft.reporting.screen import plotly_figure

MARKS = (
    Rule("budget", x=100.0),
    Rule("level", y=0.5),
    Line("line", "front", (1.0, 10.0, 100.0), (0.1, float("nan"), 0.3), ("a", "b", "c"), trial=3),
    Points("points", "failed", (1.0, 10.0), (0.2, 0.4), ("<one>", "two " * 40), (1, None), ((0.1, 0.3), (0.3, 0.5))),
    Bars("bars", "bar", (0.0, 1.0), (1.0, 2.0), (2.0, 5.0), ("", ""), (4, None)),
    Labels((1.0,), (0.5,), ("text",)),
)


LONG = [pytest.param(name, marks=pytest.mark.slow) for name in ("plain", "many", "causal", "finished")]


@pytest.mark.parametrize("name", [*LONG, "tiny", "empty"])
def test_every_figure_of_every_run_is_drawn_or_says_why_not(name, request, tmp_path):
    run = request.getfixturevalue(name)
    for figure, kind in CHARTS.items():
        if figure == "surrogate" and name not in ("plain", "tiny", "empty"):
            continue  # Fitting takes seconds and knows of nothing else that these runs have.
        chart = kind.make(run)
        if isinstance(chart, Absent):
            assert chart.reason
            continue
        assert chart.caption.endswith(".")
        draw(chart, [tmp_path / f"{figure}.svg"])
        for panel in chart.panels:
            json.dumps(plotly_figure(panel), allow_nan=False)
            for mark in panel.marks:
                assert set(getattr(mark, "trials", ())) <= {*run.by_number, None}
                assert getattr(mark, "style", "bar") in STYLES


def test_the_front_has_a_panel_for_each_cost_and_words_for_each_point(many):
    chart = CHARTS["front"].make(many)
    assert [panel.title for panel in chart.panels] == ["params", "bytes"]
    points = {
        trial: words
        for mark in chart.panels[0].marks
        if isinstance(mark, Points) and mark.label not in ("knee", "finalists on test")
        for trial, words in zip(mark.trials, mark.words, strict=True)
    }
    for number, words in points.items():
        assert many.by_number[number].in_words in words
    labels = {mark.label for panel in chart.panels for mark in panel.marks if isinstance(mark, Points)}
    assert {"front", "knee", "finalists on test", "stopped early, as last measured", "failed, no accuracy"} <= labels


def test_marks_are_drawn_into_images_that_can_be_read(tmp_path):
    cells = Panel("cells", Axis(), Axis(), (Cells(((0.1, None), (0.2, 0.3)), (("", ""), ("", "")), 0.3),))
    logarithmic = Axis("cost", log=True, ticks=((1.0, "a long label"), (10.0, "b")), ends=(0.5, 200.0))
    chart = Chart("Marks.", (Panel("all", logarithmic, Axis(bare=True), MARKS, diagonal=True), cells))
    draw(chart, [tmp_path / "a.png", tmp_path / "a.svg"])
    with Image.open(tmp_path / "a.png") as image:
        assert image.width > 1000
    ElementTree.fromstring((tmp_path / "a.svg").read_text())
    draw(chart, [tmp_path / "b.png", tmp_path / "b.svg"])
    assert (tmp_path / "a.svg").read_text() == (tmp_path / "b.svg").read_text()


def test_the_screen_shows_the_words_as_text():
    figure = plotly_figure(Panel("", Axis("cost", log=True, ends=(1.0, 100.0)), Axis(), MARKS))
    points = next(trace for trace in figure["data"] if trace["type"] == "scatter" and "customdata" in trace)
    assert points["customdata"] == [1, None]
    assert points["text"][0] == "&lt;one&gt;"
    assert "<br>" in points["text"][1]
    assert figure["layout"]["xaxis"]["range"] == [0, 2]
    line = next(trace for trace in figure["data"] if trace.get("meta") is not None)
    assert (line["meta"], line["y"][1]) == (3, None)


@pytest.mark.parametrize("ground", ["#ffffff", "#14181d"])
def test_colours_can_be_told_from_the_ground(ground):
    for name, style in STYLES.items():
        lighter, darker = sorted((_luminance(style.colour), _luminance(ground)), reverse=True)
        assert (lighter + 0.05) / (darker + 0.05) >= 3, name


def _luminance(colour):
    """Return the relative luminance of WCAG 2."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_the_verb_writes_a_page_and_images_and_says_what_is_missing(tiny, tmp_path):
    done = CliRunner().invoke(app, ["report", str(tiny.result.folder), "-o", str(tmp_path / "out")])
    assert done.exit_code == 0, done.output
    assert "Which knobs mattered: not shown, fewer than 8 trials of the space have finished (2)" in done.output
    figures = {path.name for path in (tmp_path / "out" / "figures").iterdir()}
    assert {"front.png", "front.svg", "timeline.svg"} <= figures
    assert "importance.png" not in figures
    assert "Not shown: " in (tmp_path / "out" / "report.html").read_text()
