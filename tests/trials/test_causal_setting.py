"""What is said of a decoder's examples before anything trains on them."""

import pytest

from autopeft.errors import DataError
from autopeft.tasks import CausalSplit, CausalTask
from autopeft.tasks.causal import FORMATS, Turn
from autopeft.trials import choose_causal_setting
from tests.tasks.causal.tokenizers import byte_level

FORM = {form.name: form for form in FORMATS}


def task_of(prompt, completion, count=20):
    split = CausalSplit([(Turn("user", prompt), Turn("assistant", completion))] * count)
    return CausalTask("t", FORM["prompt"], "token_accuracy", split, split, split)


def test_what_is_easy_to_foretell_and_what_moved_is_said():
    _, notes = choose_causal_setting(task_of("Question: is it? Answer: ", "yes"), byte_level())
    assert "50% of the learned tokens end a text or a turn, which is easy to foretell" in notes
    [moved] = [note for note in notes if note.startswith("blanks at the end of prompts")]
    assert moved.endswith(": 20 of 20 train, 20 of 20 validation, 20 of 20 test examples")


def test_examples_that_are_as_they_stand_need_no_word():
    _, notes = choose_causal_setting(task_of("Question: is it? Answer:", " yes"), byte_level())
    assert [note.split()[0] for note in notes] == ["examples", "50%", "so"]


def test_data_that_teaches_to_stop_alone_is_refused_in_every_split():
    bad, good = task_of("Question: is the ket", "tle"), task_of("Answer:", " yes")
    for name in ("train", "validation", "test"):
        splits = {**good.splits, name: bad.train}
        task = CausalTask("t", FORM["prompt"], "token_accuracy", **splits)
        with pytest.raises(DataError, match=f"20 of 20 {name} examples have no token to learn but the one that ends"):
            choose_causal_setting(task, byte_level())
