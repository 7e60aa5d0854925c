"""Rates over lengths: further ones are tried until the best lies between others, and a rule is found again."""

import json

import pytest

from autopeft.trials import TrialSetting
from studies.lengths.measure import likely, longer, wanted
from studies.lengths.show import best_power, exponent, main, reached


def rows(length, top, powers=(-2, -1, 0, 1)):
    return [
        {
            "length": length,
            "power": power,
            "seed": seed,
            "steps": 10 * length,
            "accuracy": 0.9 - 0.01 * (power - top) ** 2,
        }
        for power in powers
        for seed in (0, 1)
    ]


def test_what_is_missing_comes_first_and_then_what_lies_beyond_the_best():
    assert len(wanted([])) == 8
    assert wanted(rows(1, 0)[:-1]) == [(1, 1)]
    assert wanted(rows(1, -0.3)) == []
    assert wanted(rows(1, 3)) == [(2, 0), (2, 1)]
    assert wanted(rows(1, -5)) == [(-3, 0), (-3, 1)]
    # Not for ever.
    assert wanted(rows(1, -20, range(-6, 2))) == []


def test_longer_trainings_begin_from_the_best_of_shorter_ones():
    assert likely([]) == (-2, -1, 0, 1)
    assert likely(rows(1, 1)) == (-1, 0, 1)
    assert likely([*rows(1, 1), *rows(4, -1)]) == (-3, -2, -1, 1)
    assert wanted([], likely([*rows(1, 1), *rows(4, -1)]))[-1] == (1, 1)


@pytest.mark.parametrize(("length", "examples"), [(1, 100), (4, 400), (16, 1000)])
def test_longer_is_more_examples_and_then_more_epochs(length, examples):
    setting = TrialSetting(examples=100, validation_examples=50, epochs=2, batch_size=10)
    longest = longer(setting, length, available=1000)
    assert longest.examples == examples
    assert longest.steps == pytest.approx(length * setting.steps, abs=1)
    assert longest.rungs == ()


def test_a_rule_is_found_again_and_its_worth_said(tmp_path, capsys):
    found = [
        [row for length in (1, 4, 16) for row in rows(length, 0.5 * start - 0.25 * length.bit_length(), range(-4, 2))]
        for start in (0, 1)
    ]
    assert best_power(reached(found[0], 1)) == pytest.approx(-0.25)
    slope, error = exponent(found)
    assert slope == pytest.approx(-0.25)
    assert error == pytest.approx(0, abs=1e-6)
    (tmp_path / "sst2.jsonl").write_text("".join(json.dumps(row) + "\n" for row in found[0]))
    # A length whose best rate may lie further out says nothing yet.
    with (tmp_path / "sst2.jsonl").open("a") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows(64, -9, range(-4, 2)))
    main(tmp_path)
    said = capsys.readouterr().out
    assert "| sst2 | 64 |" not in said
    assert "to the power of -0.25 ± 0.00" in said
    assert "at 16 times the steps the rate of trials loses" in said
