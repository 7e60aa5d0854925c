"""Folders of labels and of splits: what beside them is passed over, told or refused, and splits that are named."""

import os

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from autopeft.errors import DataError
from autopeft.tasks.media.item import printable
from tests.tasks.image.test_pictures import write_idx
from tests.tasks.media.fill import clip, fill, loaded, picture

PETS = {"cat": 30, "dog": 30}
FEW = {"cat": 10, "dog": 10}


def sizes(task):
    return {name: len(split) for name, split in task.splits.items()}


def said(task):
    return "\n".join(task.describe())


def split_pets(folder):
    for split, counts in {"train": PETS, "val": FEW, "test": FEW}.items():
        fill(folder / split, counts)
    return folder


def hidden_folder(folder):
    (folder / ".ipynb_checkpoints" / "cat").mkdir(parents=True)
    (folder / ".ipynb_checkpoints" / "cat" / "1.png").write_bytes(picture())


def archive(folder):
    (folder / "__MACOSX" / "train").mkdir(parents=True)
    (folder / "__MACOSX" / "train" / "._1.png").write_bytes(b"Mac")


def notes_of_others(folder):
    (folder / "annotations").mkdir()
    (folder / "annotations" / "all.json").write_text("{}")


@pytest.mark.parametrize("more", [hidden_folder, archive, notes_of_others])
def test_folders_without_pictures_do_not_make_labels_of_splits(tmp_path, more):
    folder = split_pets(tmp_path / "data")
    more(folder)
    task = loaded(folder)
    assert task.schema.labels == ("cat", "dog")
    assert sizes(task) == {"train": 60, "validation": 20, "test": 20}
    assert ("folders annotations" in said(task)) == (more is notes_of_others)


def eval_folder(folder):
    fill(folder / "eval", FEW)


def two_of_validation(folder):
    fill(folder / "validation", FEW)


def no_train(folder):
    (folder / "train").rename(folder / "cat")


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (eval_folder, "found 'eval' with pictures beside 'test', 'train', 'val'"),
        (two_of_validation, "found 'val' and 'validation', each called after the split validation; expected one"),
        (no_train, "found 'cat' with pictures beside 'test', 'val'"),
    ],
)
def test_folders_that_do_not_go_with_splits_are_refused(tmp_path, more, words):
    folder = split_pets(tmp_path / "data")
    more(folder)
    with pytest.raises(DataError) as error:
        loaded(folder)
    assert words in str(error.value)


def test_labels_may_be_called_after_splits(tmp_path):
    task = loaded(fill(tmp_path / "vehicles", {"train": 40, "bus": 40}))
    assert task.schema.labels == ("bus", "train")


def test_pictures_of_a_split_without_labels_are_told(tmp_path):
    folder = split_pets(tmp_path / "data")
    for label in ("cat", "dog"):
        for file in (folder / "test" / label).iterdir():
            file.rename(folder / "test" / f"{label}{file.name}")
        (folder / "test" / label).rmdir()
    task = loaded(folder)
    assert sizes(task)["train"] + sizes(task)["test"] == 60
    assert "they lie in no folder of a label: 20 pictures (test/cat0.png," in said(task)


def test_what_is_not_read_of_a_folder_is_told(tmp_path):
    folder = fill(tmp_path / "pets", {"cat": 30, "dog": 30, "owl": 2})
    fill(folder, {"bird": 3}, ending="heic")
    fill(folder, {"emu": 1}, ending="heic")
    (folder / "cat" / "._1.png").write_bytes(b"Mac")
    (folder / "cat" / ".cache").mkdir()
    (folder / "cat" / ".cache" / "1.png").write_bytes(b"thumb")
    (folder / "dog" / "notes.txt").write_text("no picture")
    (folder / "loose.png").write_bytes(picture())
    (folder / "cat" / "gone.png").symlink_to(tmp_path / "nowhere.png")
    (folder / "all").symlink_to(folder)
    (folder / "dog" / "up").symlink_to("..")
    task = loaded(folder)
    assert sum(sizes(task).values()) == 62
    for words in (
        "5 other files (.heic, .txt)",
        "no folder of a label: 1 pictures (loose.png)",
        "folders bird, emu",
        "3 links (all, cat/gone.png, dog/up)",
    ):
        assert words in said(task)


def test_linked_folders_of_labels_are_followed(tmp_path):
    fill(tmp_path / "far", PETS)
    folder = tmp_path / "near"
    folder.mkdir()
    for label in PETS:
        (folder / label).symlink_to(tmp_path / "far" / label)
    assert sum(sizes(loaded(folder)).values()) == 60


ODD = ["dog ", "d\rg", "d\x1b[31mg", "d\u00a0g", os.fsdecode(b"d\xffg")]


@pytest.mark.parametrize("name", ODD)
@pytest.mark.parametrize("of", ["label", "file"])
def test_any_name_can_be_read_and_is_printed_in_one_line(tmp_path, name, of):
    folder = fill(tmp_path / "pets", {"cat": 30, name if of == "label" else "dog": 30})
    if of == "file":
        (folder / "dog" / "3.png").rename(folder / "dog" / f"{name}.png")
    task = loaded(folder)
    assert sum(sizes(task).values()) == 60
    assert all(item.name.isprintable() for split in task.splits.values() for item in split.items)


@given(st.text())
def test_names_are_printed_as_they_are_where_they_can_be(name):
    assert printable(name).isprintable()
    assert not name.isprintable() or printable(name) == name


def test_rows_left_out_are_named_by_their_files(tmp_path):
    task = loaded(fill(tmp_path / "pets", {"cat": 30, "dog": 30, "\u200b": 2}))
    assert "2 rows of 62 dropped, 'label' is empty (\\u200b/0.png, \\u200b/1.png)" in said(task)


def test_folders_that_become_one_label_are_refused(tmp_path):
    with pytest.raises(DataError, match="the folders 'cat' and 'cat ' are called alike"):
        loaded(fill(tmp_path / "pets", {"cat": 30, "cat ": 30, "dog": 30}))


@pytest.mark.parametrize(("make", "ending"), [(picture, "png"), (clip, "wav")])
def test_splits_that_are_named_stand(tmp_path, make, ending):
    train = fill(tmp_path / "train", PETS, make, ending)
    val, test = (fill(tmp_path / name, FEW, make, ending) for name in ("v", "t"))
    task = loaded(train, validation=str(val), test=str(test))
    assert sizes(task) == {"train": 60, "validation": 20, "test": 20}
    assert all(item.name.startswith("v/") for item in task.validation.items)
    whole = split_pets(tmp_path / "whole") if make is picture else None
    if whole is not None:
        task = loaded(whole, test=str(test))
        assert all(item.name.startswith("t/") for item in task.test.items)
        assert f"taken in place of the test split of {whole}" in said(task)
        with pytest.raises(DataError, match="holds train and validation and test; expected the pictures of one split"):
            loaded(train, validation=str(whole))


def idx(folder, split, count=60):
    folder.mkdir(exist_ok=True)
    images = np.random.default_rng(count).integers(0, 256, (count, 4, 4), dtype=np.uint8)
    write_idx(folder / f"{split}-images-idx3-ubyte", images)
    write_idx(folder / f"{split}-labels-idx1-ubyte", (np.arange(count) % 2).astype(np.uint8))
    return folder


def test_files_of_mnist_may_be_named_for_a_split(tmp_path):
    task = loaded(idx(tmp_path / "a", "train"), validation=str(idx(tmp_path / "b", "t10k", 20)))
    assert sizes(task)["validation"] == 20
    with pytest.raises(DataError, match="holds test and train; expected the pictures of one split"):
        loaded(tmp_path / "a", validation=str(idx(idx(tmp_path / "c", "train"), "t10k")))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"validation": "nowhere"}, "--validation: 'nowhere' was not found"),
        ({"test": __file__}, "is a file; expected a folder"),
        ({"validation": "empty"}, "holds no folders of pictures; expected one for each label"),
        ({"group": "owner"}, "nothing to keep pictures together by; leave --group out"),
    ],
)
def test_splits_that_cannot_be_read_are_refused(tmp_path, monkeypatch, given, words):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError) as error:
        loaded(fill(tmp_path / "pets", PETS), **given)
    assert words in str(error.value)


@hypothesis_settings(max_examples=15, deadline=None)
@given(copies=st.lists(st.integers(1, 8), min_size=4, max_size=12), seed=st.integers(0, 5))
def test_equal_pictures_stay_in_one_split(tmp_path_factory, copies, seed):
    folder = fill(tmp_path_factory.mktemp("pets"), PETS)
    for which, count in enumerate(copies):
        for again in range(count):
            label = ("cat", "dog")[(which + again) % 2]
            (folder / label / f"again {which} {again}.png").write_bytes((folder / "cat" / f"{which}.png").read_bytes())
    splits = [{item.digest for item in split.items} for split in loaded(folder, seed=seed).splits.values()]
    assert sum(map(len, splits)) == len(set().union(*splits))
