"""What is said of finalists."""

import math

import pytest

from autopeft.errors import AutopeftError
from autopeft.selection.statistics import Difference
from autopeft.selection.verdict import Compared, Reference, margin_of, overall, verdict_of


def compared(name, mean, margin, parameters):
    return Compared(name, Difference(mean, margin, 0.5), {"params": parameters})


def stock(mean=0.05, half=0.01, margin=0.01):
    return Reference("stock LoRA", "the head alone", Difference(mean, half, 0.5), margin)


BETTER = compared("trial 3", 0.018, 0.006, 0.09)
OPEN = compared("trial 4", -0.003, 0.012, 0.004)
DEAR = compared("trial 5", 0.003, 0.012, 2.4)
WORSE = compared("trial 6", -0.05, 0.01, 0.5)
AS_GOOD = compared("trial 7", -0.002, 0.006, 0.22)
SLIGHTLY_WORSE = compared("trial 8", -0.005, 0.003, 0.02)
WILD = compared("trial 9", -0.12, 0.22, 0.5)


@pytest.mark.parametrize(
    ("finalist", "said"),
    [
        (BETTER, "better than stock LoRA by 1.8 ± 0.6 points at 9% of its parameters"),
        (OPEN, "not to be told from stock LoRA (-0.3 ± 1.2 points) at 0.4% of its parameters"),
        (DEAR, "as good as stock LoRA within 1 point (+0.3 ± 1.2 points) at 240% of its parameters"),
        (WORSE, "worse than stock LoRA by 5.0 ± 1.0 points at 50% of its parameters"),
        (AS_GOOD, "as good as stock LoRA within 1 point (-0.2 ± 0.6 points) at 22% of its parameters"),
        (SLIGHTLY_WORSE, "as good as stock LoRA within 1 point (-0.5 ± 0.3 points) at 2% of its parameters"),
        (WILD, "not to be told from stock LoRA (-12.0 ± 22.0 points) at 50% of its parameters"),
    ],
)
def test_of_one(finalist, said):
    assert verdict_of(finalist, stock()) == said


def test_the_margin_decides_what_is_as_good():
    assert verdict_of(AS_GOOD, stock(margin=0.005)).startswith("not to be told from stock LoRA")
    assert "as good as stock LoRA within 2 points" in verdict_of(OPEN, stock(margin=0.02))
    assert "within 0.5 points" in verdict_of(compared("t", 0.0, 0.004, 0.1), stock(margin=0.005))


@pytest.mark.parametrize(
    ("found", "reference", "begins"),
    [
        ([OPEN, BETTER, WORSE], stock(), "trial 3 is better than stock LoRA by 1.8"),
        ([AS_GOOD, SLIGHTLY_WORSE, WORSE], stock(), "trial 8 is as good as stock LoRA within 1 point"),
        # What is dearer is no gain, however good.
        ([DEAR, OPEN], stock(), "searching did not help: nothing it found is shown to be better than stock LoRA, or"),
        ([WORSE], stock(), "searching did not help: nothing it found is as good as stock LoRA; use that"),
        ([], stock(), "searching did not help: nothing that it found is among the finalists; use stock LoRA"),
        ([], stock(0.014, 0.02), "nothing beyond the head alone is shown to help: stock LoRA is +1.4 ± 2.0"),
        # Stock LoRA itself may be no better than the head; then as good says nothing.
        ([AS_GOOD], stock(0.014, 0.02), "nothing beyond the head alone is shown to help: stock LoRA is +1.4 ± 2.0"),
        # What is as good is not called worse, though it is no gain.
        ([SLIGHTLY_WORSE], stock(0.014, 0.004), "searching did not help: nothing it found is shown to be better than"),
        # The margin may be most of what there is to gain.
        ([AS_GOOD], stock(0.014, 0.004), "searching did not help: nothing it found is shown to be better than stock"),
    ],
)
def test_of_all(found, reference, begins):
    assert overall(found, reference).startswith(begins)


def test_what_would_be_needed_is_said():
    # Half a width of 22 points would have to be 12 to tell that it is worse.
    assert overall([WILD], stock()).endswith("; about 4 times as many test examples and seeds would tell")
    # 2.0 points would have to be 1.4, a bit more than twice as much.
    assert overall([AS_GOOD], stock(0.014, 0.02)).endswith("about 3 times as many test examples and seeds would tell")
    without = Reference("stock LoRA", "the head alone", None, 0.01)
    assert overall([AS_GOOD], without).endswith("the head alone could not be measured")


def test_margins_are_read():
    assert margin_of("1pt") == 0.01
    assert margin_of(" 0.5 pt ") == 0.005
    for wrong in ("1", "0pt", "1%", "-1pt", "100pt", "pt"):
        with pytest.raises(AutopeftError, match=r"--margin is .* expected points of the metric, such as 1pt"):
            margin_of(wrong)


def test_shares_are_of_the_cheapest_reference_that_is_as_good():
    reference = Reference("all-linear LoRA", "the head alone", Difference(0.05, 0.01, 0.5), 0.01, "low-rank LoRA")
    finalist = Compared("trial 7", Difference(-0.002, 0.006, 0.5), {"params": 0.22, "memory": 0.9})
    assert verdict_of(finalist, reference) == (
        "as good as all-linear LoRA within 1 point (-0.2 ± 0.6 points) at 22% of the parameters and 90% of the memory "
        "of low-rank LoRA, the reference of the lowest cost that is as good"
    )
    assert overall([finalist], reference).startswith("trial 7 is as good as all-linear LoRA")
    # A search finds nothing for less that a reference has for less still.
    dearer = Compared("trial 7", Difference(-0.002, 0.006, 0.5), {"params": 1.4})
    said = overall([dearer], reference)
    assert said.startswith("searching did not help: nothing it found is shown to be better than all-linear LoRA, or")
    assert said.endswith("; use low-rank LoRA, which is as good as all-linear LoRA within 1 point")
    # No cost may be higher.
    mixed = Compared("trial 7", Difference(-0.002, 0.006, 0.5), {"params": 0.2, "memory": 1.1})
    assert overall([mixed], reference).startswith("searching did not help")
    assert overall([], reference).endswith("use low-rank LoRA, which is as good as all-linear LoRA within 1 point")


def test_where_nothing_can_be_divided_no_share_is_said():
    reference = Reference("stock LoRA", "the head alone", Difference(0.05, 0.01, 0.5), 0.01)
    assert verdict_of(Compared("full", Difference(0.05, 0.01, 0.9), {}), reference) == (
        "better than stock LoRA by 5.0 ± 1.0 points"
    )


def test_better_than_a_reference_is_no_headline_where_the_untouched_model_is_as_good():
    harmful = Reference("stock LoRA", "the untouched model", Difference(-0.049, 0.035, 0.0), 0.01)
    gained = Difference(0.0005, 0.004, 0.6)
    finalist = Compared("trial 9", Difference(0.05, 0.036, 1.0), {"params": 0.073}, gained)
    assert overall([finalist], harmful) == (
        "nothing beyond the untouched model is shown to help: stock LoRA is -4.9 ± 3.5 points above it, trial 9 +0.1 ± "
        "0.4 points; about 64 times as many test examples and seeds would tell"
    )
    shown = Compared("trial 9", Difference(0.05, 0.036, 1.0), {"params": 0.073}, Difference(0.02, 0.004, 1.0))
    assert overall([shown], harmful).startswith("trial 9 is better than stock LoRA by 5.0")
    # It helps, which the reference is not shown to do, though the two cannot be told apart.
    beside = Compared("trial 9", Difference(0.02, 0.036, 0.9), {"params": 0.073}, Difference(0.02, 0.004, 1.0))
    assert overall([beside], stock(0.014, 0.02)) == (
        "trial 9 is +2.0 ± 0.4 points above the head alone, which stock LoRA (+1.4 ± 2.0 points) is not shown to be; "
        "it is not to be told from stock LoRA (+2.0 ± 3.6 points) at 7.3% of its parameters"
    )


def test_what_costs_something_where_the_reference_costs_nothing_is_not_cheaper():
    finalist = Compared("trial 7", Difference(-0.002, 0.006, 0.5), {"params": 0.2, "flops": math.inf})
    assert not finalist.cheaper
    assert verdict_of(finalist, stock()).endswith("at 20% of its parameters and FLOPs where it has none")
    assert overall([finalist], stock()).startswith("searching did not help")
