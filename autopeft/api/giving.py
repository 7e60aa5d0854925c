"""What a run gives to others: files for other tools, and a page to show."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from autopeft.exporting import Exported, ExportJob, Origin, target_named
from autopeft.exporting import export as export_job
from autopeft.launch import SearchPlan, groundwork, open_run
from autopeft.launch.groundwork import DATA_FIELDS, kind_settings
from autopeft.launch.quiet import quiet
from autopeft.reporting import Written, read_run, write_report
from autopeft.selection import choice_of, selected_front
from autopeft.selection import pick as choose
from autopeft.shut import shut

__all__ = ["export", "report"]


def export(
    run: str | Path,
    *,
    pick: str = "best",
    to: str = "peft",
    out: str | Path | None = None,
    allow_lossy: bool = False,
    trust_remote_code: bool = False,
    plugin: str | Path | None = None,
) -> Exported:
    """Export a configuration of a front to a tool, checked by building a model of the files.

    Args:
        run: The run folder.
        pick: `best`, `knee`, `cheapest-within 0.5pt`, `budget 0.1%`, `stock` or another reference, `head`,
            or a trial number.
        to: `peft`, `autopeft`, `transformers`, `sentence-transformers`, `trl`, `axolotl`, `llamafactory` or
            `torchtune`.
        out: Folder to write; `export` in the run folder when left out. An earlier export there is replaced.
        allow_lossy: Leave out, and list, what the target cannot express but the adapters are the same without.
        trust_remote_code: Whether code that the model brings may run.
        plugin: The plugin that the run was searched with; one that only the run names is not run.

    Returns:
        The folder, its files, the command that trains by them, and what was left out.

    Raises:
        AutopeftError: For whatever the caller can mend; nothing is written.
    """
    run = Path(run)
    with quiet(), shut():
        target_named(to)
        result = open_run(run, trust_remote_code, plugin=None if plugin is None else Path(plugin))
        row = choose(selected_front(result), result.scale, pick)
        choice = choice_of(result, row)
        unpacked = result.plan.model_copy(update={"load_in_4bit": False, "load_in_8bit": False})
        ground = groundwork(unpacked, measures=False)
        setting = ground.setting if choice.epochs is None else replace(ground.setting, epochs=choice.epochs)
        seed = ground.plan.seed if choice.seed is None else choice.seed
        # The data of several tasks is named by a file: the run's own.
        words = None if ground.plan.tasks else tuple(_words(ground.plan))
        origin = Origin(run.resolve(), row.trial, row.reached, words)
        job = ExportJob(
            choice.configuration, ground.backbone, ground.task, setting, seed, choice.trained, origin, choice.steps
        )
        notes = [f"Trial {row.trial} has no result at its end; what it reached is {row.reached}."] if row.failed else []
        if ground.backbone.runs_own_code:
            notes.append("The model brings code of its own, which what trains it is told to run, as the search was.")
        if result.plan.quantization:
            notes.append(f"Trials held the backbone in {result.plan.quantization}: load it so to train as they did.")
        return export_job(
            replace(job, notes=tuple(notes)), to, run / "export" if out is None else Path(out), allow_lossy=allow_lossy
        )


def report(
    run: str | Path,
    *,
    out: str | Path | None = None,
    trust_remote_code: bool = False,
    plugin: str | Path | None = None,
) -> Written:
    """Write the page of a run, one file that opens offline, and its figures as PNG and SVG.

    Args:
        run: The run folder.
        out: Folder to write; the run folder when left out.
        trust_remote_code: Whether code that the model brings may run.
        plugin: The plugin that the run was searched with; one that only the run names is not run.

    Returns:
        The page, the folder of its figures, and why figures are missing.

    Raises:
        AutopeftError: For whatever the caller can mend.
    """
    with quiet(), shut():
        read = read_run(Path(run), trust_remote_code, plugin=None if plugin is None else Path(plugin))
        return write_report(read, Path(run if out is None else out))


def _words(plan: SearchPlan) -> Iterator[str]:
    """Yield the flags of `autopeft train` that name what a search ran on."""
    for name in ("model", "revision", "roles", "task", *DATA_FIELDS, *kind_settings(), "plugin"):
        value = getattr(plan, name, None)
        # The seed stands among the settings of the training.
        if value not in (None, False) and name != "seed":
            yield from (f"--{name.replace('_', '-')}", *([] if value is True else [str(value)]))
