"""From what finalists reached to what `finalists.json` says of them. Here test is looked at."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from autopeft.launch import Preparation, SearchResult
from autopeft.selection.contenders import Contender
from autopeft.selection.finalists_file import Finalist, FinalistsFile, Interval, SeedResult, Setting
from autopeft.selection.records import Records, readings
from autopeft.selection.statistics import Difference, Estimates, estimate, on_front
from autopeft.selection.verdict import MARGIN, Compared, Reference, overall, verdict_of
from autopeft.study import counted

__all__ = ["summarise"]


def summarise(
    prepared: Preparation,
    result: SearchResult,
    records: Records,
    finalists: Sequence[Contender],
    margin: float = MARGIN,
) -> FinalistsFile:
    """Return what is to be said of finalists that have been trained and measured.

    Args:
        prepared: The plan of the run, made concrete.
        result: The run.
        records: What the finalists left.
        finalists: The finalists, stock LoRA among them.
        margin: By how much worse than stock LoRA is as good as it, as a fraction.
    """
    ordered = sorted(finalists, key=lambda each: each.costs)
    fixed = [place for place, each in enumerate(ordered) if each.fixed]
    scores = [records.validation(each) for each in ordered]
    validation = estimate([np.stack(each) for each in scores], fixed)
    test = estimate([_tested(records, each, len(s)) for each, s in zip(ordered, scores, strict=True)], fixed)
    stock = next(place for place, each in enumerate(ordered) if each.baseline == "stock-lora")
    reference = _reference(ordered, stock, test, margin)
    chances = on_front(np.array([each.costs for each in ordered]), test.draws())
    found: list[Finalist] = []
    compared: dict[int, Compared] = {}
    for place, each in enumerate(ordered):
        difference = None
        if place != stock:
            difference = test.difference(place, stock, among=len(ordered) - 1)
            name = each.role.replace("trial-", "trial ")
            compared[place] = Compared(name, difference, each.params / ordered[stock].params)
        found.append(
            Finalist(
                name=each.role,
                trial=each.trial,
                baseline=each.baseline,
                configuration=each.configuration.to_dict(),
                in_words="full fine-tuning" if each.baseline == "full" else each.configuration.describe(),
                params=each.params,
                share=each.params / prepared.scale.backbone,
                learning_rate=each.configuration.training.get("learning_rate"),
                seeds=_seeds(records, each, len(scores[place])),
                validation=_interval(validation, place),
                test=_interval(test, place),
                difference=None if difference is None else _around(difference),
                as_good=None if place == stock else compared[place].as_good(margin),
                front_probability=float(chances[place]),
                beats_stock=None if difference is None else difference.probability,
                verdict="what the others are compared with"
                if place == stock
                else verdict_of(compared[place], reference),
            )
        )
    searched = [place for place, each in enumerate(ordered) if each.baseline is None]
    searched.sort(key=lambda place: -validation.means[place])
    return FinalistsFile(
        setting=Setting(examples=records.setting.examples, epochs=records.setting.epochs),
        metric=prepared.task.objective,
        margin=margin,
        test_readings=readings(records.run),
        verdict=overall([compared[place] for place in searched], reference),
        finalists=tuple(found),
        trials=counted(result.study),
    )


def _reference(ordered: Sequence[Contender], stock: int, test: Estimates, margin: float) -> Reference:
    """Return stock LoRA as what others are compared with; its gain is one of the statements that hold at once."""
    head = next((place for place, each in enumerate(ordered) if each.baseline == "head"), None)
    gain = None if head is None else test.difference(stock, head, among=len(ordered) - 1)
    untouched = "the untouched model" if head is not None and ordered[head].fixed else "the head alone"
    return Reference("stock LoRA", untouched, gain, margin)


def _tested(records: Records, contender: Contender, seeds: int) -> np.ndarray:
    """Return the scores of a finalist on test, `[seeds, examples]`."""
    found = [records.test(contender, seed) for seed in range(seeds)]
    return np.stack([scores for scores in found if scores is not None])


def _seeds(records: Records, contender: Contender, count: int) -> tuple[SeedResult, ...]:
    validation, test = records.validation(contender), _tested(records, contender, count)
    return tuple(
        SeedResult(
            seed=records.seed_of(index),
            validation=float(validation[index].mean()),
            test=float(test[index].mean()),
            folder=records.folder(contender, index).relative_to(records.run).as_posix(),
        )
        for index in range(count)
    )


def _interval(estimates: Estimates, place: int) -> Interval:
    mean, margin = float(estimates.means[place]), estimates.margin(place)
    return Interval(mean=mean, low=mean - margin, high=mean + margin)


def _around(difference: Difference) -> Interval:
    return Interval(
        mean=difference.mean, low=difference.mean - difference.margin, high=difference.mean + difference.margin
    )
