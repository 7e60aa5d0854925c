"""From a run or a file to a trained folder: what `autopeft train` and `autopeft.train` do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from autopeft.errors import ConfigurationError
from autopeft.launch import Groundwork, SearchPlan, check_told, check_training, groundwork, open_run, with_columns
from autopeft.levers import SELECT, scores_named, words_named
from autopeft.methods import VOCABULARY
from autopeft.methods.lengths import suited, suited_note
from autopeft.methods.storage import MANIFEST
from autopeft.saved import write_routes
from autopeft.selection import choice_of, pick, selected_front
from autopeft.space import Configuration, canonical, read_configuration
from autopeft.tasks import Task
from autopeft.training.fine_tune import fine_tune
from autopeft.training.merging import add_merged, check_mergeable
from autopeft.training.result import REPLACED, FineTuned
from autopeft.trials import TrialSetting, drawn, kind_of, steps_of
from autopeft.trials.scores import check_scores
from autopeft.whole_folder import check_replaceable

__all__ = ["Training", "prepare_training", "train_prepared"]


@dataclass(frozen=True)
class Training:
    """A full fine-tune, before it begins.

    Args:
        name: What the configuration is called: its trial, or its file.
        origin: Where it is from, for the card.
        rate: How its learning rate was moved to suit the length of this training; empty where it was not.
        configuration: The configuration.
        ground: Data, backbone and setting.
        task: The data with the examples that are trained on.
        folder: Where the result goes.
    """

    name: str
    origin: str
    rate: str
    configuration: Configuration
    ground: Groundwork
    task: Task
    folder: Path


class _Found(NamedTuple):
    """What is to be trained, and after how many steps its learning rate was found good; None where a person set it."""

    name: str
    origin: str
    configuration: Configuration
    found_at: int | None
    ground: Groundwork


def prepare_training(
    source: Path, settings: Mapping[str, Any], *, chosen: str = "best", output: Path | None = None
) -> Training:
    """Find what is to be trained.

    Args:
        source: A run folder, or the YAML of a configuration.
        settings: Fields of `SearchPlan`; of a run, those that are not given are its own.
        chosen: Of a run: `best`, `knee`, `cheapest-within 0.5pt`, `budget 0.1%`, `stock` or another reference, `head`,
            or a trial number.
        output: Where the result goes; `train` in the run folder, or a folder under `runs`, when left out.

    Raises:
        AutopeftError: For whatever a user can mend.
    """
    found = _of_run(source, chosen, settings) if source.is_dir() else _of_file(source, settings)
    name, origin, configuration, found_at, ground = found
    task, rate = ground.task, ""
    if settings.get("examples") is not None:
        task = task.learning(drawn(task, ground.setting)[0])
    folder = output or (source / "train" if source.is_dir() else Path("runs") / f"train-{configuration.hash}")
    if found_at is not None:
        steps = steps_of(len(task.train), ground.setting.epochs, ground.setting.batch_size)
        rate = suited_note(configuration, found_at, steps)
        configuration = suited(configuration, found_at, steps)
    return Training(name, origin, rate, configuration, ground, task, folder)


def train_prepared(
    training: Training,
    *,
    report_to: Sequence[str] = (),
    merge: bool = False,
    keep_checkpoints: bool = False,
    progress: bool = False,
) -> FineTuned:
    """Train, and write the result; further arguments as for `fine_tune`.

    Args:
        training: What to train.
        report_to: Where to report.
        merge: Whether to write a plain model too, with the adapters folded in.
        keep_checkpoints: Whether to keep checkpoints.
        progress: Whether to show a progress bar.

    Raises:
        AutopeftError: For whatever a user can mend.
    """
    ground = training.ground
    if merge:
        check_mergeable(training.configuration, ground.backbone.quantization)
    each = kind_of(training.task).each_of(training.task, ground.backbone.tokenizer(), ground.setting)
    if each:
        return _each_by_itself(training, each, report_to, merge, keep_checkpoints, progress)
    what = (training.configuration, ground.backbone, training.task, ground.setting)
    origin = "; ".join(filter(None, (training.origin, training.rate)))
    found = fine_tune(
        *what,
        training.folder,
        seed=ground.plan.seed,
        report_to=report_to,
        progress=progress,
        origin=origin,
        keep_checkpoints=keep_checkpoints,
    )
    if merge and found.merged is None:
        return add_merged(*what, ground.plan.seed, found, origin)
    return found


def _each_by_itself(
    training: Training,
    each: Sequence[tuple[Task, TrialSetting]],
    report_to: Sequence[str],
    merge: bool,
    keep_checkpoints: bool,
    progress: bool,
) -> FineTuned:
    """Train adapters of its own for each task, in a folder each."""
    if (training.folder / MANIFEST).exists():
        raise ConfigurationError(
            f"{training.folder} holds adapters already, and each of several tasks gets a folder there; choose another "
            "folder with --output"
        )
    for task, _ in each:
        check_replaceable(training.folder / task.name, REPLACED)
    found = []
    for task, setting in each:
        ground = replace(training.ground, task=task, setting=setting)
        alone = replace(training, ground=ground, task=task, folder=training.folder / task.name)
        how: dict[str, Any] = {"keep_checkpoints": keep_checkpoints, "progress": progress}
        found.append((task.name, train_prepared(alone, report_to=report_to, merge=merge, **how)))
    write_routes(training.folder, [name for name, _ in found])
    figures: dict[str, dict[str, float]] = {"validation": {}, "test": {}}
    for name, one in found:
        for split, into in figures.items():
            into.update({f"{name}: {figure}": value for figure, value in getattr(one, split).items()})
    parts = [one for _, one in found]
    return FineTuned(
        training.folder,
        figures["validation"],
        figures["test"],
        max(one.params for one in parts),
        sum(one.steps for one in parts),
        sum(one.best_step for one in parts),
        already=all(one.already for one in parts),
    )


def _of_run(run: Path, chosen: str, settings: Mapping[str, Any]) -> _Found:
    """Return a pick of a run by its name, where it is from, and what its plan and the settings name."""
    allowed = (settings.get("trust_remote_code", False), settings.get("allow_code", False))
    result = open_run(run, *allowed, plugin=settings.get("plugin"))
    row = pick(selected_front(result), result.scale, chosen)
    choice = choice_of(result, row)
    ground = groundwork(SearchPlan.of(result.plan.model_dump(exclude_unset=True) | dict(settings), "flags"))
    ground = _checked(ground, choice.configuration, f"trial {row.trial}")
    if choice.epochs is not None and "epochs" not in settings:
        ground = replace(ground, setting=replace(ground.setting, epochs=choice.epochs))
    origin = f"trial {row.trial} of the run {run.resolve().name} ({row.reached} in the search)"
    return _Found(f"trial {row.trial}", origin, choice.configuration, choice.steps, ground)


def _of_file(file: Path, settings: Mapping[str, Any]) -> _Found:
    """Return the configuration of a file by its name, where it is from, and what the settings name."""
    data = read_configuration(file)
    ground = groundwork(SearchPlan.of(dict(settings), "flags"))
    configuration = canonical(data, VOCABULARY, ground.backbone.shape)
    ground = _checked(ground, configuration, file.name)
    return _Found(file.name, f"configuration {file.name}", configuration, None, ground)


def _checked(ground: Groundwork, configuration: Configuration, name: str) -> Groundwork:
    """Return what a configuration is trained on, with what its data levers go by, where they can."""
    check_training(configuration.training, ground.task, name)
    check_told(configuration.modules, ground.task, name)
    scores = scores_named(configuration.data)
    notes = check_scores(scores, ground.task, ground.backbone)
    if scores:
        notes += (f"rows are scored before training, for `select`: {', '.join(score.text for score in scores)}",)
    selects = SELECT.asked(configuration.data) is not None
    if selects and ground.task.pool is None:
        notes += ("`select` chooses from the training rows, for no --pool is named",)
    if not selects and ground.task.pool is not None:
        notes += ("nothing is chosen from the pool: the configuration has no `select`",)
    return with_columns(replace(ground, notes=(*ground.notes, *notes)), words_named(configuration.data))
