"""What is said of a decoder's examples before anything trains on them."""

import re
from dataclasses import replace

import pytest

from autopeft.errors import AutopeftError, DataError
from autopeft.tasks.causal import FORMATS, Causal, CausalSplit, Turn
from autopeft.testing.tasks import task_of
from autopeft.trials.causal.setting import choose_causal_setting
from tests.tasks.causal.tokenizers import byte_level

FORM = {form.name: form for form in FORMATS}


def causal_task(prompt, completion, count=20):
    split = CausalSplit([(Turn("user", prompt), Turn("assistant", completion))] * count)
    return task_of(Causal(), FORM["prompt"], split)


@pytest.mark.parametrize(("loss", "said"), [(None, False), ("completions", False), ("everything", True)])
def test_what_the_loss_covers_is_said_and_recorded_where_it_is_not_the_usual(loss, said):
    setting, notes = choose_causal_setting(causal_task("why ", "because"), byte_level(), loss=loss)
    assert setting.loss == (loss or "completions")
    assert any("trained on prompts too (--loss everything)" in note for note in notes) == said
    assert ("loss" in setting.to_dict()) == said
    assert type(setting).from_dict(setting.to_dict()) == setting


@pytest.mark.parametrize(
    ("form", "loss", "said"),
    [
        ("prompt", "pairwise", "--loss: found 'pairwise'; expected completions or everything for a decoder"),
        ("text", "completions", "--loss completions: plain text of column 'text', all of it learned"),
    ],
)
def test_a_loss_that_is_none_here_is_refused(form, loss, said):
    task = replace(causal_task("why ", "because"), schema=FORM[form])
    with pytest.raises(AutopeftError, match=re.escape(said)):
        choose_causal_setting(task, byte_level(), loss=loss)


def test_what_is_easy_to_foretell_and_what_moved_is_said():
    _, notes = choose_causal_setting(causal_task("Question: is it? Answer: ", "yes"), byte_level())
    assert "50% of the learned tokens end a text or a turn, which is easy to foretell" in notes
    [moved] = [note for note in notes if note.startswith("blanks at the end of prompts")]
    assert moved.endswith(": 20 of 20 train, 20 of 20 validation, 20 of 20 test examples")


def test_examples_that_are_as_they_stand_need_no_word():
    _, notes = choose_causal_setting(causal_task("Question: is it? Answer:", " yes"), byte_level())
    assert [note.split()[0] for note in notes] == ["examples", "50%", "so"]


def test_data_that_teaches_to_stop_alone_is_refused_in_every_split():
    bad, good = causal_task("Question: is the ket", "tle"), causal_task("Answer:", " yes")
    for name in ("train", "validation", "test"):
        splits = {**good.splits, name: bad.train}
        task = task_of(Causal(), FORM["prompt"], *splits.values())
        with pytest.raises(DataError, match=f"20 of 20 {name} examples have no token to learn but the one that ends"):
            choose_causal_setting(task, byte_level())
