"""What a worker needs to run trials: plain data that crosses process borders, nothing else does."""

from __future__ import annotations

import time
from collections.abc import Generator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from autopeft.backbones import Quantization
from autopeft.launch.baggage import Baggage, moved
from autopeft.levers import Score
from autopeft.space import Configuration
from autopeft.tasks import TaskSpec
from autopeft.trials import TrialSetting

__all__ = ["WorkerJob"]


@dataclass(frozen=True)
class WorkerJob:
    """Where the backbone and data are and how a trial is run.

    Args:
        model: What `load_backbone` takes.
        revision: Revision of a hub model.
        roles: YAML file mapping roles, for an unknown architecture.
        quantization: How the backbone's frozen matrices are held.
        plugin: Python file that registers further methods.
        task: Where the data is.
        setting: How a trial is run.
        seed: Seed of every trial: all see the same head, batches and order.
        trial_seconds: Time limit of one trial.
        trust_remote_code: Whether code that the model brings may run.
        scores: What data levers go by of each training example, see `autopeft.trials.scores`.
        baggage: The files of all that, where workers may be on machines that have none of them.
    """

    model: str | None
    revision: str | None
    roles: Path | None
    quantization: Quantization | None
    plugin: Path | None
    task: TaskSpec
    setting: TrialSetting
    seed: int
    trial_seconds: float | None
    trust_remote_code: bool = False
    scores: Mapping[str, Mapping[int, float]] = field(default_factory=dict)
    baggage: Baggage | None = None

    def runner(self) -> Any:
        """Load the backbone and tokenise the data, once a worker."""
        from autopeft.trials import kind_of

        backbone, task = self._named()
        return kind_of(task).runner(backbone, replace(task, scores=self.scores), self.setting)

    def score(self, scores: Sequence[Score]) -> dict[str, dict[int, float]]:
        """Compute scores of the training rows; see `autopeft.trials.scores.score_rows`."""
        from autopeft.trials.scores import score_rows

        return score_rows(*self._named(), self.setting, self.seed, scores)

    def _named(self) -> tuple[Any, Any]:
        """Return the backbone and the task."""
        from autopeft.plugins import load_plugin
        from autopeft.tasks import load_task
        from autopeft.trials import kind_of, use_threads

        use_threads(1)
        job = self._here()
        if job.plugin is not None:
            load_plugin(job.plugin)
        task = load_task(job.task)
        how = (job.model, job.revision, job.roles, job.quantization, job.trust_remote_code)
        backbone = kind_of(task).load_backbone(*how)
        return backbone, kind_of(task).fitted(task, backbone)

    def _here(self) -> WorkerJob:
        """Return the job with its paths as they are on this machine."""
        if self.baggage is None:
            return self
        from autopeft.launch.ray_home import RayHome

        places = self.baggage.opened(RayHome())
        return replace(
            self,
            model=None if self.model is None else places.get(self.model, self.model),
            plugin=None if self.plugin is None else Path(places.get(str(self.plugin), self.plugin)),
            roles=None if self.roles is None else Path(places.get(str(self.roles), self.roles)),
            task=moved(self.task, places),
        )

    def profile(self, configurations: Sequence[str]) -> dict[str, Any]:
        """Measure training steps of configurations, given as texts, the head alone first.

        Returns:
            `steps`: for each the peak memory in bytes and the seconds of a step, None where memory ran out, and
            `head_step_seconds`: the mean time of a step in a whole trial of the head alone.
        """
        from autopeft.methods import HEAD_ONLY
        from autopeft.trials import out_of_memory

        runner = self.runner()
        steps: list[dict[str, float] | None] = []
        for text in configurations:
            try:
                steps.append(asdict(runner.profile(Configuration(text), self.seed)))
            except Exception as error:
                if not out_of_memory(error):
                    raise
                steps.append(None)
        return {"steps": steps, "head_step_seconds": runner.run(HEAD_ONLY, self.seed).step_seconds}

    def rehearse(self, configuration: str) -> bool:
        """Do in small what trials do, with a configuration given as text; see `autopeft.trials.rehearse`."""
        from autopeft.trials import rehearse

        return rehearse(self.runner, Configuration(configuration), self.seed)

    def start(self, runner: Any, configuration: Configuration) -> Generator[dict[str, float], None, dict[str, Any]]:
        """Begin one trial: yields a point of its curve at each rung, returns its outcome, both plain data."""
        deadline = None if self.trial_seconds is None else time.time() + self.trial_seconds
        outcome = yield from runner.start(configuration, self.seed, deadline)
        return outcome.to_dict()
