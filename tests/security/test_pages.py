"""Texts of strangers in the page of a report: none of them is markup, script or a link."""

import html
import json

import jinja2
import jinja2.filters
import optuna
import pytest
from markupsafe import Markup
from optuna.storages import RDBStorage

from autopeft.launch import DATA
from autopeft.reporting import read_run, screen, write_report
from autopeft.reporting.chart import Axis, Chart, Labels, Panel
from autopeft.reporting.page.render import Plot, Section, render
from autopeft.reporting.paper import draw
from tests.reporting.runs import make_run

ATTACKS = [
    "<script>alert(1)</script>",
    "</script><script>alert(2)</script>",
    '"><img src=x onerror=alert(3)>',
    "<a href='javascript:alert(4)'>x</a>",
    "<!-- <script>",
]


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    """A run whose study was filled by a stranger; its data has labels of theirs."""
    run = make_run(tmp_path_factory.mktemp("hostile") / "run", trials=8)
    storage = RDBStorage(f"sqlite:///{run / 'study.db'}")
    study = optuna.load_study(study_name=None, storage=storage)
    study.set_user_attr(DATA, [f"20 examples of {each}" for each in ATTACKS])
    study.set_user_attr("environment", {ATTACKS[0]: ATTACKS[2]})
    for trial in study.trials:
        outcome = trial.user_attrs.get("outcome") or {}
        if outcome.get("message"):
            with storage.engine.begin() as connection:
                connection.exec_driver_sql(
                    "UPDATE trial_user_attributes SET value_json = ? WHERE key = 'outcome' AND trial_id = ?",
                    (json.dumps(outcome | {"message": " ".join(ATTACKS)}), trial._trial_id),
                )
    return run


def markup_in(page):
    """Return the attacks that stand in a page as they were written."""
    return [each for each in ATTACKS if each in page]


def test_nothing_of_a_study_is_markup_and_it_is_without_the_guard(hostile, tmp_path, monkeypatch):
    run = read_run(hostile)
    page = write_report(run, tmp_path / "guarded").page.read_text()
    assert markup_in(page) == []
    assert html.escape(ATTACKS[0], quote=False) in page
    assert "default-src 'none'; script-src 'unsafe-inline'" in page
    made = jinja2.Environment
    monkeypatch.setattr(jinja2, "Environment", lambda **how: made(**how | {"autoescape": False}))
    assert len(markup_in(write_report(run, tmp_path / "unguarded").page.read_text())) == len(ATTACKS)


def page_of(text):
    figure = screen.plotly_figure(Panel("", Axis(), Axis(), (Labels([0.0], [0.0], [text]),)))
    section = Section("one", text, text, (Plot("plot", text, figure | {"own": text}),))
    return figure, render(
        "comparison", text, statements=[text], headings={}, sections=[section], columns=[text], summaries=[]
    )


@pytest.mark.parametrize("text", ATTACKS)
def test_nothing_of_a_figure_is_markup_and_it_is_without_the_guard(text, monkeypatch):
    figure, page = page_of(text)
    assert text not in json.dumps(figure)
    assert text not in page
    monkeypatch.setattr(jinja2.filters, "htmlsafe_json_dumps", lambda value, **how: Markup(json.dumps(value)))
    assert json.dumps(text) in page_of(text)[1]
    monkeypatch.setattr(screen.html, "escape", lambda text, **how: text)
    assert json.dumps(text)[1:-1] in json.dumps(page_of(text)[0])


def test_figures_on_paper_are_texts(tmp_path):
    for number, text in enumerate(ATTACKS):
        panel = Panel(text, Axis(text), Axis(), (Labels([0.0], [0.0], [text]),))
        draw(Chart("", (panel,)), [tmp_path / f"{number}.svg"])
        assert text not in (tmp_path / f"{number}.svg").read_text()
