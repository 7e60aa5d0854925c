"""Who is trained again: candidates from the front, and what they are compared with."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from autopeft.backbones import head_parameters
from autopeft.errors import AutopeftError
from autopeft.launch import GIVEN, Preparation, SearchResult
from autopeft.methods import HEAD_ONLY, REFERENCES, Reference
from autopeft.space import Configuration
from autopeft.study import FrontRow

__all__ = ["MOST_CANDIDATES", "Contender", "contenders_of", "learning_rates", "spread"]

Row = TypeVar("Row")

#: So many rows of the front are trained again, so that the default job ends within ten minutes.
MOST_CANDIDATES = 4

#: The learning rates that a reference gets, as multiples of that of its trial.
_FACTORS = (0.4, 1.0, 2.5)

#: Those of full fine-tuning: what BERT's authors tried, and twice it, trials being short.
_FULL_LEARNING_RATES = (2e-5, 5e-5, 1e-4)


@dataclass(frozen=True)
class Contender:
    """A configuration that is trained with several seeds.

    Args:
        name: What its folder is called.
        role: The name of the finalist it may become; those of one role differ in their learning rates.
        configuration: What is trained.
        costs: The costs that are objectives; infinite for full fine-tuning, which is on no front.
        params: Trainable parameters, head not counted.
        trial: Its number in the study; None where it was no trial.
        baseline: `head`, the name of a reference, or `full`, where it is one of these.
        asked: Whether it was asked for by name: it is measured however it does.
        fixed: Whether nothing trains, so that seeds change nothing.
        seconds: About how long a step takes, for the order of trainings.
    """

    name: str
    role: str
    configuration: Configuration
    costs: tuple[float, ...]
    params: int
    trial: int | None
    baseline: str | None = None
    asked: bool = False
    fixed: bool = False
    seconds: float = 0.0


def contenders_of(prepared: Preparation, result: SearchResult, *, with_full: bool = False) -> list[Contender]:
    """Return who is trained again, the candidates of the front first.

    Args:
        prepared: The plan of the run, made concrete.
        result: The run.
        with_full: Whether full fine-tuning is among the baselines.

    Raises:
        AutopeftError: When a baseline has not finished, or the backbone is quantised and shall be trained.
    """
    rows = {row.baseline: row for row in result.front.baselines}
    references = [each for each in REFERENCES if each.name in rows]
    if "head-only" not in rows or not references:
        missing = "head-only" if "head-only" not in rows else REFERENCES[0].name
        raise AutopeftError(
            f"the baseline {missing} has not finished in {result.folder}; run the same `autopeft search` to go on"
        )
    if with_full and prepared.backbone.quantization is not None:
        raise AutopeftError(
            f"--with-full trains the backbone's own weights, which are held in {prepared.backbone.quantization}; "
            "leave it out, or search without quantisation"
        )
    given = _given(result)
    chosen = given or spread([row for row in result.front.rows if not row.baseline], MOST_CANDIDATES)
    measured = {trial.number: trial.user_attrs.get("outcome", {}) for trial in result.study.get_trials(deepcopy=False)}
    took = {number: float(outcome.get("step_seconds") or 0.0) for number, outcome in measured.items()}
    found = [
        *(replace(_candidate(row), asked=bool(given)) for row in chosen),
        _head(prepared, rows["head-only"]),
        *(contender for each in references for contender in _reference(prepared, each, rows[each.name])),
    ]
    roles = {each.role: each.trial for each in found if each.trial is not None}
    found = [replace(each, seconds=took.get(roles.get(each.role, -1), 0.0)) for each in found]
    return [*found, *(_full(prepared, len(result.scale.costs)) if with_full else ())]


def _given(result: SearchResult) -> list[FrontRow]:
    """Return the rows of what was asked for by name, on the front or not."""
    asked = {trial.number for trial in result.study.get_trials(deepcopy=False) if GIVEN in trial.user_attrs}
    rows = (*result.front.rows, *result.front.others)
    return [row for row in rows if row.trial in asked and not row.failed]


def learning_rates(rate: float) -> list[float]:
    """Return the learning rates of which a reference gets the best, given that of its trial."""
    return [factor * rate for factor in _FACTORS]


def _candidate(row: FrontRow) -> Contender:
    name = f"trial-{row.trial}"
    configuration = Configuration.from_dict(row.configuration)
    return Contender(name, name, configuration, tuple(row.costs.values()), row.params, row.trial)


def _head(prepared: Preparation, row: FrontRow) -> Contender:
    fixed = not head_parameters(prepared.backbone.meta())
    return Contender("head", "head", HEAD_ONLY, tuple(row.costs.values()), 0, row.trial, "head", fixed=fixed)


def _reference(prepared: Preparation, reference: Reference, row: FrontRow) -> list[Contender]:
    found = []
    for rate in learning_rates(row.configuration["training"]["learning_rate"]):
        configuration = reference.configuration(prepared.backbone.shape, rate)
        same = configuration.to_dict() == row.configuration
        found.append(
            Contender(
                f"{reference.name}-{rate:g}",
                reference.name,
                configuration,
                tuple(row.costs.values()),
                row.params,
                row.trial if same else None,
                reference.name,
            )
        )
    return found


def _full(prepared: Preparation, costs: int) -> list[Contender]:
    return [
        Contender(
            f"full-{rate:g}",
            "full",
            Configuration.from_dict({"modules": {}, "training": {"learning_rate": rate}}),
            (math.inf,) * costs,
            prepared.backbone.num_parameters,
            None,
            "full",
            seconds=math.inf,
        )
        for rate in _FULL_LEARNING_RATES
    ]


def spread(rows: Sequence[Row], most: int) -> list[Row]:
    """Return some rows of a front: its ends, and others evenly by rank between them.

    Args:
        rows: The rows by rising cost.
        most: How many to return at most, two or more.
    """
    if len(rows) <= most:
        return list(rows)
    last = len(rows) - 1
    return [rows[round(last * place / (most - 1))] for place in range(most)]
