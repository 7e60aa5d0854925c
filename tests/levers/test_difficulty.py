"""DART-Math's quotas, against the rule in its paper and the repaired one that keeps every question."""

from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from autopeft.levers import DIFFICULTY, resampled

QUESTIONS = ["easy", "hard", "easy", "middling", "easy"]
FAILED = np.array([0.0, 0.8, 0.0, 0.4, 0.0])


def counts(word, most=4, power=1.0, questions=QUESTIONS, failed=FAILED):
    data = {"difficulty": word, "most": most, "fail_rate": "fails", "proportional_power": power}
    rows = resampled(questions, failed, DIFFICULTY.asked(data))
    return Counter(int(row) for row in rows)


def test_the_hardest_gets_most_and_what_never_fails_keeps_one():
    found = counts("proportional")
    assert found == {0: 1, 1: 4, 3: 2}
    assert sum(found.values()) == 7


def test_rows_of_a_question_come_in_their_order_and_again_where_there_are_too_few():
    found = counts("uniform")
    assert found == {0: 2, 2: 1, 4: 1, 1: 4, 3: 4}


def test_uniform_is_the_power_of_nothing():
    assert counts("proportional", power=0.0) == counts("uniform")


def test_where_all_is_solved_each_question_keeps_one():
    assert counts("proportional", failed=np.zeros(5)) == {0: 1, 1: 1, 3: 1}


def test_without_quotas_easy_questions_prevail():
    """A pool of correct answers holds more of what is solved more often; that is what quotas are for."""
    failed = np.array([0.05, 0.5, 0.95])
    pool = [number for number, rate in enumerate(failed) for _ in range(round(40 * (1 - rate)))]
    plain = Counter(pool)
    found = Counter(
        pool[row] for row, times in counts("proportional", 16, 1.0, pool, failed[pool]).items() for _ in range(times)
    )
    assert plain[0] > plain[1] > plain[2]
    assert found[0] < found[1] < found[2]


@given(
    st.lists(st.tuples(st.integers(0, 5), st.floats(0, 1)), min_size=1, max_size=40),
    st.integers(1, 16),
    st.sampled_from([0.0, 0.5, 1.0, 2.0]),
)
def test_quotas_are_kept(rows, most, power):
    questions, failed = [question for question, _ in rows], np.array([rate for _, rate in rows])
    found = counts("proportional", most, power, questions, failed)
    times = Counter()
    for row, count in found.items():
        times[questions[row]] += count
    assert times.keys() == set(questions)
    assert all(1 <= count <= most for count in times.values())
    means = {each: failed[[question == each for question in questions]].mean() for each in set(questions)}
    hardest = max(means, key=means.get)
    assert times[hardest] == (most if means[hardest] > 0 or power == 0 else 1)
    assert all(times[one] <= times[other] for one in times for other in times if means[one] < means[other])
