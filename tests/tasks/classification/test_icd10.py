from collections import Counter

import pytest

from autopeft.errors import DataError
from autopeft.tasks import TaskSpec, load_task

icd = pytest.importorskip("simple_icd_10_cm", reason="the data of icd10 comes with the extra `demo`")


SIZES = {"icd10": [2400, 600, 1200], "icd10-chapters": [2400, 1200, 4500]}


@pytest.fixture(scope="module", params=SIZES)
def task(request):
    return load_task(TaskSpec(name=request.param))


def test_splits_are_balanced(task):
    assert [len(split) for split in task.splits.values()] == SIZES[task.name]
    for split in task.splits.values():
        assert len(set(Counter(split.labels).values())) == 1


def test_no_category_and_no_text_crosses_a_split(task):
    categories: dict[str, set[str]] = {}
    for code in icd.get_all_codes():
        if not icd.is_chapter_or_block(code):
            categories.setdefault(icd.get_description(code).lower(), set()).add(code[:3])
    for name, split in task.splits.items():
        for text, group in zip(split.texts, task.groups[name], strict=True):
            assert group in categories[text.lower()]
    found = [set(task.groups[name]) for name in task.splits]
    assert not found[0] & found[1]
    assert not found[0] & found[2]
    assert not found[1] & found[2]
    texts = [text.lower() for split in task.splits.values() for text in split.texts]
    assert len(texts) == len(set(texts))


def test_it_is_the_same_every_time(task):
    assert load_task(TaskSpec(name=task.name)).fingerprint == task.fingerprint


def test_records_of_the_first_cut_hold():
    known = "9ae1f4c858aed489dc245a08ee8f1352ce248843bac41058dfb995dc302468c0"
    assert load_task(TaskSpec(name="icd10")).fingerprint == known


def test_no_label_of_the_default_job_stands_on_few_categories():
    task = load_task(TaskSpec(name="icd10-chapters"))
    for name, split in task.splits.items():
        of_label: dict[int, set[str]] = {}
        for label, group in zip(split.labels, task.groups[name], strict=True):
            of_label.setdefault(label, set()).add(group)
        assert min(map(len, of_label.values())) >= 3
    assert len(task.test) / 4 < task.independent("test") < len(task.test) / 3


def test_without_its_package_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "simple_icd_10_cm", None)
    with pytest.raises(DataError, match=r"pip install 'autopeft\[demo\]'"):
        load_task(TaskSpec(name="icd10"))
