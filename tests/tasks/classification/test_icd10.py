from collections import Counter

import pytest

from autopeft.errors import DataError
from autopeft.tasks import TaskSpec, load_task

icd = pytest.importorskip("simple_icd_10_cm", reason="the data of icd10 comes with the extra `demo`")


@pytest.fixture(scope="module")
def task():
    return load_task(TaskSpec(name="icd10"))


def test_splits_are_balanced(task):
    assert [len(split) for split in task.splits.values()] == [2400, 600, 1200]
    for split in task.splits.values():
        assert len(set(Counter(split.labels).values())) == 1


def test_no_category_and_no_text_crosses_a_split(task):
    categories: dict[str, set[str]] = {}
    for code in icd.get_all_codes():
        if not icd.is_chapter_or_block(code):
            categories.setdefault(icd.get_description(code).lower(), set()).add(code[:3])
    # A description that stands under several categories cannot tell which one it was drawn from.
    found = [
        {next(iter(names)) for text in split.texts if len(names := categories[text.lower()]) == 1}
        for split in task.splits.values()
    ]
    assert not found[0] & found[1]
    assert not found[0] & found[2]
    assert not found[1] & found[2]
    texts = [text.lower() for split in task.splits.values() for text in split.texts]
    assert len(texts) == len(set(texts))


def test_it_is_the_same_every_time(task):
    assert load_task(TaskSpec(name="icd10")).fingerprint == task.fingerprint


def test_without_its_package_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "simple_icd_10_cm", None)
    with pytest.raises(DataError, match=r"pip install 'autopeft\[demo\]'"):
        load_task(TaskSpec(name="icd10"))
