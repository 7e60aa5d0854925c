"""What is wrong with data for decoders comes up before anything trains, with its line."""

import json

import pytest

from autopeft.errors import AutopeftError, DataError
from autopeft.launch import SearchPlan, groundwork
from autopeft.testing.decoders import CHAT_TEMPLATE, tiny_decoder
from autopeft.testing.models import TEXTS

#: Refuses what some models' templates refuse, a system turn.
PICKY = "{% if messages[0]['role'] == 'system' %}{{ raise_exception('no system turns') }}{% endif %}" + CHAT_TEMPLATE
RIGHT = [{"role": "user", "content": TEXTS[0]}, {"role": "assistant", "content": TEXTS[1]}]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return tiny_decoder("llama", tmp_path_factory.mktemp("model"), template=PICKY)


def write(path, rows):
    path.write_text("\n".join(map(json.dumps, rows)) + "\n")
    return str(path)


def prepared(model, folder, split, row, good, **plan):
    """Prepare good data, but for one row of a split."""
    files = {name: [*good(name)] for name in ("train", "validation", "test")}
    files[split][5] = row
    given = {"data" if name == "train" else name: write(folder / f"{name}.jsonl", rows) for name, rows in files.items()}
    return groundwork(SearchPlan.of({"model": model, **given, **plan}))


@pytest.mark.parametrize("split", ["train", "validation", "test"])
@pytest.mark.parametrize(
    ("turns", "message"),
    [
        ([{"role": "system", "content": "good"}, *RIGHT], "refuses a conversation of system, user, assistant"),
        ([*RIGHT, {"content": "good"}], "message 3: found 'content'; expected an object with 'role'"),
    ],
)
def test_a_conversation_in_any_split_that_cannot_be_written_is_named(model, tmp_path, split, turns, message):
    with pytest.raises(DataError, match=rf"{split}\.jsonl', line 6.*{message}"):
        prepared(model, tmp_path, split, {"messages": turns}, lambda name: [{"messages": RIGHT}] * 24)


@pytest.mark.parametrize("split", ["validation", "test"])
def test_held_out_examples_of_which_nothing_is_left_are_refused(model, tmp_path, split):
    def good(name):
        asked = " ".join(TEXTS) if name == split else "good"
        return [{"prompt": asked, "completion": "film"}] * 24

    row = {"prompt": " ".join(TEXTS), "completion": "film"}
    with pytest.raises(DataError, match=r"cut at 10 tokens, none of the 24 examples .* raise --max-length"):
        prepared(model, tmp_path, split, row, good, max_length=10)


def test_choices_that_do_not_fit_are_refused(model, tmp_path):
    def good(name):
        long = "film" if name == "train" else " ".join(TEXTS)
        return [{"question": "good", "choices": ["story", long], "answer": 0}] * 24

    with pytest.raises(DataError, match=r"none of the 24 questions to be measured on fits into 16 tokens"):
        prepared(model, tmp_path, "train", next(iter(good("train"))), good, max_length=16)


@pytest.mark.parametrize("name", ["trust_remote_code", "allow_code"])
def test_no_file_allows_code_to_run(name, tmp_path):
    file = tmp_path / "plan.yaml"
    file.write_text(f"{{data: train.csv, {name}: true}}")
    assert getattr(SearchPlan.from_file(file), name) is False
    assert getattr(SearchPlan.from_file(file, **{name: True}), name) is True
    for written in ("'yes'", "'true'", "1", "'on'"):
        file.write_text(f"{{data: train.csv, {name}: {written}}}")
        with pytest.raises(AutopeftError, match=f"{name}: found .*: input should be a valid boolean"):
            SearchPlan.from_file(file)
