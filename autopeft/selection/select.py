"""From a front to a decision: train its candidates again, with several seeds, and measure them on test."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from autopeft.errors import AutopeftError
from autopeft.launch import Crew, Hearing, Preparation, RunLog, SearchResult, scored
from autopeft.levers import scores_named
from autopeft.methods import TITLES
from autopeft.selection.agenda import Agenda
from autopeft.selection.contenders import Contender, contenders_of
from autopeft.selection.errands import MeasureOnTest, Trained
from autopeft.selection.finalists_file import FinalistsFile, read_finalists
from autopeft.selection.racing import LEAST_SEEDS, Entry
from autopeft.selection.records import Records, count_reading
from autopeft.selection.saving import complete
from autopeft.selection.sharpening import Until, sharpen
from autopeft.selection.summary import summarise
from autopeft.selection.verdict import MARGIN, margin_of
from autopeft.study import locked, prepare_folder

__all__ = ["MOST_SEEDS", "check_seeds", "margin_held", "select"]

#: Seeds that a finalist may have whose rank is open.
MOST_SEEDS = 13


def check_seeds(seeds: int) -> None:
    """Check how many seeds a contender may have.

    Raises:
        AutopeftError: When they are too few.
    """
    if seeds < LEAST_SEEDS:
        raise AutopeftError(f"--seeds is {seeds}; expected at least {LEAST_SEEDS}: fewer say little of what seeds do")


def margin_held(result: SearchResult) -> float:
    """Return by how much worse is as good in a run: as in its selection, else as its plan says, else `MARGIN`."""
    earlier = read_finalists(result.folder)
    if earlier is not None:
        return earlier.margin
    return MARGIN if result.plan.margin is None else margin_of(result.plan.margin)


def select(
    prepared: Preparation,
    result: SearchResult,
    *,
    with_full: bool = False,
    seeds: int = MOST_SEEDS,
    margin: float = MARGIN,
    until: Until | None = None,
    say: Callable[[str], None] = lambda line: None,
) -> FinalistsFile:
    """Train the candidates of a front and the baselines with several seeds, and measure the finalists on test.

    What an earlier call has done with the same setting is not done again.

    Args:
        prepared: The plan of the run, made concrete.
        result: The run, with a front.
        with_full: Whether to compare with full fine-tuning.
        seeds: How many seeds a contender may have, at least 3.
        margin: By how much worse than a reference is as good as it: points of the metric, as a fraction.
        until: How long open decisions get further seeds, up to `seeds` each; none beyond the race when left out.
        say: Hears what a user should know.

    Returns:
        What `finalists.json` in the run folder holds now.

    Raises:
        AutopeftError: When there is no front yet, another process works in the run folder, or the workers find what a
            user can mend.
        RunError: When no reference can be trained, or the workers fail.
    """
    check_seeds(seeds)
    contenders = contenders_of(prepared, result, with_full=with_full)
    run = result.folder.absolute()
    prepare_folder(run)
    source = {"model": prepared.spec.model, "data": prepared.spec.data}
    with locked(run), RunLog(run, Hearing(say)) as log:
        say = log.said
        log.begun(f"selection among {len(contenders)} contenders")
        records = Records(run, prepared.final, source, prepared.plan.seed, prepared.task.groups)
        scores = (score for each in contenders for score in scores_named(each.configuration.data))
        job = scored(prepared, scores, run, say, job=replace(prepared.job, setting=prepared.final))
        with Crew(prepared.plan, job) as crew:
            keep = partial(_keep, prepared, records, say)
            sharper = partial(_sharper, until, time.monotonic(), margin, seeds, prepared)
            agenda = Agenda(contenders, records, seeds, crew.size, say, keep, sharper)
            for training, found in crew.follow(agenda.next):
                agenda.done(training, found)
            finalists = agenda.finalists()
            _measure(finalists, records, crew, say)
        measured = {each.baseline for each in finalists}
        tried = [trial.user_attrs.get("baseline") for trial in result.study.get_trials(deepcopy=False)]
        failed = [name for name in TITLES if name in tried and name not in measured]
        file = summarise(prepared, result, records, finalists, margin, failed)
        file.write(run)
        log.complete = True
    return file


def _sharper(
    until: Until | None,
    began: float,
    margin: float,
    most: int,
    prepared: Preparation,
    finalists: Sequence[Contender],
    entries: Sequence[Entry],
) -> Sequence[int]:
    """Return whom another seed is owed to, as long as there is time."""
    if until is None or time.monotonic() - began > until.seconds:
        return ()
    references = [place for place, each in enumerate(finalists) if each.baseline in TITLES]
    searched = [place for place, each in enumerate(finalists) if each.baseline is None]
    units = len(set(prepared.task.groups.get("test", ()))) or prepared.held_out["test"][0]
    return sharpen(entries, references, searched, width=until.width, margin=margin, most=most, units=units)


def _keep(
    prepared: Preparation,
    records: Records,
    say: Callable[[str], None],
    contender: Contender,
    index: int,
    trained: Trained,
) -> None:
    """Keep a finished training."""
    assert trained.validation is not None
    seed, reached = records.seed_of(index), float(trained.validation.mean())
    finish = partial(complete, prepared, contender, seed, trained.validation)
    records.keep(contender, index, trained.validation, finish)
    say(f"{contender.name} seed {seed}: {reached:.4f} on validation, {trained.seconds:.0f} s")


def _measure(finalists: Sequence[Contender], records: Records, crew: Crew, say: Callable[[str], None]) -> None:
    """Measure on test what has not been measured there."""
    missing = [
        (contender, seed)
        for contender in finalists
        for seed in records.trained(contender)
        if records.test(contender, seed) is None
    ]
    if not missing:
        return
    say(f"the race is over; {len(missing)} trainings are measured on test")
    for contender, seed in missing:
        count_reading(records.run, str(records.folder(contender, seed).relative_to(records.run)))
    errands = [MeasureOnTest(records.folder(contender, seed)) for contender, seed in missing]
    for index, scores in crew.do(errands):
        records.keep_test(*missing[index], scores)
