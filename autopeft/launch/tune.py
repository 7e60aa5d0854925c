"""Run trials with Ray Tune, on this machine or a cluster, as a task of the process that speaks to Ray.

Ray only executes: the study asks and tells, Tune carries configurations to workers and outcomes back. A worker
loads the backbone and tokenises the data once and keeps both from trial to trial. Tune keeps the actor of a
finished trial only when the next trial is already staged, so one trial is always asked for ahead.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Callable
from typing import Any

from ray import tune
from ray.tune.schedulers import FIFOScheduler
from ray.tune.search import Searcher

from autopeft.errors import AutopeftError, RunError
from autopeft.launch.job import WorkerJob
from autopeft.launch.ray_child import Asking
from autopeft.launch.ray_cluster import Room, claim
from autopeft.shut import shut
from autopeft.space import Configuration
from autopeft.study import Ask

__all__ = ["run_with_tune"]


_POINT = "point"
_OUTCOME = "outcome"
_UNLOADED = "unloaded"


class TrialWorker(tune.Trainable):
    """A Tune trainable that holds a warm trial runner; one Tune iteration trains up to the next rung."""

    def setup(self, config: dict[str, Any], job: WorkerJob) -> None:
        """Load backbone and data; a failure is reported by the trial, not by a dead actor."""
        self._job = job
        self._take(config)
        self._fault: dict[str, Any] | None = None
        try:
            with shut():
                self._runner = job.runner()
        except AutopeftError as error:
            self._fault = {"message": str(error), "mendable": True}
        except Exception as error:
            message = f"a worker cannot load the model and the data: {type(error).__name__}: {error}"
            self._fault = {"message": message, "mendable": False}

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Take the next configuration; everything else stays loaded."""
        if self._trial is not None:
            # A trial stopped at a rung still has its adapters in the model.
            self._trial.close()
        self._take(new_config)
        return True

    def _take(self, config: dict[str, Any]) -> None:
        self._text: str = config["configuration"]
        self._trial: Any = None

    def step(self) -> dict[str, Any]:
        """Train up to the next rung, or to the end."""
        # As text, because Tune flattens nested results.
        if self._fault is not None:
            return {_UNLOADED: json.dumps(self._fault), tune.result.DONE: True}
        if self._trial is None:
            self._trial = self._job.start(self._runner, Configuration(self._text))
        try:
            with shut():
                return {_POINT: json.dumps(next(self._trial))}
        except StopIteration as end:
            return {_OUTCOME: json.dumps(end.value), tune.result.DONE: True}


class _Desk:
    """The desk, which is in the other process: it alone knows the study."""

    def __init__(self, asking: Asking) -> None:
        self._asking = asking

    @property
    def done(self) -> bool:
        return bool(self._asking.ask("done"))

    def next(self) -> Ask | None:
        found: Ask | None = self._asking.ask("next")
        return found

    def begun(self, number: int) -> None:
        self._asking.ask("begun", number)

    def go_on(self, number: int, point: dict[str, float]) -> bool:
        return bool(self._asking.ask("go_on", number, point))

    def stopped(self, number: int) -> None:
        self._asking.ask("stopped", number)

    def record(self, number: int, outcome: dict[str, Any]) -> None:
        self._asking.ask("record", number, outcome)

    def lost(self, number: int, reason: str) -> None:
        self._asking.ask("lost", number, reason)


class StudySearcher(Searcher):
    """Tune's view of the desk.

    Tune pickles its searcher for a restore of its own, which nothing here uses: the copy is an empty handle.
    """

    def __init__(self, desk: _Desk, room: Callable[[], int]) -> None:
        super().__init__()
        self._desk: _Desk | None = desk
        self._room = room
        self._numbers: dict[str, int] = {}
        self._stopped: set[str] = set()
        self.fault: AutopeftError | None = None

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_desk": None, "fault": None}

    def suggest(self, trial_id: str) -> dict[str, Any] | str | None:
        """Hand out the next trial, None to be asked later, or FINISHED."""
        assert self._desk is not None
        if self.fault is not None or self._desk.done:
            return Searcher.FINISHED
        if len(self._numbers) > self._room():
            return None
        trial = self._desk.next()
        if trial is None:
            return Searcher.FINISHED if self._desk.done else None
        self._numbers[trial_id] = trial.number
        return {"configuration": trial.configuration.text}

    def on_trial_start(self, trial_id: str) -> None:
        """Note that a staged trial has reached a worker."""
        assert self._desk is not None
        self._desk.begun(self._numbers[trial_id])

    def go_on(self, trial_id: str, result: dict[str, Any]) -> bool:
        """Tell whether a trial that has reached a rung shall go on."""
        assert self._desk is not None
        if _POINT not in result or self._desk.go_on(self._numbers[trial_id], json.loads(result[_POINT])):
            return True
        self._stopped.add(trial_id)
        return False

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:
        """Record an outcome, or a loss when the worker died; where it could not load, the search ends."""
        number = self._numbers.pop(trial_id, None)
        if number is None or self._desk is None:
            return
        if result is not None and _UNLOADED in result:
            # The trial has not begun: the desk takes it back when it closes.
            fault = json.loads(result[_UNLOADED])
            self.fault = (AutopeftError if fault["mendable"] else RunError)(fault["message"])
            return
        try:
            if trial_id in self._stopped:
                self._desk.stopped(number)
            elif error or result is None or _OUTCOME not in result:
                self._desk.lost(number, "its worker died")
            else:
                self._desk.record(number, json.loads(result[_OUTCOME]))
        except AutopeftError as fault:
            self.fault = fault

    def save(self, checkpoint_path: str) -> None:
        """Save nothing: the study is the record."""

    def restore(self, checkpoint_path: str) -> None:
        """Restore nothing: the study is the record."""


class _Rungs(FIFOScheduler):
    """Stops trials at rungs as the desk decides; else first come, first served."""

    def __init__(self, searcher: StudySearcher) -> None:
        super().__init__()
        self._searcher = searcher

    def on_trial_result(self, tune_controller: Any, trial: Any, result: dict[str, Any]) -> str:
        return self.CONTINUE if self._searcher.go_on(trial.trial_id, result) else self.STOP

    def choose_trial_to_run(self, tune_controller: Any) -> Any:
        """Give an idle worker the first trial whose own worker has no place yet.

        Tune would take the first whose worker has not loaded, and end that worker: short trials on the first workers
        would keep all others, and each node that comes, from ever being there.
        """
        # Past the wrapper, which warns of what Tune's own schedulers do.
        controller = tune_controller._tune_controller
        placed = set(controller._actor_manager.live_actors)
        waiting = (trial for trial in controller.get_trials() if trial.status == trial.PENDING)
        return next((trial for trial in waiting if controller._trial_to_actor.get(trial) not in placed), None)


class _Starts(tune.Callback):
    def __init__(self, searcher: StudySearcher) -> None:
        self._searcher = searcher

    def on_trial_start(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        self._searcher.on_trial_start(trial.trial_id)


def run_with_tune(asking: Asking, job: WorkerJob, workers: int | None, gpus: float, deadline: float | None) -> None:
    """Run trials until the desk is done or the deadline has passed.

    Args:
        asking: Asks the desk.
        job: What each worker loads.
        workers: Trials at once; None for as many as the cluster has room for.
        gpus: GPUs of a worker, 0 on a machine without.
        deadline: Seconds since the epoch at which the search ends.

    Raises:
        AutopeftError: When a worker cannot load what it needs, or trials keep failing.
    """
    room = Room(workers, gpus)
    searcher = StudySearcher(_Desk(asking), room)
    # Or workers would start one after the other, each waiting for the one before to have loaded its model.
    os.environ["TUNE_MAX_PENDING_TRIALS_PG"] = str(room())
    takes = claim(gpus)
    bundle = {"CPU": takes["num_cpus"], **({"GPU": gpus} if gpus else {}), **takes.get("resources", {})}
    tuner = tune.Tuner(
        tune.with_resources(tune.with_parameters(TrialWorker, job=job), tune.PlacementGroupFactory([bundle])),
        tune_config=tune.TuneConfig(
            search_alg=searcher,
            scheduler=_Rungs(searcher),
            num_samples=-1,
            reuse_actors=True,
            time_budget_s=None if deadline is None else max(1.0, deadline - time.time()),
        ),
        run_config=tune.RunConfig(
            name="search",
            storage_path=tempfile.mkdtemp(dir=asking.scratch),
            verbose=0,
            callbacks=[_Starts(searcher)],
            checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=False),
        ),
    )
    tuner.fit()
    if searcher.fault is not None:
        raise searcher.fault
