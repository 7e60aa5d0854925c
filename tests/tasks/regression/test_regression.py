"""Numbers of texts: how they are read, recognised and measured."""

import numpy as np
import pytest
import scipy.stats
import sklearn.metrics
from hypothesis import example, given, settings
from hypothesis import strategies as st

from autopeft.errors import DataError
from autopeft.tasks import TaskSpec, load_task
from autopeft.tasks.regression import METRICS
from autopeft.trials.regression.scores import scores_of_numbers

NUMBERS = st.lists(st.tuples(st.integers(-8, 8), st.integers(-8, 8)), min_size=4, max_size=40)
ORACLES = {
    "pearson": lambda y, p: scipy.stats.pearsonr(y, p).statistic,
    "spearman": lambda y, p: scipy.stats.spearmanr(y, p).statistic,
    "r2": lambda y, p: max(-1.0, sklearn.metrics.r2_score(y, p)),
}


def varied(pairs):
    labels, told = np.array(pairs, float).T
    return (labels, told) if np.ptp(labels) and np.ptp(told) else None


@settings(deadline=None)
@given(NUMBERS, st.integers(0, 99))
def test_metrics_are_scipys_and_sklearns_in_any_order(pairs, seed):
    if (values := varied(pairs)) is None:
        return
    order = np.random.default_rng(seed).permutation(len(pairs))
    for name, metric in METRICS.items():
        assert metric(*values) == pytest.approx(ORACLES[name](*values), abs=1e-9)
        assert metric(*(each[order] for each in values)) == pytest.approx(metric(*values), abs=1e-9)


@settings(deadline=None)
@given(NUMBERS, st.sampled_from(sorted(METRICS)))
# Without the third nothing varies, and subtraction leaves a little.
@example([(1, 0), (1, 0), (0, 0), (1, 0), (1, 1)], "r2")
def test_scores_are_those_of_leaving_each_out(pairs, metric):
    if (values := varied(pairs)) is None:
        return
    labels, told = values
    scores = scores_of_numbers(metric, labels, told)
    whole = METRICS[metric](labels, told)
    assert scores.mean() == pytest.approx(whole, abs=1e-9)
    n = len(labels)
    rests = [(np.delete(labels, i), np.delete(told, i)) for i in range(n)]
    if all(np.ptp(one) and np.ptp(other) for one, other in rests):
        without = np.array([METRICS[metric](*rest) for rest in rests])
        assert scores == pytest.approx(whole + (n - 1) * (without.mean() - without), abs=1e-6)


@pytest.mark.parametrize("metric", sorted(METRICS))
def test_what_tells_nothing_is_worth_nothing(metric):
    labels = np.arange(9.0)
    for told in (np.zeros(9), np.full(9, 4.0), np.full(9, 1e9) + 1e-4 * np.arange(9)):
        assert METRICS[metric](labels, told) == 0.0
    for unit in (1e-10, 1e10):
        assert METRICS[metric](unit * labels, unit * labels) == pytest.approx(1.0)
    assert METRICS[metric](labels, labels) == pytest.approx(1.0)
    assert METRICS[metric](labels, -100 * labels) == pytest.approx(-1.0)


@pytest.mark.parametrize("metric", sorted(METRICS))
def test_the_spread_of_scores_is_the_error_of_the_metric(metric):
    rng = np.random.default_rng(0)

    def draw():
        labels = rng.normal(size=300)
        return labels, 0.8 * labels + 0.4 * rng.normal(size=300)

    measured = [METRICS[metric](*draw()) for _ in range(400)]
    said = [scores_of_numbers(metric, *draw()).std(ddof=1) / np.sqrt(300) for _ in range(20)]
    assert np.mean(said) == pytest.approx(np.std(measured), rel=0.15)


def write(path, labels, head="text,label"):
    path.write_text(f"{head}\n" + "".join(f"text {n},{label}\n" for n, label in enumerate(labels)))
    return str(path)


def test_decimals_are_recognised_and_whole_numbers_asked_for(tmp_path):
    task = load_task(TaskSpec(data=write(tmp_path / "a.csv", [n % 40 / 8 for n in range(240)])))
    assert task.kind.name == "regression"
    assert "regression, texts with numbers of 'label', metric pearson" in task.describe()[0]
    assert "in train 0 to 4.875, mean" in task.describe()[1]
    whole = write(tmp_path / "b.csv", [n % 5 for n in range(240)])
    classes = load_task(TaskSpec(data=whole))
    assert classes.kind.name == "classification"
    assert any("`--kind regression`" in note for note in classes.notes)
    assert load_task(TaskSpec(data=whole, kind="regression", metric="r2")).schema.scale > 0
    assert load_task(
        TaskSpec(data=write(tmp_path / "c.csv", [0.5 * (n % 4) for n in range(240)]), kind="classification")
    )


def test_held_out_rows_lie_on_all_of_the_scale(tmp_path):
    task = load_task(TaskSpec(data=write(tmp_path / "a.csv", [n / 10 for n in range(1000)])))
    for split in task.splits.values():
        counts, _ = np.histogram(split.labels, bins=10, range=(0, 100))
        assert counts.max() - counts.min() <= 2


def test_decimal_commas_are_read(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("text;label\n" + "".join(f"text {n};{n % 40},5\n" for n in range(240)))
    task = load_task(TaskSpec(data=str(path)))
    assert sorted(set(task.train.labels))[:2] == [0.5, 1.5]
    assert any("decimal commas" in note for note in task.notes)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([*[0.5, 1.5] * 60, "high"], r"line 122: the label column 'label' holds 'high'; expected a number"),
        ([*[0.5, 1.5] * 60, "inf"], "holds 'inf'; expected a number"),
        ([*[0.5, 1.5] * 60, "1e999"], "holds '1e999'; expected a number"),
        ([3] * 120, "all .* rows have the label 3; expected numbers that vary"),
        ([0.5, 1.5] * 4, "usable rows, expected at least"),
    ],
)
def test_bad_numbers_are_one_message(tmp_path, labels, message):
    with pytest.raises(DataError, match=message):
        load_task(TaskSpec(data=write(tmp_path / "a.csv", labels), kind="regression"))


def test_numbers_that_hardly_repeat_name_both_kinds(tmp_path):
    with pytest.raises(DataError, match=r"--kind regression to learn a scale, .*--kind classification"):
        load_task(TaskSpec(data=write(tmp_path / "a.csv", range(100))))
