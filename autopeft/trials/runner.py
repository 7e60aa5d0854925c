"""Run trials: a configuration in, an outcome out; weights and data are loaded once."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import PreTrainedModel

from autopeft.backbones import Backbone
from autopeft.levers import inputs_changed
from autopeft.methods import adapter_parameters, apply, compress_as, remove, stays_in_layers
from autopeft.space import Configuration
from autopeft.tasks import Encoded, Task, pad_id_of
from autopeft.trials.checkpointing import recomputing
from autopeft.trials.draw import drawn
from autopeft.trials.driving import Point, Trial, driven
from autopeft.trials.exam import Exam
from autopeft.trials.faults import failure
from autopeft.trials.few import FEW_BATCHES, few_batches
from autopeft.trials.finishing import finish
from autopeft.trials.full import all_trainable
from autopeft.trials.groups import parameter_groups
from autopeft.trials.hardware import attention, pick_device, release_memory
from autopeft.trials.head import reset_head
from autopeft.trials.held import Held
from autopeft.trials.holding import hold_as_computed, holds_half
from autopeft.trials.kind import Feed, TrialKind
from autopeft.trials.kinds import kind_of
from autopeft.trials.levers import pooled
from autopeft.trials.loop import fit
from autopeft.trials.material import Material
from autopeft.trials.measured import Measured
from autopeft.trials.outcome import Outcome, StepCost
from autopeft.trials.profile import profile
from autopeft.trials.saved import configuration_in, keep, saved
from autopeft.trials.setting import TrialSetting
from autopeft.trials.settled import forget_settled
from autopeft.trials.shortcuts import Shortcuts
from autopeft.trials.stopwatch import Stopwatch

__all__ = ["Trial", "TrialRunner"]


class TrialRunner:
    """Runs trials on one backbone and task, one after the other.

    Args:
        backbone: The pretrained model.
        task: The data; `test` is touched by `score` alone.
        setting: How trials train.
        device: Where; the first GPU or the CPU when left out.

    Attributes:
        name: What the user calls the backbone.
        model: The model, with its weights, without adapters between trials.
        exam: What trials are measured on.

    Raises:
        AutopeftError: When weights or tokenizer cannot be loaded.
    """

    def __init__(
        self, backbone: Backbone, task: Task, setting: TrialSetting, device: torch.device | None = None
    ) -> None:
        self.name = backbone.name
        self.task = task
        self.setting = setting
        self.device = device or pick_device()
        self._kind = kind_of(task).under(setting)
        self._anatomy = backbone.anatomy
        self._tokenizer = tokenizer = backbone.tokenizer()
        self._pad_id = pad_id_of(tokenizer)
        with torch.random.fork_rng(devices=[]):
            # Weights a checkpoint lacks are drawn when it is loaded: alike in every worker.
            torch.manual_seed(0)
            self.model: PreTrainedModel = self._kind.model(backbone, self.device)
        if holds_half(self._kind, setting.precision):
            hold_as_computed(self.model, self._anatomy)
        # A cache would only take memory, and grow twice where layers are computed again.
        self.model.config.use_cache = False
        self.model.set_attn_implementation(attention(self.model, self.device, setting.precision, setting.max_length))
        pool, held = drawn(task, setting)
        self._material = Material(self._kind, task, pool, self._encoded, setting.max_length, setting.seed)
        train, validation = self._material.train, task.validation.take(held)
        # For methods whose start depends on data: the same few batches in every trial.
        rng = np.random.default_rng(setting.seed)
        few = train.take(train.some(rng, FEW_BATCHES * setting.batch_size))
        self._few = few_batches(self._kind, few, setting.batch_size, self._pad_id, self.device)
        few_inputs = {key: value for key, value in self._few[0].items() if key != "labels"}
        self._shortcuts = Shortcuts(
            self.model,
            self._anatomy,
            self._kind,
            setting,
            self._pad_id,
            backbone.identity,
            # LLM.int8() computes columns with outliers apart, those of a whole batch: what a text becomes depends on
            # the texts beside it, and cannot be kept.
            keeps=backbone.quantization != "8bit" and not self._kind.varies,
            few=few_inputs,
        )
        held_out = self._encoded(validation)
        self.exam = Exam(self._kind, validation, held_out, tokenizer, setting, task.metric, rng)
        self._prefixes = [self._shortcuts.prefix(encoded) for encoded in (train, held_out)]
        self._held: dict[str, Held] = {}
        self._kind.ready(self.run, setting.seed)

    @property
    def levels(self) -> Sequence[float]:
        """What the untouched model of each of several tasks reaches on validation."""
        return tuple(self._kind.levels or ())

    def run(
        self,
        configuration: Configuration,
        seed: int,
        deadline: float | None = None,
        go_on: Callable[[Point], bool] = lambda point: True,
        *,
        folder: Path | None = None,
        full: bool = False,
        until: float | None = None,
        brief: bool = False,
    ) -> Outcome:
        """Run one trial. The same configuration and seed give the same outcome, whatever ran before.

        Args:
            configuration: What to build and train.
            seed: Seeds head, adapters and the order of texts.
            deadline: Time (`time.time()`) at which to give up.
            go_on: Asked at each rung with the point of the curve; False ends the trial as `stopped`.
            folder: Where to keep what was trained, as `autopeft.methods.save` writes it; as `save_pretrained` does
                after full fine-tuning.
            full: Whether the whole backbone trains, at the configuration's learning rate; it is not quantised then.
            until: One of `RUNGS` at which the trial is measured as at its end, and is complete.
            brief: Whether its end is measured as a rung is, unless something is chosen there: it will be scored later.
        """
        return driven(
            self.start(configuration, seed, deadline, folder=folder, full=full, until=until, brief=brief), go_on
        )

    def start(
        self,
        configuration: Configuration,
        seed: int,
        deadline: float | None = None,
        *,
        folder: Path | None = None,
        full: bool = False,
        until: float | None = None,
        brief: bool = False,
    ) -> Trial:
        """Begin a trial, to be driven from rung to rung; closing it takes the adapters out again.

        One at a time: the next may begin when this one has returned or was closed. A trial that runs out of memory
        before its first rung begins again with half as many texts at once, where batches of its kind can be divided.
        """
        at_once = self.setting.batch_size
        while True:
            outcome = yield from self._attempt(configuration, seed, deadline, at_once, folder, full, until, brief)
            divides = self._kind.by_levers(configuration.data).divides
            if outcome.status != "oom" or outcome.curve or at_once == 1 or not divides:
                return outcome
            at_once //= 2

    def profile(self, configuration: Configuration, seed: int) -> StepCost:
        """Measure what a training step of a configuration takes on the longest texts.

        Raises:
            Exception: What goes wrong, such as `torch.OutOfMemoryError`.
        """
        return profile(self, configuration, seed)

    @contextmanager
    def on_longest(
        self, configuration: Configuration, seed: int, steps: int, busy: Stopwatch
    ) -> Iterator[Iterator[int]]:
        """Build a configuration; yield its training of so many steps on the longest texts, with a rung half way.

        Args:
            configuration: What to build and train.
            seed: The seed.
            steps: Steps in all.
            busy: Runs during steps.
        """
        learned, count = self._material.longest(configuration.data, self.setting.batch_size)
        setting = replace(self.setting, examples=count, epochs=steps, early_stopping=True, fidelity="steps")
        kind = self._kind.by_levers(configuration.data)
        with self._built(configuration, seed) as (feed, _):
            yield self._fit(learned.taken, setting, seed, learned.feeding(feed), busy, kind=kind)

    def score(self, folder: Path, split: str) -> np.ndarray:
        """Measure what a trial saved.

        Args:
            folder: Where it was kept.
            split: Name of a split of the task; all its examples count, but where the metric is one of answers, no more
                than the setting lets models answer.

        Returns:
            For each example a score, float64 `[n]`; their mean is the task's metric, its sign such that more is better.

        Raises:
            DivergedError: When a logit is not finite.
        """
        examples, setting, task = self.task.splits[split], self.setting, self.task
        for probe in self._kind.probes(examples, self._tokenizer, setting):
            if task.metric in probe.metrics:
                with saved(self.model, self._anatomy, folder, self._kind.settles):
                    found = probe.scores(self.model.eval(), setting.precision, len(examples))[task.metric]
                    return task.judge.signed(found)
        if split not in self._held:
            self._held[split] = Held(self._kind, self._encoded(examples), setting, self._pad_id, self._shortcuts.prefix)
        held, configuration = self._held[split], configuration_in(folder)
        depth = self._shortcuts.depth(configuration, [held.prefix])
        with (
            saved(self.model, self._anatomy, folder, self._kind.settles),
            self._shortcuts.taken(configuration, depth, [held.prefix]) as [feed],
        ):
            found = self._kind.example_scores(self.model.eval(), held.batches, setting.precision, feed, task.metric)
        return task.judge.signed(found)

    def compressed(self, folder: Path, configuration: Configuration) -> tuple[Measured, int]:
        """Measure what is kept of a trial's adapters as a trial is at its end; return the bytes of that too.

        Args:
            folder: Where the trial was kept.
            configuration: That of the trial, with what it says of compression.
        """
        depth = self._shortcuts.depth(configuration, self._prefixes)
        with (
            saved(self.model, self._anatomy, folder, self._kind.settles),
            self._shortcuts.taken(configuration, depth, self._prefixes) as [_, validation],
        ):
            forget_settled(self.model.config, self._kind.settles)
            kept = compress_as(configuration, self.model)
            return self.exam(self.model.eval(), validation, whole=True), kept

    def _encoded(self, split: Any) -> Encoded:
        """Tokenise a split, and ask the model about it while it is untouched, where trials are held against that."""
        encoded = self._kind.encode(split, self._tokenizer, self.setting.max_length)
        return self._kind.with_reference(self.model, encoded, self.setting, self._pad_id)

    def _attempt(
        self,
        configuration: Configuration,
        seed: int,
        deadline: float | None,
        at_once: int,
        folder: Path | None,
        full: bool,
        until: float | None,
        brief: bool,
    ) -> Trial:
        started = time.perf_counter()
        stages = self.setting.stages
        end = self.setting.steps
        if until is not None:
            stages = (replace(self.setting, early_stopping=True, fidelity="steps"),)
            end = stages[0].step_at(until)
        curve: list[Point] = []
        params: int | None = None
        steps, checks = Stopwatch(), Stopwatch()
        try:
            with closing(self._stages(stages, configuration, seed, steps, at_once, deadline, full)) as under_way:
                for step, trained, validation in under_way:
                    # Some methods grow while they train.
                    params = sum(parameter.numel() for parameter in adapter_parameters(self.model).values())
                    if step == 0 or (until is not None and step < end):
                        continue
                    done = step >= end
                    if done and not full:
                        finish(self.model)
                    with checks:
                        found = self.exam(self.model, validation, whole=done and not (brief and not self._kind.settles))
                    curve.append(
                        {
                            "step": step,
                            "accuracy": self.task.judge.signed(found.figures[self.task.metric]),
                            "loss": found.figures["loss"],
                            "seconds": time.perf_counter() - started,
                            "busy": steps.seconds + checks.seconds,
                            "step_seconds": steps.seconds / trained,
                        }
                    )
                    if not done:
                        yield curve[-1]
                        continue
                    if folder is not None:
                        keep(self.model, folder, found.settled, full=full)
                    break
            last = curve[-1]
            return Outcome(
                "complete",
                last["accuracy"],
                found.figures,
                params,
                last["seconds"],
                last["busy"],
                last["step_seconds"],
                tuple(curve),
            )
        except Exception as error:
            return failure(error, params, time.perf_counter() - started, tuple(curve))

    def _stages(
        self,
        stages: Sequence[TrialSetting],
        configuration: Configuration,
        seed: int,
        busy: Stopwatch,
        at_once: int,
        deadline: float | None,
        full: bool,
    ) -> Generator[tuple[int, int, Feed]]:
        """Build and train, once or more often.

        Yields:
            Steps done, steps of all fine-tunes so far, and what to call before forward passes over the validation
            split; when built, and wherever the model is to be measured.
        """
        earlier, rate = 0, configuration.training["learning_rate"] if full else None
        for stage in stages:
            learned = self._material.learned(configuration.data, stage.examples)
            with self._built(configuration, seed, full) as (train, validation):
                yield 0, earlier, validation
                feed = learned.feeding(train)
                kind = self._kind.weighed(configuration.training).by_levers(configuration.data)
                for step in self._fit(learned.taken, stage, seed, feed, busy, at_once, deadline, rate, kind):
                    yield step, earlier + step, validation
            earlier += stage.steps

    @contextmanager
    def _built(self, configuration: Configuration, seed: int, full: bool = False) -> Iterator[list[Feed]]:
        """Put a fresh head and the adapters of a configuration into the model, and take them out again.

        Yields:
            What to call before forward passes over the training and the validation split.
        """
        trained = None if full else configuration
        # What is kept is of the rows in their own form.
        kept = not inputs_changed(configuration.data) and not pooled(configuration.data, self.task)
        depth = self._shortcuts.depth(trained if kept else None, self._prefixes)
        try:
            with torch.random.fork_rng(devices=[self.device] if self.device.type == "cuda" else []):
                reset_head(self.model, seed, trained)
                self._kind.begin(self.model, self._few)
                apply(configuration, self.model, self._anatomy, seed=seed, batches=self._few)
                try:
                    self.model.eval()
                    recomputed = self.setting.gradient_checkpointing and stays_in_layers(configuration)
                    with (
                        recomputing(self.model, recomputed),
                        all_trainable(self.model) if full else nullcontext(),
                        self._shortcuts.taken(trained, depth, self._prefixes) as feeds,
                    ):
                        yield feeds
                finally:
                    remove(self.model)
        finally:
            release_memory(self.device)

    def _fit(
        self,
        train: Encoded,
        setting: TrialSetting,
        seed: int,
        feed: Feed,
        busy: Stopwatch,
        at_once: int | None = None,
        deadline: float | None = None,
        backbone_rate: float | None = None,
        kind: TrialKind | None = None,
    ) -> Iterator[int]:
        return fit(
            self.model,
            train,
            setting,
            parameter_groups(self.model, setting, self._kind.rate_factors(self.model), backbone_rate),
            kind=kind or self._kind,
            pad_id=self._pad_id,
            seed=seed,
            feed=feed,
            busy=busy,
            at_once=at_once or setting.batch_size,
            deadline=deadline,
        )
