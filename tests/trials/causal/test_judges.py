"""Which metrics a task's answers are judged by, what is allowed, and how scores become the metric."""

import numpy as np
import pytest

from autopeft.errors import AutopeftError, RunError
from autopeft.sandbox import Ended, Limits
from autopeft.sandbox.attacks import attacks
from autopeft.tasks.causal import ANSWER_METRICS
from autopeft.trials.causal.judges import Judges
from tests.marks import sandboxed

USUAL = ["exact_match", "rouge_l", "token_f1"]


def test_what_costs_more_is_measured_where_it_is_asked_for():
    assert [*Judges("token_accuracy", False).metrics] == USUAL
    assert [*Judges("rouge_l", False).metrics] == USUAL
    assert [*Judges("passes", False).metrics] == [*USUAL, "passes"]
    assert [*Judges("exact_match@5", False).metrics] == ["exact_match@5"]
    assert [Judges(name, False).candidates for name in ("exact_match@10", "exact_match", None)] == [10, 1, 1]


def test_code_is_run_only_where_it_may(monkeypatch):
    def run(*_):
        raise AssertionError("code was run")

    monkeypatch.setattr("autopeft.tasks.causal.judging.code.run", run)
    judged = [("", {"test_list": ["assert True"], "test_imports": (), "test_setup_code": ""})]
    for of in (Judges("passes", False).check_allowed, lambda: Judges("passes", False).check(judged)):
        with pytest.raises(AutopeftError, match=r"runs code that models write.*add --allow-code"):
            of()
    for name in ANSWER_METRICS.keys() - {"passes"}:
        Judges(name, False).check_allowed()
    Judges("passes", True).check_allowed()


def test_a_machine_without_a_sandbox_gives_no_figure(monkeypatch):
    """Of a cluster one may have none, wherever the search was begun."""
    beside = {"test_list": ["assert True"], "test_imports": (), "test_setup_code": ""}
    monkeypatch.setattr("autopeft.tasks.causal.judging.code.check_sandbox", lambda: None)
    monkeypatch.setattr("autopeft.tasks.causal.judging.code.run", lambda _: Ended(unguarded="landlock: not there"))
    with pytest.raises(RunError, match="could not be put on: landlock: not there"):
        Judges("passes", True).scores([["x = 1"]], [("", beside)])


@sandboxed
def test_a_share_of_programs_passes():
    beside = {"test_list": ["assert add(1) == 2"], "test_imports": (), "test_setup_code": ""}
    texts = [["def add(x):\n    return x + 1"], ["def add(x):\n    return x"], ["add"], ["add = int(1).__add__"]]
    judges = Judges("passes", True)
    judges.check([("", beside)] * 4)
    assert judges.scores(texts, [("", beside)] * 4)["passes"].tolist() == [1, 0, 0, 1]


@sandboxed
@pytest.mark.slow
def test_programs_that_try_to_get_out_count_nothing_and_the_next_is_run():
    beside = {"test_list": ["assert True"], "test_imports": (), "test_setup_code": ""}
    texts = [[attack.program] for attack in attacks(Limits())] + [["x = 1"]]
    scores = Judges("passes", True).scores(texts, [("", beside)] * len(texts))["passes"]
    assert scores.tolist() == [0] * (len(texts) - 1) + [1]


def test_points_are_weighed_by_what_a_question_is_worth():
    judged = [("A", {"grade": 1.0}), ("ABCD", {"grade": 4.0}), ("B", {"grade": 1.0})]
    scores = Judges("exam_points", False).scores([["A"], ["ABXX"], ["A"]], judged)["exam_points"]
    # 1 + 2 + 0 of 6 points.
    assert scores.mean() == pytest.approx(3 / 6)
    assert np.allclose(Judges("exam_points", False).scores([["A"], ["ABCD"], ["B"]], judged)["exam_points"].mean(), 1)
