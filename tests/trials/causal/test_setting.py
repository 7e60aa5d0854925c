"""What is said of a decoder's examples before anything trains on them."""

import pytest

from autopeft.errors import DataError
from autopeft.tasks.causal import FORMATS, Causal, CausalSplit, Turn
from autopeft.testing.tasks import task_of
from autopeft.trials.causal.setting import choose_causal_setting
from tests.tasks.causal.tokenizers import byte_level

FORM = {form.name: form for form in FORMATS}


def causal_task(prompt, completion, count=20):
    split = CausalSplit([(Turn("user", prompt), Turn("assistant", completion))] * count)
    return task_of(Causal(), FORM["prompt"], split)


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
