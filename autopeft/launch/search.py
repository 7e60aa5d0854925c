"""The main job: from a plan that is prepared to a finished study."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from html import escape
from pathlib import Path
from typing import Any

import optuna
from optuna.samplers import BaseSampler, RandomSampler

from autopeft.errors import AutopeftError, StudyError
from autopeft.launch.baselines import enqueue_baselines, enqueue_given
from autopeft.launch.calibrate import calibrated
from autopeft.launch.desk import Desk, Listener, Silent
from autopeft.launch.environment import ENVIRONMENT, environment
from autopeft.launch.labels_lost import labels_lost
from autopeft.launch.local import run_here
from autopeft.launch.memory import check_memory, may_run_out
from autopeft.launch.places import Places, places_of
from autopeft.launch.plan import SearchPlan, parse_duration
from autopeft.launch.preparation import Preparation, prepare
from autopeft.launch.prices import Prices
from autopeft.launch.ray_process import RayProcess
from autopeft.launch.rehearsal import at_work
from autopeft.launch.run_log import RunLog
from autopeft.launch.scoring import scored
from autopeft.launch.too_short import too_short
from autopeft.launch.workers import run_in_workers
from autopeft.plugins import load_plugin
from autopeft.samplers import make_sampler
from autopeft.shut import open_to_all
from autopeft.space import Configuration
from autopeft.study import (
    DATABASE,
    OUTSIDE,
    SCALE,
    Front,
    Scale,
    Watch,
    answering,
    counted,
    extend_study,
    front_of,
    load_study,
    open_study,
    put_back,
    why_none_completed,
)
from autopeft.study.urls import kept
from autopeft.tasks import kind_judged_by
from autopeft.trials import TrialKind, trials_named
from autopeft.whole_file import write_text

__all__ = ["DATA", "SearchResult", "open_run", "run_search"]

#: File in a run folder with the full plan it ran.
PLAN = "study.yaml"

#: The study's user attribute that says what the task held.
DATA = "data"

#: Of the splits that are measured on how many examples there are, and how many that stand alone tell as much.
HELD_OUT = "held_out"

#: Those that name the kind of the task, and hold what it knew of the data: its schema.
KIND, READS = "kind", "reads"


@dataclass(frozen=True, repr=False)
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
    def held_out(self) -> Mapping[str, tuple[int, int]]:
        """Examples of validation and test, and how many that stand alone tell as much; none in earlier versions."""
        return {name: tuple(counts) for name, counts in self.study.user_attrs.get(HELD_OUT, {}).items()}

    def __repr__(self) -> str:
        return f"<SearchResult: {self._state}, {self.front!r}>"

    def _repr_html_(self) -> str:
        """Return what notebooks show of it."""
        return f"{self.front._repr_html_()}<p>{escape(self._state)}</p>"

    @property
    def _state(self) -> str:
        return f"{self.folder}: {'complete' if self.complete else 'not complete: run the same search again to go on'}"

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
    listener = log = RunLog(prepared.folder, listener or Silent())
    deadline = None if plan.time_limit is None else began + parse_duration(plan.time_limit)
    places = places_of(plan)
    if plan.ray_address is None:
        check_memory(prepared.backbone, places, places.memory(), prepared.models)
    where = plan.storage or str(prepared.folder / DATABASE)
    with answering(where), at_work(prepared, places, fresh=fresh, say=log.said) as ray, log:
        if extend:
            study = _extended(prepared, RandomSampler(), fresh, listener.said)
        else:
            study = _opened(prepared, RandomSampler(), fresh)
        if open_to_all(prepared.folder):
            listener.said(f"everybody on this machine can write into {prepared.folder}; `chmod o-w` takes that away")
        _write_plan(prepared, listener.said)
        desk = _desk(prepared, study, places, listener, ray)
        if not desk.done:
            job = scored(prepared, prepared.scores, prepared.folder, listener.said, ray=ray)
            for line in labels_lost(prepared.selections, prepared.task, prepared.setting, job.scores):
                listener.said(line)
            with desk.leased():
                if ray is None:
                    run_here(desk, job, deadline=deadline)
                else:
                    run_in_workers(desk, job, ray=ray, deadline=deadline)
        log.complete = desk.done
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


def _desk(
    prepared: Preparation, study: optuna.Study, places: Places, listener: Listener, ray: RayProcess | None
) -> Desk:
    """Return the desk of a study, which knows its costs and has a sampler, its baselines and no trials of the dead."""
    plan = prepared.plan
    prices = calibrated(
        _within_memory(prepared, places),
        study,
        prepared.space,
        prepared.scale.limit,
        prepared.stock,
        partial(_profile, prepared, ray),
        listener.said,
    )
    limit = prepared.scale.limit
    affordable = [each for each in prepared.baselines.values() if 0 < prepared.costs.params(each) <= limit]
    scale = replace(prepared.scale, axes=prices.ranges(prepared.space, limit, [prepared.stock, *affordable]))
    _describe(study, prepared, scale)
    study.sampler = make_sampler(
        plan.sampler,
        prepared.space,
        prices.price,
        scale.limit,
        seed=plan.seed,
        costs=prices.axes(scale.axes),
        earlier=prepared.earlier,
        begin_with=prepared.begin_with,
    )
    watch = Watch(study, prepared.space)
    freed = watch.free(alone=prepared.alone)
    put_back(study, prepared.space)
    if freed:
        again = sum(trial.user_attrs.get("retry_of") in freed for trial in study.get_trials(deepcopy=False))
        listener.said(f"{len(freed)} trials of a run that died are let go, {again} of them to be tried again")
    # What a budget says of memory, not what this machine happens to have.
    held = prepared.prices.memory_limit
    enqueue_baselines(
        study,
        prepared.space,
        prepared.baselines,
        plan.trials,
        lambda configuration: held is None or prices.memory(configuration) <= held,
        listener.said,
    )
    enqueue_given(study, prepared.space, {**prepared.given, **prepared.tries})
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
        remark=partial(too_short, prepared),
        watch=watch,
        trains=plan.workers == 0,
    )


def _describe(study: optuna.Study, prepared: Preparation, scale: Scale) -> None:
    """Write into a study what it is of, as who reads it without the data wants to know."""
    study.set_user_attr(SCALE, asdict(scale))
    study.set_user_attr(ENVIRONMENT, environment())
    study.set_user_attr(DATA, prepared.task.describe())
    study.set_user_attr(HELD_OUT, prepared.held_out)
    study.set_user_attr(KIND, prepared.task.kind.name)
    study.set_user_attr(READS, asdict(prepared.task.schema))


def open_run(
    folder: str | Path, trust_remote_code: bool = False, allow_code: bool = False, plugin: Path | None = None
) -> SearchResult:
    """Open a finished or interrupted run to look at it.

    Args:
        folder: The run folder.
        trust_remote_code: Whether code that its model brings may run; what the run recorded of that does not count.
        allow_code: Whether code that models write to its task may be run; likewise.
        plugin: The plugin that it was searched with, where it lies now; one that only the run names is not run.

    Raises:
        AutopeftError: When the run names a plugin that nobody else has named.
        StudyError: When the folder holds no run.
    """
    folder = Path(folder)
    plan_file = folder / PLAN
    given: dict[str, Any] = {"trust_remote_code": trust_remote_code, "allow_code": allow_code}
    given |= {} if plugin is None else {"plugin": plugin}
    if not plan_file.is_file():
        # Whether there is a study at all is said first.
        load_study(folder)
        raise StudyError(
            f"{folder} has no {PLAN}, the plan of its search; put it back, or run the same `autopeft search --out "
            f"{folder}` again, which writes it"
        )
    plan = SearchPlan.from_file(plan_file, **given)
    if plan.plugin is not None:
        load_plugin(plan.plugin)
    # A storage of the user's may hold many studies; only the spec tells which is this run's.
    study = load_study(folder, plan.storage, prepare(plan, measures=False).name if plan.storage else None)
    scale = Scale.recorded(study)
    return SearchResult(
        plan, folder, study, front_of(study, scale), scale, complete=True, interrupted=False, seconds=0.0
    )


def _opened(prepared: Preparation, sampler: BaseSampler, fresh: bool) -> optuna.Study:
    return open_study(
        prepared.folder, prepared.spec, sampler, name=prepared.name, storage=prepared.plan.storage, fresh=fresh
    )


def _extended(prepared: Preparation, sampler: BaseSampler, fresh: bool, say: Callable[[str], None]) -> optuna.Study:
    if fresh:
        raise AutopeftError("--fresh drops the study that --extend keeps; give one of them")
    if prepared.plan.out is None:
        raise AutopeftError("--extend needs the run folder to go on with; expected --out RUN")
    run = open_run(prepared.folder, prepared.plan.trust_remote_code, plugin=prepared.plan.plugin)
    old = load_study(prepared.folder, run.plan.storage, run.study.study_name, writing=True)
    study = extend_study(
        old, prepared.folder, prepared.spec, prepared.space, sampler, name=prepared.name, alone=prepared.alone
    )
    if study is not old:
        ended = [trial for trial in study.get_trials(deepcopy=False) if trial.state.is_finished()]
        outside = sum(bool(trial.user_attrs.get(OUTSIDE)) for trial in ended)
        say(
            f"{len(ended)} trials came along into the space {prepared.space.name}; {outside} of them lie outside it: "
            "nothing is learnt from these, and those on the front stay there"
        )
    return study


def _write_plan(prepared: Preparation, say: Callable[[str], None]) -> None:
    # Absolute, as its other paths: the run may be resumed from another folder.
    settled = prepared.plan.model_copy(update={"out": prepared.folder.absolute()})
    write_text(prepared.folder / PLAN, settled.to_yaml())
    storage = prepared.plan.storage
    if storage is not None and kept(storage) != storage:
        say(
            "the password of the storage is written nowhere: verbs that open this run ask PGPASSWORD, or ~/.pgpass, "
            "for that of PostgreSQL"
        )


def _profile(prepared: Preparation, ray: RayProcess | None, configurations: Sequence[Configuration]) -> dict[str, Any]:
    """Measure steps where trials will run."""
    measure = partial(prepared.job.profile, [each.text for each in configurations])
    return measure() if ray is None else dict(ray.in_worker(measure))


def _within_memory(prepared: Preparation, places: Places) -> Prices:
    """Hold predicted memory to what a worker has, where it could run out of it."""
    prices = prepared.prices
    if prices.memory_limit is not None or prepared.plan.ray_address is not None:
        return prices
    room = places.memory() // places.sharing
    if not may_run_out(prepared.backbone, prepared.setting, prepared.scale.limit, room):
        return prices
    return replace(prices, memory_limit=room)
