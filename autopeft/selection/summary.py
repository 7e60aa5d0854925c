"""From what finalists reached to what `finalists.json` says of them. Here test is looked at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from autopeft.launch import Preparation, SearchResult
from autopeft.methods import TITLES
from autopeft.selection.comparison import compare
from autopeft.selection.contenders import Contender
from autopeft.selection.finalists_file import Finalist, FinalistsFile, Interval, Power, SeedResult, Setting
from autopeft.selection.gap import gap_of
from autopeft.selection.power import expected_half_width, foreseen
from autopeft.selection.records import Records, readings
from autopeft.selection.statistics import Difference, Estimates, estimate, on_front
from autopeft.selection.verdict import MARGIN, overall, verdict_of
from autopeft.study import counted

__all__ = ["summarise"]


def summarise(
    prepared: Preparation,
    result: SearchResult,
    records: Records,
    finalists: Sequence[Contender],
    margin: float = MARGIN,
    failed: Sequence[str] = (),
) -> FinalistsFile:
    """Return what is to be said of finalists that have been trained and measured.

    Args:
        prepared: The plan of the run, made concrete.
        result: The run.
        records: What the finalists left.
        finalists: The finalists, a reference among them.
        margin: By how much worse than a reference is as good as it, as a fraction.
        failed: The names of references that could not be trained.
    """
    ordered = sorted(finalists, key=lambda each: each.costs)
    fixed = [place for place, each in enumerate(ordered) if each.fixed]
    head = next((place for place, each in enumerate(ordered) if each.baseline == "head"), None)
    scores = [records.validation(each) for each in ordered]
    validation = estimate([np.stack(each) for each in scores], fixed, head)
    test = estimate([_tested(records, each) for each in ordered], fixed, head)
    names = tuple(result.scale.costs)
    told = compare(ordered, names, validation, test, margin)
    chances = on_front(np.array([each.costs for each in ordered]), test.draws())
    found = [
        Finalist(
            name=each.role,
            trial=each.trial,
            baseline=each.baseline,
            configuration=each.configuration.to_dict(),
            in_words="full fine-tuning" if each.baseline == "full" else each.configuration.describe(),
            params=each.params,
            share=each.params / prepared.scale.backbone,
            learning_rate=each.configuration.training.get("learning_rate"),
            seeds=_seeds(records, each),
            validation=_interval(validation, place),
            test=_interval(test, place),
            costs={} if each.baseline == "full" else dict(zip(names, each.costs, strict=True)),
            against=told.against[place],
            front_probability=float(chances[place]),
            verdict="what the others are compared with"
            if place == told.best
            else verdict_of(told.compared[place], told.reference),
        )
        for place, each in enumerate(ordered)
    ]
    searched = [place for place, each in enumerate(ordered) if each.baseline is None]
    searched.sort(key=lambda place: -validation.means[place])
    untold = [f"{TITLES[name]} could not be trained, so nothing is compared with it" for name in failed]
    return FinalistsFile(
        setting=Setting(examples=records.setting.examples, epochs=records.setting.epochs),
        metric=prepared.task.objective,
        margin=margin,
        reference=ordered[told.best].role,
        cheapest=ordered[told.cheapest].role,
        test_readings=readings(records.run),
        failed=tuple(failed),
        verdict="; ".join([overall([told.compared[place] for place in searched], told.reference), *untold]),
        finalists=tuple(found),
        trials=counted(result.study),
        power=_power(
            [(place, told.best) for place in searched], validation, test, told.differences, prepared.held_out["test"][1]
        ),
        gap=gap_of(prepared.task, validation, test, told.head),
    )


def _power(
    pairs: Sequence[tuple[int, int]],
    validation: Estimates,
    test: Estimates,
    differences: Mapping[tuple[int, int], Difference],
    alone: int,
) -> Power | None:
    """Return which differences were to be told, and were; test tells as much as so many examples that stand alone."""
    if not pairs:
        return None
    before = foreseen(validation, [*differences], test.count)
    return Power(
        expected=expected_half_width("test", alone),
        foreseen=float(np.mean([before[pair].margin for pair in pairs])),
        reached=float(np.mean([differences[pair].margin for pair in pairs])),
    )


def _tested(records: Records, contender: Contender) -> np.ndarray:
    """Return the scores of a finalist on test, `[seeds, units]`."""
    found = [records.test(contender, index) for index in records.trained(contender)]
    return np.stack([scores for scores in found if scores is not None])


def _seeds(records: Records, contender: Contender) -> tuple[SeedResult, ...]:
    each = zip(records.trained(contender), records.validation(contender), _tested(records, contender), strict=True)
    return tuple(
        SeedResult(
            seed=records.seed_of(index),
            validation=float(validation.mean()),
            test=float(test.mean()),
            folder=records.folder(contender, index).relative_to(records.run).as_posix(),
        )
        for index, validation, test in each
    )


def _interval(estimates: Estimates, place: int) -> Interval:
    mean, margin = float(estimates.means[place]), estimates.margin(place)
    return Interval(mean=mean, low=mean - margin, high=mean + margin)
