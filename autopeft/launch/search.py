"""The main job: from a plan to a finished study."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import optuna
from optuna.samplers import BaseSampler, RandomSampler

from autopeft.backbones import Backbone
from autopeft.costs import REFUSED, Budget, Costs, memory_limit, read_objectives
from autopeft.errors import AutopeftError, BudgetError, ConfigurationError
from autopeft.launch.calibrate import calibrated
from autopeft.launch.desk import Desk, Listener, Silent
from autopeft.launch.earlier import begin_from, identity
from autopeft.launch.environment import ENVIRONMENT, environment
from autopeft.launch.groundwork import groundwork
from autopeft.launch.job import WorkerJob
from autopeft.launch.local import run_here
from autopeft.launch.memory import check_memory, may_run_out
from autopeft.launch.places import Places, places_of
from autopeft.launch.plan import SearchPlan, parse_duration
from autopeft.launch.prices import Prices
from autopeft.launch.refusals import refusals
from autopeft.launch.rehearsal import at_work
from autopeft.launch.target import refuses_for
from autopeft.methods import HEAD_ONLY, VOCABULARY, stock_lora
from autopeft.plugins import load_plugin
from autopeft.samplers import EarlierTrial, cheapest_cost, make_sampler
from autopeft.space import BoundSpace, Configuration, SearchSpace, load_space
from autopeft.study import (
    SCALE,
    Front,
    Scale,
    StudySpec,
    counted,
    enqueue,
    extend_study,
    front_of,
    load_study,
    open_study,
    reap,
    why_none_completed,
)
from autopeft.tasks import Task, kind_judged_by
from autopeft.trials import TrialKind, TrialSetting, kind_of, trials_named

__all__ = ["DATA", "Preparation", "SearchResult", "open_run", "prepare", "run_search"]

#: File in a run folder with the full plan it ran.
PLAN = "study.yaml"

#: The study's user attribute that says what the task held.
DATA = "data"

#: Those that name the kind of the task, and hold what it knew of the data: its schema.
KIND, READS = "kind", "reads"


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
    def stock(self) -> Configuration:
        """Stock LoRA, as every search is compared with it."""
        shape = self.backbone.shape
        return stock_lora(shape, kind_of(self.task).stock_learning_rate(shape))


@dataclass(frozen=True)
class SearchResult:
    """What a search leaves behind.

    Args:
        plan: What was asked for.
        folder: The run folder.
        study: The Optuna study.
        front: Its front.
        scale: Budget and scoring.
        complete: Whether the study has all its trials (or its space none left).
        interrupted: Whether the user stopped this run.
        seconds: Wall time of this run.
    """

    plan: SearchPlan
    folder: Path
    study: optuna.Study
    front: Front
    scale: Scale
    complete: bool
    interrupted: bool
    seconds: float

    @property
    def fruitless(self) -> str | None:
        """That no trial has completed, and why; None where one has."""
        return why_none_completed(self.study)

    @property
    def metric(self) -> str:
        """What `accuracy` holds."""
        return str(self.study.user_attrs["spec"]["metric"])

    @property
    def kind(self) -> type[TrialKind]:
        """What trials were of."""
        # Studies of earlier versions name their metric only.
        name = self.study.user_attrs.get(KIND) or kind_judged_by(self.metric)
        return trials_named(name, self.study.user_attrs.get(READS))


def prepare(plan: SearchPlan) -> Preparation:
    """Make a plan concrete: load configuration of backbone, data and space, check them and the budget.

    A plan that names no data is that of the default job.

    Raises:
        AutopeftError: For whatever a user can mend; nothing has been written then.
    """
    objectives = read_objectives(plan.objectives)
    ground = groundwork(plan.or_default_job())
    plan, task, backbone, setting = ground.plan, ground.task, ground.backbone, ground.setting
    named = kind_of(task).default_space if plan.space is None else plan.space
    space = load_space(named) if isinstance(named, str) else SearchSpace.from_dict(named)
    budgets = [Budget.parse(text) for text in (plan.budget, *space.budgets)]
    bound = space.bind(VOCABULARY, backbone.shape)
    final = _final(plan, task, setting)
    costs = Costs(backbone)
    limit = min(budget.limit(backbone.num_parameters) for budget in budgets)
    prices = Prices(
        objectives,
        costs,
        backbone.anatomy,
        memory_limit=memory_limit(plan.budget),
        refuses=refuses_for(plan.target, task, backbone),
    )
    # Without the limit on memory, which nothing has been measured for yet.
    cheapest = cheapest_cost(bound, replace(prices, memory_limit=None).price)
    refused = refusals(bound, costs, prices.refuses)
    if cheapest == REFUSED:
        raise ConfigurationError(
            f"no configuration of the space {bound.name!r} can be built on {backbone.name}: {'; '.join(refused)}"
        )
    if cheapest > limit:
        raise BudgetError(
            f"the budget {plan.budget} is {limit:,} trainable parameters, but the cheapest configuration of the space "
            f"{bound.name!r} on {backbone.name} has {cheapest:,}; raise --budget to at least {cheapest} "
            "or choose another --space"
        )
    earlier = () if plan.warm_start is None else tuple(begin_from(plan.warm_start, bound))
    spec = StudySpec(
        model=backbone.identity,
        data=task.fingerprint,
        task=task.name,
        space=space.to_dict(),
        budget=plan.budget,
        objectives=(*objectives, "accuracy"),
        metric=task.objective,
        sampler=plan.sampler,
        seed=plan.seed,
        trial={key: value for key, value in asdict(setting).items() if key != "precision"},
        precision=setting.precision,
        plugin=ground.plugin,
        target=plan.target,
        warm_start=identity(earlier) if earlier else None,
    )
    job = WorkerJob(
        model=plan.model,
        revision=plan.revision,
        roles=plan.roles,
        quantization=plan.quantization,
        plugin=plan.plugin,
        task=ground.task_spec,
        setting=setting,
        seed=plan.seed,
        trial_seconds=None if plan.trial_time_limit is None else parse_duration(plan.trial_time_limit),
        trust_remote_code=plan.trust_remote_code,
    )
    scale = Scale(backbone=backbone.num_parameters, limit=limit, cheapest=cheapest)
    return Preparation(
        plan, backbone, task, setting, final, ground.notes, bound, costs, prices, scale, spec, job, refused, earlier
    )


def run_search(
    prepared: Preparation, *, fresh: bool = False, extend: bool = False, listener: Listener | None = None
) -> SearchResult:
    """Run a prepared search, or go on with it where an earlier run of the same spec stopped.

    Args:
        prepared: What to run.
        fresh: Drop a study that is in the run folder.
        extend: Take the trials of the study in the run folder along into a changed space.
        listener: Who follows.

    Raises:
        AutopeftError: When the backbone does not fit into memory, the run folder cannot be used or is in use, or trials
            would fail, or keep failing, for what a user can mend.
        RunError: When trials keep failing for another reason.
    """
    began = time.time()
    plan = prepared.plan
    listener = listener or Silent()
    deadline = None if plan.time_limit is None else began + parse_duration(plan.time_limit)
    places = places_of(plan)
    if plan.ray_address is None:
        check_memory(prepared.backbone, places, places.memory())
    with at_work(prepared, places, fresh=fresh, say=listener.said):
        study = (_extended if extend else _opened)(prepared, RandomSampler(), fresh)
        _write_plan(prepared)
        desk = _desk(prepared, study, places, listener)
        if not desk.done:
            _executor(plan, places)(desk, prepared.job, deadline=deadline)
    now = time.time()
    return SearchResult(
        plan=plan,
        folder=prepared.folder,
        study=study,
        front=front_of(study, desk.scale),
        scale=desk.scale,
        complete=desk.done,
        interrupted=not desk.done and (deadline is None or now < deadline),
        seconds=now - began,
    )


def _desk(prepared: Preparation, study: optuna.Study, places: Places, listener: Listener) -> Desk:
    """Return the desk of a study, which knows its costs and has a sampler, its baselines and no trials of the dead."""
    plan = prepared.plan
    prices = calibrated(
        _within_memory(prepared, places),
        study,
        prepared.space,
        prepared.scale.limit,
        prepared.stock,
        partial(_profile, prepared, places),
        listener.said,
    )
    scale = replace(prepared.scale, axes=prices.ranges(prepared.space, prepared.scale.limit, [prepared.stock]))
    study.set_user_attr(SCALE, asdict(scale))
    study.set_user_attr(ENVIRONMENT, environment())
    study.set_user_attr(DATA, prepared.task.describe())
    study.set_user_attr(KIND, prepared.task.kind.name)
    study.set_user_attr(READS, asdict(prepared.task.schema))
    study.sampler = make_sampler(
        plan.sampler,
        prepared.space,
        prices.price,
        scale.limit,
        seed=plan.seed,
        costs=prices.axes(scale.axes),
        earlier=prepared.earlier,
    )
    reaped = reap(study, prepared.space, alone=prepared.alone)
    if reaped:
        again = sum(trial.user_attrs.get("retry_of") in reaped for trial in study.get_trials(deepcopy=False))
        listener.said(f"{len(reaped)} trials of a run that died are let go, {again} of them to be tried again")
    if not study.trials:
        _enqueue_baselines(study, prepared)
    listener.opened(counted(study))
    return Desk(
        study=study,
        space=prepared.space,
        cost=prepared.costs.params,
        scale=scale,
        total=plan.trials,
        worst=prepared.task.worst,
        listener=listener,
        prices=prices.of,
    )


def open_run(folder: Path, trust_remote_code: bool = False) -> SearchResult:
    """Open a finished or interrupted run to look at it.

    Args:
        folder: The run folder.
        trust_remote_code: Whether code that its model brings may run; what the run recorded of that does not count.

    Raises:
        StudyError: When the folder holds no run.
    """
    plan_file = folder / PLAN
    trust = {"trust_remote_code": trust_remote_code}
    plan = SearchPlan.from_file(plan_file, **trust) if plan_file.is_file() else SearchPlan.of(trust)
    if plan.plugin is not None:
        load_plugin(plan.plugin)
    # A storage of the user's may hold many studies; only the spec tells which is this run's.
    study = load_study(folder, plan.storage, prepare(plan).name if plan.storage else None)
    scale = Scale.recorded(study)
    return SearchResult(
        plan, folder, study, front_of(study, scale), scale, complete=True, interrupted=False, seconds=0.0
    )


def _opened(prepared: Preparation, sampler: BaseSampler, fresh: bool) -> optuna.Study:
    return open_study(
        prepared.folder, prepared.spec, sampler, name=prepared.name, storage=prepared.plan.storage, fresh=fresh
    )


def _extended(prepared: Preparation, sampler: BaseSampler, fresh: bool) -> optuna.Study:
    if fresh:
        raise AutopeftError("--fresh drops the study that --extend keeps; give one of them")
    if prepared.plan.out is None:
        raise AutopeftError("--extend needs the run folder to go on with; expected --out RUN")
    old = open_run(prepared.folder, prepared.plan.trust_remote_code).study
    return extend_study(
        old, prepared.folder, prepared.spec, prepared.space, sampler, name=prepared.name, alone=prepared.alone
    )


def _final(plan: SearchPlan, task: Task, setting: TrialSetting) -> TrialSetting:
    """Return the setting of finalists: nobody stops them."""
    given = plan.final.model_dump(exclude_none=True)
    if given.get("examples", 0) > len(task.train):
        raise AutopeftError(
            f"final.examples is {given['examples']:,}; expected at most the {len(task.train):,} of the training split"
        )
    return replace(setting, early_stopping=False, **given)


def _write_plan(prepared: Preparation) -> None:
    # Absolute, as its other paths: the run may be resumed from another folder.
    settled = prepared.plan.model_copy(update={"out": prepared.folder.absolute()})
    (prepared.folder / PLAN).write_text(settled.to_yaml(), encoding="utf8")


def _enqueue_baselines(study: optuna.Study, prepared: Preparation) -> None:
    baselines = {"head-only": HEAD_ONLY, "stock-lora": prepared.stock}
    for name, configuration in baselines.items():
        enqueue(study, prepared.space, configuration, {"baseline": name})


def _executor(plan: SearchPlan, places: Places) -> Any:
    """Choose where trials run: in this process, or in Ray workers."""
    if plan.workers == 0:
        return run_here
    from autopeft.launch.tune import run_with_tune

    return partial(run_with_tune, workers=places.workers, gpus=places.gpus, address=plan.ray_address)


def _profile(prepared: Preparation, places: Places, configurations: Sequence[Configuration]) -> dict[str, Any]:
    """Measure steps where trials will run."""
    texts = [each.text for each in configurations]
    if prepared.plan.workers == 0:
        return prepared.job.profile(texts)
    from autopeft.launch.ray_tasks import in_worker

    return dict(in_worker(partial(prepared.job.profile, texts), places, prepared.plan.ray_address))


def _within_memory(prepared: Preparation, places: Places) -> Prices:
    """Hold predicted memory to what a worker has, where it could run out of it."""
    prices = prepared.prices
    if prices.memory_limit is not None or prepared.plan.ray_address is not None:
        return prices
    room = places.memory() // places.sharing
    if not may_run_out(prepared.backbone, prepared.setting, prepared.scale.limit, room):
        return prices
    return replace(prices, memory_limit=room)
