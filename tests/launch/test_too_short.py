"""A search whose trials learn nothing says so after the first few."""

from types import SimpleNamespace

import optuna
import pytest

from autopeft.launch.too_short import too_short
from autopeft.tasks import KINDS
from autopeft.tasks.classification.schema import Classes
from autopeft.tasks.texts import LabelledTexts
from autopeft.testing.tasks import task_of
from autopeft.trials import TrialSetting

SETTING = TrialSetting(examples=16, validation_examples=100, epochs=2)
TEXTS = LabelledTexts([f"text {n}" for n in range(100)], [int(n % 5 == 0) for n in range(100)])
TASK = task_of(KINDS["classification"], Classes(("no", "yes")), TEXTS)


def told(task, accuracies, untouched=0.5):
    """Return what is said after each trial of a study."""
    study, said = optuna.create_study(directions=["minimize", "maximize"]), []
    for number, accuracy in enumerate([untouched, *accuracies]):
        trial = study.ask()
        trial.set_user_attr("baseline", None if number else "head-only")
        trial.set_user_attr("outcome", {"status": "complete"})
        study.tell(trial, [1.0, accuracy])
        said.append(too_short(SimpleNamespace(task=task, setting=SETTING), study))
    return said


def test_what_learns_nothing_is_told_which_setting_to_raise():
    said = told(TASK, [0.8, 0.81, 0.79, 0.86, 0.8])
    assert said[:4] == [None] * 4
    assert said[4] == (
        "the first 4 trials with adapters reach 0.8600 at most, and telling the same of everything 0.8000: they are "
        "too short to tell anything; raise --examples (16 of 100) or --epochs (2)"
    )
    assert said[5:] == [None]


@pytest.mark.parametrize("accuracies", [[0.8, 0.81, 0.79, 0.9], [0.8, 0.9, 0.7], [0.99] * 8])
def test_what_learns_something_hears_nothing(accuracies):
    assert told(TASK, accuracies) == [None] * (len(accuracies) + 1)


def test_where_there_is_no_such_answer_the_untouched_model_is_the_floor(monkeypatch):
    monkeypatch.setattr(type(TASK.kind), "guessed", lambda self, task: None)
    assert "and the untouched model 0.7000" in told(TASK, [0.7, 0.6, 0.65, 0.7], untouched=0.7)[4]
    assert told(TASK, [0.7, 0.6, 0.65, 0.71], untouched=0.7)[4] is None
