"""Fronts of several runs against each other."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from autopeft.cli import app
from autopeft.errors import StudyError
from autopeft.reporting import compare_runs, read_run
from autopeft.reporting.compare.gap import Reached, front_gap
from tests.marks import mostly_slow
from tests.reporting.conftest import LOWER
from tests.reporting.runs import add_finalists, make_run

REACHED = st.builds(Reached, st.floats(0, 1e4), st.floats(0, 1), st.floats(0, 1), st.floats(0, 0.1))
FRONT = st.lists(REACHED, min_size=1, max_size=8)


@given(FRONT, FRONT)
def test_the_gap_turns_round_with_the_fronts(ours, theirs):
    there, back = front_gap(ours, theirs, 1, 1e5), front_gap(theirs, ours, 1, 1e5)
    assert there.mean == pytest.approx(-back.mean, abs=1e-12)
    assert there.error == pytest.approx(back.error)
    low, high = there.interval
    assert low <= there.mean <= high


@given(FRONT, st.floats(0, 0.5))
def test_a_front_lifted_everywhere_lies_above_by_as_much(front, lift):
    lifted = [Reached(each.cost, each.chosen_by, each.accuracy + lift, each.error) for each in front]
    assert front_gap(lifted, front, 1, 1e5).mean == pytest.approx(lift, abs=1e-9)


def test_only_what_was_chosen_counts():
    chosen = Reached(10, chosen_by=0.8, accuracy=0.7, error=0.01)
    lucky = Reached(20, chosen_by=0.7, accuracy=0.9, error=0.01)
    gap = front_gap([chosen, lucky], [chosen], 1, 1000)
    assert gap.mean == pytest.approx(0)
    assert not gap.differs


def test_fronts_without_a_cost_in_common_have_no_gap():
    one, other = Reached(10, 0.5, 0.5), Reached(2000, 0.5, 0.5)
    assert front_gap([one], [other], 1, 1000) is None
    assert front_gap([one], [], 1, 1000) is None


def test_one_seed_cannot_tell(plain, finished):
    comparison = compare_runs([plain, finished])
    [statement] = comparison.statements
    assert "cannot tell whether they differ" in statement
    assert "standard error of about" in statement
    assert [summary[0] for summary in comparison.summaries] == ["plain run", "finished"]


@pytest.mark.parametrize(
    ("gain", "error", "said"), mostly_slow([(0.1, 0.005, "so they differ"), (0.01, 0.02, "cannot be told apart")])
)
def test_finalists_tell(finished, tmp_path, gain, error, said):
    folder = make_run(tmp_path / "better", trials=20)
    add_finalists(read_run(folder), gain=LOWER + gain, error=error)
    for runs in ([finished, read_run(folder)], [read_run(folder), finished]):
        [statement] = compare_runs(runs).statements
        assert f"the front of better lies {100 * gain:.2f} points above that of finished on test" in statement
        assert said in statement


def test_every_cost_and_every_two_runs_are_told_of(many):
    comparison = compare_runs([many, many, many])
    assert len(comparison.statements) == 2 * 3
    assert [panel.title for panel in comparison.chart.panels] == ["params", "bytes"]
    assert comparison.summaries[0][0] == str(many.result.folder)


def test_other_budgets_and_spaces_are_compared_and_it_is_said_what_that_means(plain, tmp_path):
    narrow = read_run(make_run(tmp_path / "narrow", trials=6, limit=500, space={"name": "other", "modules": {}}))
    budgets, spaces, front = compare_runs([plain, narrow]).statements
    assert "the budgets differ (plain run has 2,000 trainable parameters; narrow has 500" in budgets
    assert "held against each other where both could search" in budgets
    assert "the spaces differ (" in spaces
    assert "plain run has small, narrow has other" in spaces
    highest = float(re.search(r"to ([\d,]+) params", front).group(1).replace(",", ""))
    assert highest <= 500


def test_what_differs_is_refused_all_at_once(plain, tmp_path):
    folder = make_run(tmp_path / "other", trials=2, limit=3_000, data="e" * 64, costs=("bytes",))
    add_finalists(read_run(folder), examples=32)
    with pytest.raises(StudyError) as refused:
        compare_runs([plain, read_run(folder)])
    said = str(refused.value)
    for part in ("splits", "objectives", "final setting", "eeee", "bytes", "32 examples"):
        assert part in said
    assert "3,000" not in said
    with pytest.raises(StudyError, match="at least two"):
        compare_runs([plain])


def test_the_verb_prints_and_writes(plain, finished, tmp_path):
    words = ["compare", str(plain.result.folder), str(finished.result.folder), "-o", str(tmp_path / "out")]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    assert "cannot tell whether they differ" in done.output
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"comparison.html", "fronts.png", "fronts.svg"}
    page = (tmp_path / "out" / "comparison.html").read_text()
    assert "cannot tell whether they differ" in page
    assert "src=" not in page.split("<script>")[0]
