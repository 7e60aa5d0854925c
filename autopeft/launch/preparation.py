"""A plan made concrete and checked, before anything is written or trained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from autopeft.backbones import Backbone
from autopeft.costs import REFUSED, Budget, Costs, memory_limit, read_objectives
from autopeft.errors import AutopeftError, BudgetError, ConfigurationError
from autopeft.launch.baggage import baggage_of
from autopeft.launch.baselines import baselines_of
from autopeft.launch.columns import with_columns
from autopeft.launch.earlier import begin_from, identity
from autopeft.launch.given import given_of, trials_of, tries_of
from autopeft.launch.groundwork import Groundwork, groundwork
from autopeft.launch.job import WorkerJob
from autopeft.launch.plan import SearchPlan, parse_duration
from autopeft.launch.prices import Prices
from autopeft.launch.refusals import refusals
from autopeft.launch.target import refuses_for
from autopeft.launch.told import check_space_told, check_told
from autopeft.launch.training_knobs import check_training
from autopeft.levers import SELECT, Score, scores_named, scores_of, smallest_selections, words_named, words_of
from autopeft.methods import REFERENCES, VOCABULARY, references_of
from autopeft.methods.portfolio import portfolio
from autopeft.samplers import EarlierTrial, cheapest_cost
from autopeft.space import BoundSpace, Configuration, SearchSpace, load_space
from autopeft.study import (
    Scale,
    StudySpec,
    check_folder,
    check_storage,
)
from autopeft.tasks import Task
from autopeft.trials import TrialSetting, holds_half, kind_of, pick_device
from autopeft.trials.scores import check_scores

__all__ = ["Preparation", "prepare"]


@dataclass(frozen=True)
class Preparation:
    """A plan made concrete and checked; nothing has been written or trained yet."""

    plan: SearchPlan
    backbone: Backbone
    task: Task
    setting: TrialSetting
    final: TrialSetting
    notes: tuple[str, ...]
    space: BoundSpace
    costs: Costs
    prices: Prices
    scale: Scale
    spec: StudySpec
    job: WorkerJob
    refused: tuple[str, ...]
    earlier: tuple[EarlierTrial, ...]
    #: Configurations by name that are tried in place of a search.
    given: Mapping[str, Configuration]
    #: Configurations by their files that a search tries before its own.
    tries: Mapping[str, Configuration]
    #: What is computed of each training row before the first trial, for data levers to go by.
    scores: tuple[Score, ...]
    #: The budget that holds: the plan's, or a lower one among the constraints of the space.
    limited_by: Budget

    @property
    def folder(self) -> Path:
        """The run folder."""
        return self.plan.out or Path("runs") / self.name

    @property
    def alone(self) -> bool:
        """Whether nobody else works on the study: who has locked the folder has its database, but not any storage."""
        return self.plan.storage is None

    @property
    def name(self) -> str:
        """Name of the study, told apart by the hash of its spec."""
        return f"{self.task.name}-{self.space.name}-{self.spec.hash}"

    @property
    def held_out(self) -> Mapping[str, tuple[int, int]]:
        """Examples of validation and test that are measured, and how many that stand alone tell as much."""
        # Writing answers takes long: of a metric of these, test is read no further than trials read validation.
        most = len(self.task.test) if self.task.judge.quick else self.setting.validation_examples
        seen = {"validation": self.setting.validation_examples, "test": min(len(self.task.test), most)}
        return {
            name: (count, round(count * self.task.independent(name) / len(self.task.splits[name])))
            for name, count in seen.items()
        }

    @property
    def selections(self) -> Sequence[Mapping[str, Any]]:
        """The smallest selections of training rows that may be asked for, as sections of the data."""
        if self.given:
            return [each.data for each in self.given.values()]
        return smallest_selections(self.space)

    @property
    def models(self) -> int:
        """How many models a worker holds: one for each task that has adapters of its own."""
        return len(kind_of(self.task).each_of(self.task, self.backbone.tokenizer(), self.setting)) or 1

    @property
    def baselines(self) -> Mapping[str, Configuration]:
        """What the search is compared with, by name."""
        references = REFERENCES if self.given else references_of(self.plan.trials)
        return baselines_of(self.backbone.shape, self._stock_learning_rate, references)

    @property
    def begin_with(self) -> list[Configuration]:
        """What is proposed first: what did well in earlier studies, where no earlier search is begun from."""
        return [] if self.earlier else portfolio(self.space, self._stock_learning_rate)

    @property
    def stock(self) -> Configuration:
        """Stock LoRA, as every search is compared with it."""
        return self.baselines["stock-lora"]

    @property
    def _stock_learning_rate(self) -> float:
        return kind_of(self.task).stock_learning_rate(self.backbone.shape)


def prepare(plan: SearchPlan, *, measures: bool = True) -> Preparation:
    """Make a plan concrete: load configuration of backbone, data and space, check them and the budget.

    A plan that names no data is that of the default job.

    Args:
        plan: The plan.
        measures: Whether models are to be measured, so that all must be there which that takes.

    Raises:
        AutopeftError: For whatever a user can mend; nothing has been written then.
    """
    objectives = read_objectives(plan.objectives)
    ground = groundwork(plan.or_default_job(), measures=measures)
    named = kind_of(ground.task).default_space if ground.plan.space is None else ground.plan.space
    space = load_space(named) if isinstance(named, str) else SearchSpace.from_dict(named)
    bound = space.bind(VOCABULARY, ground.backbone.shape)
    final = _final(ground.plan, ground.task, ground.setting)
    bill = _bill(ground, space, bound, objectives)
    check_training(space.to_dict().get("training") or {}, ground.task, f"space {space.name!r}")
    check_space_told(bound, ground.task)
    ground, asked = _asked(ground, bound, bill)
    plan, task, backbone, setting = ground.plan, ground.task, ground.backbone, ground.setting
    earlier = () if plan.warm_start is None else tuple(begin_from(plan.warm_start, bound))
    prepared = Preparation(
        plan=plan,
        backbone=backbone,
        task=task,
        setting=setting,
        final=final,
        notes=(*ground.notes, *check_scores(asked.scores, task, backbone)),
        space=bound,
        costs=bill.prices.costs,
        prices=bill.prices,
        scale=Scale(backbone=backbone.num_parameters, limit=bill.limit, cheapest=bill.cheapest),
        spec=_spec(ground, space, objectives, earlier, asked.given),
        job=_job(ground),
        refused=bill.refused,
        earlier=earlier,
        given=asked.given,
        tries=asked.tries,
        scores=asked.scores,
        limited_by=bill.limited_by,
    )
    check_folder(prepared.folder)
    check_storage(prepared.folder, plan.storage)
    return prepared


class _Bill(NamedTuple):
    """What a search may cost, and what configurations do."""

    limited_by: Budget
    limit: int
    prices: Prices
    cheapest: int
    refused: tuple[str, ...]


class _Asked(NamedTuple):
    """The configurations that are asked for by name, and what data levers go by."""

    given: Mapping[str, Configuration]
    tries: Mapping[str, Configuration]
    scores: tuple[Score, ...]


def _bill(ground: Groundwork, space: SearchSpace, bound: BoundSpace, objectives: tuple[str, ...]) -> _Bill:
    """Return what may be spent, when something of the space can be had for it.

    Raises:
        AutopeftError: When nothing can be built, or nothing is within the budget.
    """
    plan, backbone = ground.plan, ground.backbone
    budgets = [Budget.parse(text) for text in (plan.budget, *space.budgets)]
    limited_by = min(budgets, key=lambda budget: budget.limit(backbone.num_parameters))
    limit = limited_by.limit(backbone.num_parameters)
    prices = Prices(
        objectives,
        Costs(
            backbone,
            half=holds_half(kind_of(ground.task), ground.setting.precision),
            offloads=pick_device().type == "cpu",
        ),
        backbone.anatomy,
        memory_limit=memory_limit(plan.budget),
        refuses=refuses_for(plan.target, ground.task, backbone),
        pooled=ground.task.pool is not None,
    )
    # Without the limit on memory, which nothing has been measured for yet.
    cheapest = cheapest_cost(bound, replace(prices, memory_limit=None).price)
    refused = refusals(bound, prices.costs, prices.refuses)
    if cheapest == REFUSED:
        raise ConfigurationError(
            f"no configuration of the space {bound.name!r} can be built on {backbone.name}: {'; '.join(refused)}"
        )
    if cheapest > limit:
        raise BudgetError(
            f"the budget {limited_by.text} is {limit:,} trainable parameters, but the cheapest configuration of the "
            f"space {bound.name!r} on {backbone.name} has {cheapest:,}; raise --budget to at least {cheapest} "
            "or choose another --space"
        )
    return _Bill(limited_by, limit, prices, cheapest, refused)


def _asked(ground: Groundwork, bound: BoundSpace, bill: _Bill) -> tuple[Groundwork, _Asked]:
    """Return the configurations that a plan names, checked, and the groundwork with the columns that levers go by."""
    plan, task, backbone, costs = ground.plan, ground.task, ground.backbone, bill.prices.costs
    given = given_of(plan, costs, backbone, bill.limit)
    tries = tries_of(plan, costs, backbone, bill.limit, kind_of(task).stock_learning_rate(backbone.shape))
    by_name = {f"configurations: {name}": each for name, each in given.items()} | tries
    for name, each in by_name.items():
        check_training(each.training, task, name)
        check_told(each.modules, task, name)
    words = (words_of(bound), *(words_named(each.data) for each in by_name.values()))
    _check_pool(plan, task, words)
    ground = with_columns(ground, *words)
    named_too = (score for each in by_name.values() for score in scores_named(each.data))
    scores = tuple(dict.fromkeys((*scores_of(bound), *named_too)))
    if given:
        ground = replace(ground, plan=plan.model_copy(update={"trials": trials_of(len(given))}))
    return ground, _Asked(given, tries, scores)


def _spec(
    ground: Groundwork,
    space: SearchSpace,
    objectives: tuple[str, ...],
    earlier: tuple[EarlierTrial, ...],
    given: Mapping[str, Configuration],
) -> StudySpec:
    """Return what the study is: whoever goes on with it has the same."""
    plan, task, setting = ground.plan, ground.task, ground.setting
    return StudySpec(
        model=ground.backbone.identity,
        data=task.fingerprint,
        task=task.name,
        space=space.to_dict(),
        budget=plan.budget,
        objectives=(*objectives, "accuracy"),
        metric=task.objective,
        sampler=plan.sampler,
        seed=plan.seed,
        trial={key: value for key, value in setting.to_dict().items() if key != "precision"},
        precision=setting.precision,
        plugin=ground.plugin,
        target=plan.target,
        warm_start=identity(earlier) if earlier else None,
        given={name: each.to_dict() for name, each in given.items()} or None,
    )


def _job(ground: Groundwork) -> WorkerJob:
    """Return what workers need."""
    plan = ground.plan
    return WorkerJob(
        model=plan.model,
        revision=plan.revision,
        roles=plan.roles,
        quantization=plan.quantization,
        plugin=plan.plugin,
        task=ground.task_spec,
        setting=ground.setting,
        seed=plan.seed,
        trial_seconds=None if plan.trial_time_limit is None else parse_duration(plan.trial_time_limit),
        trust_remote_code=plan.trust_remote_code,
        baggage=None if plan.ray_address is None else baggage_of(plan, ground.task_spec, ground.task),
    )


def _check_pool(plan: SearchPlan, task: Task, asked: Sequence[Mapping[str, Sequence[str]]]) -> None:
    """Refuse a pool from which nothing is ever chosen."""
    if task.pool is not None and not any(SELECT.name in words for words in asked):
        raise ConfigurationError(
            f"--pool '{plan.pool}' holds rows for `select` to choose from, for which the space does not ask; expected "
            "e.g. {select: 'all | random | optimal_transport'} under its `data`, or no --pool"
        )


def _final(plan: SearchPlan, task: Task, setting: TrialSetting) -> TrialSetting:
    """Return the setting of finalists: nobody stops them."""
    given = plan.final.model_dump(exclude_none=True)
    if given.get("examples", 0) > len(task.train):
        raise AutopeftError(
            f"final.examples is {given['examples']:,}; expected at most the {len(task.train):,} of the training split"
        )
    return replace(setting, early_stopping=False, **given)
