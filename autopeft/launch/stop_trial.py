"""End a trial of a search that runs elsewhere."""

from __future__ import annotations

from pathlib import Path

from autopeft.errors import StudyError
from autopeft.launch.search import open_run
from autopeft.study import answering, ask_to_stop, load_study

__all__ = ["stop_trial"]


def stop_trial(folder: Path, number: int, trust_remote_code: bool = False, plugin: Path | None = None) -> None:
    """Ask for a trial to end at its next rung.

    Args:
        folder: The run folder.
        number: The trial's number.
        trust_remote_code: Whether code that the run's model brings may run.
        plugin: The plugin that it was searched with, see `open_run`.

    Raises:
        StudyError: When the folder holds no run, the trial is not at work, or has no rungs.
    """
    run = open_run(folder, trust_remote_code, plugin=plugin)
    if not run.plan.early_stopping:
        raise StudyError(
            f"trials of {folder} are not looked at before their end, as --no-early-stopping says; expected a search "
            "without it, or stop the search by Ctrl-C"
        )
    with answering(run.plan.storage or str(folder)):
        ask_to_stop(load_study(folder, run.plan.storage, run.study.study_name, writing=True), number)
