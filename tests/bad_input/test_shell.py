"""Ten of the cases as users see them: through the shell, in a process of their own."""

import pytest

from tests.bad_input import (
    test_data,
    test_folders,
    test_kinds,
    test_models,
    test_options,
    test_plans,
    test_ranking,
    test_spaces,
)
from tests.bad_input.case import Case, check_refused
from tests.marks import mostly_slow

NAMES = (
    "a plan that was cut",
    "a line of JSON that was cut",
    "several labels with an accuracy",
    "a role with a slip",
    "two documents of one name",
    "a config of another program",
    "constraints that nothing meets",
    "a verb with a slip",
    "a storage that is text",
    "a training over files of mine",
)

TABLES = (
    test_data.FILES,
    test_kinds.KINDS,
    test_kinds.DECODERS,
    test_ranking.RANKING,
    test_models.NAMED,
    test_spaces.SPACES,
    test_options.NUMBERS,
    test_plans.PLANS,
    test_plans.VERBS,
    test_folders.CASES,
)

BY_NAME: dict[str, Case] = {case.name: case for table in TABLES for case in table}


@pytest.mark.parametrize("name", mostly_slow(NAMES))
def test_a_process_says_the_same(name, tmp_path, place):
    check_refused(BY_NAME[name], tmp_path, place, shell=True)


def test_no_case_stands_twice():
    assert len(BY_NAME) == sum(map(len, TABLES))
