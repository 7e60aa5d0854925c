"""The targets, and the export to one of them: refused with reasons, checked, then written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path

from autopeft.backbones import Backbone
from autopeft.errors import AutopeftError, ConfigurationError
from autopeft.exporting.check import check
from autopeft.exporting.guide import Exported
from autopeft.exporting.job import ExportJob
from autopeft.exporting.page import write_page
from autopeft.exporting.shortfall import Shortfall, reduced
from autopeft.exporting.target import Target
from autopeft.exporting.targets.axolotl import Axolotl
from autopeft.exporting.targets.llamafactory import LlamaFactory
from autopeft.exporting.targets.own import Own
from autopeft.exporting.targets.peft import Peft
from autopeft.exporting.targets.sentence_transformers import SentenceTransformers
from autopeft.exporting.targets.torchtune import Torchtune
from autopeft.exporting.targets.transformers import Transformers
from autopeft.exporting.targets.trl import Trl
from autopeft.exporting.training import training_steps
from autopeft.exporting.unpacking import unpacked
from autopeft.methods.builder import inject_targets, plan
from autopeft.methods.lengths import suited, suited_note
from autopeft.saved import check_whole
from autopeft.space import Configuration
from autopeft.tasks import Task
from autopeft.trials import TrialKind, kind_of
from autopeft.whole_folder import check_replaceable, whole_folder

__all__ = ["TARGETS", "export", "refusal", "target_named", "unable"]

#: The targets; of those that can express something the first is named to who asked another for it.
TARGETS: Mapping[str, Target] = {
    target.name: target
    for target in (
        Trl(),
        Transformers(),
        Axolotl(),
        LlamaFactory(),
        Torchtune(),
        SentenceTransformers(),
        Peft(),
        Own(),
    )
}


def target_named(name: str) -> Target:
    """Return a target.

    Raises:
        AutopeftError: When there is none of the name.
    """
    if name not in TARGETS:
        near = get_close_matches(name, TARGETS, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise AutopeftError(f"unknown target {name!r}; expected one of {', '.join(TARGETS)}{hint}")
    return TARGETS[name]


def refusal(target: Target, configuration: Configuration, backbone: Backbone, kind: TrialKind) -> str | None:
    """Say why a search for a target leaves a configuration out; None when the target expresses all of it."""
    found = _shortfalls(target, configuration, backbone, kind)
    return f"{target.name} cannot express {', '.join(map(str, found))}" if found else None


def export(job: ExportJob, name: str, folder: Path, *, allow_lossy: bool = False) -> Exported:
    """Write a configuration for a target, after building a model of the files and comparing it with our own.

    Args:
        job: What to export.
        name: The target's name.
        folder: Where to write; made if need be. An earlier export there is replaced as a whole, and stays as it was
            when anything is refused or fails.
        allow_lossy: Leave out what the target cannot express and the adapters are the same without.

    Returns:
        What was written, how to use it, and what was left out.

    Raises:
        AutopeftError: When the target is unknown.
        ConfigurationError: When the target cannot express the configuration or train the task, or the files would
            build another model or make other tokens of the data.
        AutopeftError: When the folder holds files of others, or what was trained is damaged.
    """
    target = target_named(name)
    if not kind_of(job.task).one_model:
        raise ConfigurationError(
            f"{job.task.name} has adapters of its own for each task, which are no one model; those of finalists are "
            "folders that PEFT loads, finalists/NAME/seed-N/TASK in the run, and `autopeft train` makes such folders"
        )
    check_replaceable(folder)
    if job.trained is not None and target.carries_weights:
        check_whole(job.trained, "move it away, and `autopeft select` trains it again")
    for part in plan(job.configuration):
        # Raises what PEFT refuses on this backbone.
        inject_targets(part, job.backbone.anatomy)
    reason = unable(target, job.task, job.backbone, " + ".join(job.configuration.modules) or "no adapters")
    if reason:
        raise ConfigurationError(f"{reason}; expected {_nearest(target, job)}")
    lacking = _shortfalls(target, job.configuration, job.backbone, job.kind)
    found = [] if _trained(target, job) else lacking
    if any(not shortfall.lossy for shortfall in found) or (found and not allow_lossy):
        lossy = all(shortfall.lossy for shortfall in found)
        raise ConfigurationError(
            f"{target.name} cannot express {', '.join(map(str, found))}; expected {_nearest(target, job)}"
            + (", or --allow-lossy to leave it out" if lossy else "")
            + (f"; `autopeft search --target {name}` finds what it can express" if job.origin else "")
        )
    job = _suited(replace(job, configuration=reduced(job.configuration, found)), target)
    left_out = tuple(map(str, found))
    taken = unpacked(job) if _trained(target, job) else nullcontext(job)
    with whole_folder(folder) as place, taken as job:
        guide = target.write(job, place)
        guide = replace(guide, notes=(*guide.notes, *job.notes))
        check(target, job, place)
        write_page(job, name, guide, left_out, place)
    return Exported(
        name,
        job.configuration.describe(),
        None if job.origin is None else job.origin.trial,
        Path(folder),
        tuple(sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())),
        guide.command,
        guide.code,
        guide.notes,
        left_out,
    )


def _suited(job: ExportJob, target: Target) -> ExportJob:
    """Return a job with the learning rate that suits how long is trained by the files; none is, of trained adapters."""
    if job.found_at is None or _trained(target, job):
        return job
    given = (job.configuration, job.found_at, training_steps(job))
    note = suited_note(*given)
    notes = (f"{note[0].upper()}{note[1:]}.",) if note else ()
    setting = replace(job.setting, examples=len(job.task.train))
    return replace(job, configuration=suited(*given), setting=setting, notes=(*job.notes, *notes))


def _trained(target: Target, job: ExportJob) -> bool:
    """Tell whether a target takes trained adapters along, so that how they were trained is past."""
    return job.trained is not None and target.carries_weights and bool(job.configuration.modules)


def _shortfalls(target: Target, configuration: Configuration, backbone: Backbone, kind: TrialKind) -> list[Shortfall]:
    return [*target.shortfalls(configuration, backbone), *target.shortfalls_in(kind, configuration)]


def unable(target: Target, task: Task, backbone: Backbone, methods: str = "") -> str | None:
    """Say why a target cannot train a task or a backbone, whatever the configuration; None when it can.

    Args:
        target: The target.
        task: The task.
        backbone: The backbone.
        methods: The methods in question, to be named.
    """
    kind = kind_of(task)
    if not target.takes(kind):
        named = f" ({methods})" if methods else ""
        return f"{target.name} trains {target.trains}, and the task {task.name}{named} {kind.does}"
    unfit = target.unfit(backbone)
    return f"{target.name} cannot train {backbone.name}: {unfit}" if unfit else None


def _nearest(asked: Target, job: ExportJob) -> str:
    """Name the targets that can express all of a job, the nearest first."""
    able: Sequence[str] = [
        f"--to {target.name}"
        for target in TARGETS.values()
        if target is not asked
        and unable(target, job.task, job.backbone) is None
        and (_trained(target, job) or refusal(target, job.configuration, job.backbone, job.kind) is None)
    ]
    return " or ".join(able[:2])
