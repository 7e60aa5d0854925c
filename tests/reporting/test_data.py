"""What figures show, computed apart from drawing."""

import math
from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autopeft.costs import Costs
from autopeft.reporting.chart import Absent
from autopeft.reporting.data.about import about
from autopeft.reporting.data.coordinates import parallel_coordinates
from autopeft.reporting.data.curves import learning_curves
from autopeft.reporting.data.front import front_panels, step_points
from autopeft.reporting.data.growth import hypervolume_growth
from autopeft.reporting.data.importance import knob_importances
from autopeft.reporting.data.placement import parameter_placement
from autopeft.reporting.data.surrogate import surrogate_prediction
from autopeft.reporting.data.table import other_rows, rows_of_front
from autopeft.reporting.data.timeline import timeline
from autopeft.space import Configuration
from tests.reporting.runs import STEPS

ENDS = st.lists(st.tuples(st.floats(1, 1e6), st.floats(0, 1)), min_size=1, max_size=12)


def test_every_trial_stands_somewhere(plain):
    counts = Counter(trial.standing for trial in plain.trials)
    assert counts["stopped"] == 2
    assert counts["failed"] == 1
    assert counts["lost"] == 2
    assert counts["front"] == len(plain.result.front.rows)
    assert len(plain.trials) == 20
    assert {trial.number for trial in plain.trials if trial.accuracy is None} == {
        trial.number for trial in plain.trials if trial.standing in ("stopped", "failed", "lost")
    }


def test_the_front_holds_all_trials_with_a_cost(plain):
    [panel] = front_panels(plain)
    lost = [trial for trial in plain.trials if trial.status == "killed"]
    assert len(panel.trials) == len(plain.trials) - len(lost)
    assert [each.trial.status for each in panel.trials if each.accuracy is None] == ["oom", "error"]
    assert panel.knee in {row.trial for row in plain.result.front.rows}
    assert panel.finalists == ()
    assert panel.steps[0][-1] == plain.result.scale.limit


def test_finalists_stand_at_their_cost_in_every_panel(many):
    panels = front_panels(many)
    assert [panel.cost for panel in panels] == ["params", "bytes"]
    for panel in panels:
        assert len(panel.finalists) == len(many.finalists.finalists)
        for each in panel.finalists:
            cost = many.by_number[each.finalist.trial].costs[panel.cost]
            assert each.cost == max(cost, panel.cheapest)
    assert panels[1].knee is None


@given(ENDS)
def test_the_step_line_is_the_best_at_or_below_each_cost(points):
    costs, accuracies = zip(*points, strict=True)
    xs, ys = step_points(costs, accuracies, max(costs))
    assert list(xs) == sorted(xs)
    assert list(ys) == sorted(ys)
    for cost, accuracy in points:
        at = max(y for x, y in zip(xs, ys, strict=True) if x <= cost)
        assert at == max(other for place, other in points if place <= cost) >= accuracy


def test_the_score_never_falls_and_ends_at_that_of_the_front(plain):
    grown = hypervolume_growth(plain)
    scores = [each.hypervolume for each in grown]
    assert scores == sorted(scores)
    assert scores[-1] == pytest.approx(plain.result.front.hypervolume)
    complete = sum(trial.status == "complete" for trial in plain.trials)
    assert grown[-1].steps == STEPS * complete + 2 * 2
    assert grown[-1].seconds == pytest.approx(3.0 * complete + 2.0 + 2 * 0.2)


@pytest.mark.parametrize("name", ["plain", pytest.param("finished", marks=pytest.mark.slow), "causal"])
def test_every_parameter_is_somewhere(name, request):
    run = request.getfixturevalue(name)
    found = parameter_placement(run)
    assert found.finalists == (run.finalists is not None)
    assert found.layers == run.backbone.shape.layers
    for shares in (found.mean, *(each.shares for each in found.each)):
        assert sum(shares.values()) == pytest.approx(1)
    for each in found.each:
        row = next(row for row in run.result.front.rows if f"trial-{row.trial}" == each.name)
        assert each.params == row.params
        assert {layer for _, layer in each.shares} <= set(row.configuration["modules"].popitem()[1]["layers"])


@pytest.mark.parametrize(
    ("modules", "rows", "layers"),
    [
        ({"vera": {"rank": 4, "targets": ["q", "v"], "layers": [0, 2]}}, {"q", "v"}, {0, 2}),
        ({"prompt": {"length": 4}}, {"prompt"}, {-1}),
    ],
)
def test_what_places_share_is_spread_and_whole_models_have_a_column(plain, modules, rows, layers):
    configuration = {"modules": modules, "training": {"learning_rate": 1e-3}}
    row = replace(plain.result.front.rows[-1], configuration=configuration, baseline=None)
    run = replace(plain, result=replace(plain.result, front=replace(plain.result.front, rows=(row,))))
    found = parameter_placement(run)
    [placement] = found.each
    assert placement.params == Costs(run.backbone).params(Configuration.from_dict(configuration))
    assert {key for key, _ in placement.shares} == rows
    assert {layer for _, layer in placement.shares} == layers
    assert sum(placement.shares.values()) == pytest.approx(1)


def test_importances_are_shares_of_each_objective(many):
    found = knob_importances(many)
    assert [each.objective for each in found] == ["accuracy", "params", "bytes"]
    for each in found:
        assert sum(share for _, share in each.shares) == pytest.approx(1)
        assert [share for _, share in each.shares] == sorted((share for _, share in each.shares), reverse=True)


def test_lines_have_gaps_where_a_knob_did_not_matter(plain):
    found = parallel_coordinates(plain)
    assert [axis.name for axis in found.axes][-2:] == ["params", "accuracy"]
    assert len(found.lines) == sum(trial.accuracy is not None and bool(trial.params) for trial in plain.trials) + 1
    for line in found.lines:
        assert all(place is None or 0 <= place <= 1 for place in line.places)
        for axis, place in zip(found.axes, line.places, strict=True):
            if axis.name.startswith("lora.targets") and "lora" not in line.trial.configuration.modules:
                assert place is None


def test_curves_are_those_that_were_measured(plain):
    curves = learning_curves(plain)
    assert {curve.steps for curve in curves} == {(2,), (2, 4, 8, STEPS)}
    standings = [curve.trial.standing == "front" for curve in curves]
    assert standings == sorted(standings)


@given(st.lists(st.tuples(st.floats(0, 1e4), st.floats(0.1, 500)), min_size=1, max_size=15))
def test_trials_in_one_lane_never_overlap(spans):
    origin = datetime(2026, 1, 1)
    run = _timed([(origin + timedelta(seconds=start), length) for start, length in spans])
    found = timeline(run)
    for one in found.spans:
        assert one.end > one.start >= 0
        for other in found.spans:
            if one.lane == other.lane and one.trial.number != other.trial.number:
                assert one.end <= other.start + 1e-3 or other.end <= one.start + 1e-3
    assert all(pause > 120 for _, pause in found.pauses)
    total = max(span.end for span in found.spans) + sum(pause for _, pause in found.pauses)
    ends = [start + length for start, length in spans]
    assert total == pytest.approx(max(ends) - min(start for start, _ in spans), abs=1e-3)


def _timed(spans):
    """Return a run of trials that began at times and took seconds."""
    trials = tuple(_trial(number, began, length) for number, (began, length) in enumerate(spans))
    return _RUN(trials)


class _RUN:
    def __init__(self, trials):
        self.trials = trials


def _trial(number, began, length):
    from autopeft.reporting.run import ReportedTrial

    return ReportedTrial(
        number=number,
        configuration=Configuration.from_dict({"modules": {}, "training": {}}),
        in_words="",
        baseline=None,
        standing="dominated",
        status="complete",
        params=1,
        costs={"params": 1.0},
        accuracy=0.5,
        curve=(),
        seconds=length,
        message="",
        began=began - timedelta(seconds=1),
        ended=began + timedelta(seconds=length),
    )


def test_the_surrogate_predicts_what_it_has_not_seen(plain):
    found = surrogate_prediction(plain)
    assert found.folds == 5
    assert found.error < found.spread
    assert found.rank_correlation > 0.5
    assert 0 <= found.covered <= 1
    for each in found.trials:
        assert each.low < each.mean < each.high
        assert math.isfinite(each.mean)


@pytest.mark.parametrize("data", [knob_importances, surrogate_prediction, parameter_placement])
def test_what_two_trials_cannot_tell_has_a_reason(tiny, data):
    found = data(tiny)
    assert isinstance(found, Absent)
    assert found.reason


def test_a_backbone_that_is_gone_or_another_is_not_guessed_at(plain):
    plan = plain.result.plan.model_copy(update={"model": "/nowhere/at-all"})
    gone = replace(plain, result=replace(plain.result, plan=plan))
    assert "cannot be loaded" in parameter_placement(gone).reason
    assert "cannot be loaded" in surrogate_prediction(gone).reason
    assert not isinstance(knob_importances(gone), Absent)


def test_commands_export_what_finished_and_quote_the_folder(plain):
    rows = {row.trial: row for row in (*rows_of_front(plain), *other_rows(plain))}
    assert rows.keys() == plain.by_number.keys()
    for trial in plain.trials:
        command = rows[trial.number].export
        assert bool(command) == (trial.last_accuracy is not None and trial.baseline != "head-only")
        if command:
            assert f"'{plain.result.folder}' --pick {trial.number} " in command
    assert "oom: too big <b>" in {row.ended for row in rows.values()}


def test_finalists_bring_their_test_figures_into_the_table(finished):
    shown = [row for row in rows_of_front(finished) if row.on_test]
    assert len(shown) == len(finished.finalists.finalists)


def test_what_a_run_was_is_told(plain, finished):
    told = about(plain)
    assert told["data"].startswith("toy; hash of the splits dddddddddddd")
    assert told["trials"].startswith("20: ")
    assert "2,000 trainable parameters" in told["budget"]
    assert "read 12 times" in about(finished)["finalists"]
