"""What the command line does, as calls."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

from autopeft.export import Exported, ExportJob, Origin, export, target_named
from autopeft.launch import Listener, SearchPlan, SearchResult, groundwork, open_run, prepare, run_search
from autopeft.launch.groundwork import DATA_FIELDS, kind_settings
from autopeft.launch.quiet import quiet
from autopeft.launch.tables_given import as_named
from autopeft.plugins import load_plugin
from autopeft.report import NotebookProgress, in_notebook, write_front
from autopeft.saved import open_saved, read_routes
from autopeft.selection import MOST_SEEDS, FinalistsFile, Until, choice_of, margin_held, margin_of, selected_front
from autopeft.selection import pick as choose
from autopeft.selection import select as select_finalists
from autopeft.shut import shut
from autopeft.space import SearchSpace
from autopeft.training import (
    Evaluation,
    FineTuned,
    FusedRow,
    OpenedFused,
    Predictions,
    check_output,
    evaluation_ground,
    fusion_ground,
    predict_tasks,
    prepare_training,
    rows_for,
    rows_of_tasks,
    train_prepared,
    trained_pick,
    write_predictions,
)
from autopeft.training import evaluate as evaluate_saved
from autopeft.training import fuse as measure_fused
from autopeft.training import open_fused as open_saved_fused
from autopeft.training import predict as predict_rows

__all__ = ["evaluate", "export_run", "fuse", "open_fused", "predict", "search", "select", "train"]


def search(
    *,
    data: str | Path | Any = None,
    space: str | SearchSpace | None = None,
    fresh: bool = False,
    select: bool = False,
    listener: Listener | None = None,
    **settings: Any,
) -> SearchResult:
    """Search for the best PEFT configurations and write the front into the run folder.

    Run it again with the same arguments to resume; raise `trials` to go on.

    Args:
        data: A file, a folder, a pattern of files, a name on the hub, a pandas `DataFrame`, or a `Dataset` or
            `DatasetDict` of datasets. Rows handed over are kept in the cache, by their content.
        space: Name or file of a shipped or own space, a `SearchSpace`, or None for the default of the task.
        fresh: Drop a study that is already in the run folder.
        select: Whether its finalists are trained and measured on test afterwards, as `autopeft.select` does.
        listener: Follows the search as it goes; in a notebook, when left out, a bar. `autopeft.Silent` shows nothing.
        **settings: The fields of `autopeft.SearchPlan`, which are the flags of `autopeft search`
            (`model`, `text`, `label`, `budget`, `trials`, `seed`, `workers`, `out`, ...).

    Returns:
        The run folder, the Optuna study and its front.

    Raises:
        AutopeftError: For whatever the caller can mend, before anything is written.
    """
    if isinstance(space, SearchSpace):
        settings["space"] = space.to_dict()
    elif space is not None:
        settings["space"] = space
    with quiet(), shut():
        if data is not None:
            settings["data"] = as_named(data)
        prepared = prepare(SearchPlan.of(settings))
        shown = NotebookProgress.of(prepared) if listener is None and in_notebook() else nullcontext(listener)
        with shown as follows:
            result = run_search(prepared, fresh=fresh, listener=follows)
        write_front(result)
        if select and result.complete:
            select_finalists(prepared, result, margin=margin_held(result))
    return result


def select(
    run: str | Path | SearchResult,
    *,
    with_full: bool = False,
    seeds: int = MOST_SEEDS,
    margin: str | None = None,
    until: str | None = None,
    workers: int | None = None,
    trust_remote_code: bool = False,
    allow_code: bool = False,
    plugin: str | Path | None = None,
    say: Callable[[str], None] = lambda line: None,
) -> FinalistsFile:
    """Train the front's candidates with several seeds, measure them on test, and say whether searching helped.

    What an earlier call has done is not done again.

    Args:
        run: A run folder, or the result of a search.
        with_full: Whether to compare with full fine-tuning too.
        seeds: Most seeds of a finalist, at least 3.
        margin: How much worse than a reference is as good as it, e.g. `0.5pt`; as in the search when left out.
        until: How long to add seeds where the decision is open: until differences are known to `1pt`, or for `30m`.
        workers: Trainings at once; as in the search when left out.
        trust_remote_code: Whether code that the model brings may run.
        allow_code: Whether code that models write may be run, in a sandbox.
        plugin: The plugin that it was searched with, where it lies now.
        say: Hears what a user should know.

    Returns:
        What `finalists.json` in the run folder holds.

    Raises:
        AutopeftError: For whatever the caller can mend.
    """
    with quiet(), shut():
        result = (
            run
            if isinstance(run, SearchResult)
            else open_run(run, trust_remote_code, allow_code, None if plugin is None else Path(plugin))
        )
        plan = result.plan if workers is None else result.plan.model_copy(update={"workers": workers})
        return select_finalists(
            prepare(plan.naming_data()),
            result,
            with_full=with_full,
            seeds=seeds,
            margin=margin_held(result) if margin is None else margin_of(margin),
            until=None if until is None else Until.parse(until),
            say=say,
        )


def train(
    source: str | Path,
    *,
    pick: str = "best",
    output: str | Path | None = None,
    merge: bool = False,
    keep_checkpoints: bool = False,
    report_to: Sequence[str] = (),
    **settings: Any,
) -> FineTuned:
    """Fine-tune a configuration of a front, or of a file, on all training data, and save it.

    Run it again with the same arguments to go on where it was stopped; finished, it only reads what is there.

    Args:
        source: A run folder, or the YAML of a configuration.
        pick: Of a run: `best`, `knee`, `cheapest-within 0.5pt`, `budget 0.1%`, `stock` or another reference, `head`,
            or a trial number.
        output: Folder to write; `train` in the run folder when left out.
        merge: Also write a plain model, adapters folded in.
        keep_checkpoints: Keep the checkpoints when training has finished.
        report_to: `tensorboard`, `wandb` or `mlflow`, one or several.
        **settings: The fields of `autopeft.SearchPlan` that `autopeft train` has flags for; of a run, those that are
            not given are its own.

    Returns:
        The folder, that of the merged model, and what was reached on validation and test.

    Raises:
        AutopeftError: For whatever the caller can mend.
    """
    with quiet(), shut():
        training = prepare_training(
            Path(source), settings, chosen=pick, output=None if output is None else Path(output)
        )
        return train_prepared(training, merge=merge, keep_checkpoints=keep_checkpoints, report_to=report_to)


def export_run(
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
        return export(
            replace(job, notes=tuple(notes)), to, run / "export" if out is None else Path(out), allow_lossy=allow_lossy
        )


def evaluate(adapter: str | Path, *, split: Literal["validation", "test"] = "test", **settings: Any) -> Evaluation:
    """Measure saved adapters on a split of a task.

    Args:
        adapter: Folder of saved adapters.
        split: Which split.
        **settings: The fields of `autopeft.SearchPlan` that `autopeft evaluate` has flags for: the data among them;
            the model is the one that was trained on when left out.

    Returns:
        Every metric, the result by label with who is taken for whom, and how many rows were trained on.

    Raises:
        AutopeftError: For whatever the caller can mend.
    """
    with quiet(), shut():
        ground = evaluation_ground(Path(adapter), settings)
        return evaluate_saved(Path(adapter), ground.backbone, ground.task, ground.setting, split)


def predict(
    adapter: str | Path,
    texts: str | Sequence[str | tuple[str, str]] = (),
    *,
    file: str | Path | None = None,
    output: str | Path | None = None,
    columns: Mapping[str, str] | None = None,
    model: str | None = None,
    plugin: str | Path | None = None,
    max_new_tokens: int | None = None,
    trust_remote_code: bool = False,
) -> Predictions:
    """Let something trained say the labels of rows, or answer them, by its folder alone.

    Args:
        adapter: The folder: of `train`, of a finalist, of its export to PEFT, or of a merged model.
        texts: A text, or texts, or pairs of them; to a decoder what is asked, or to be gone on with.
        file: A file of rows in place of them, read as a search reads its data.
        output: A .csv, .tsv or .jsonl to write, with all rows of the file and what was predicted of each.
        columns: Where the texts stand in the file, as `{"text": "review"}`, by the flags of `autopeft predict`; where
            they stood in the training data when left out.
        model: Where the model that the adapters are for is now; where it was when left out.
        plugin: Python file of the methods, where the adapters' are not autopeft's.
        max_new_tokens: Of a decoder, how many tokens an answer has at most.
        trust_remote_code: Whether code that the model brings may run.

    Returns:
        A prediction for each text or row, in their order; None for rows that cannot be read.

    Raises:
        AutopeftError: For whatever the caller can mend.
    """
    with quiet(), shut():
        if plugin is not None:
            load_plugin(Path(plugin))
        open_one = partial(open_saved, model=model, trust_remote_code=trust_remote_code)
        routes = read_routes(Path(adapter))
        read: tuple[str, ...] = ()
        if routes:
            table = rows_of_tasks(Path(adapter), routes, texts, file, columns)
        else:
            opened, table = rows_for(open_one(Path(adapter)), texts, file, columns)
            read = tuple(opened.use.asking.values())
        if output is not None:
            check_output(Path(output), table, read)
        if routes:
            found = predict_tasks(Path(adapter), routes, table, open_one, max_new_tokens=max_new_tokens)
        else:
            found = predict_rows(opened, table, max_new_tokens=max_new_tokens)
        if output is None:
            return found
        changed = write_predictions(table, found.rows, Path(output))
        said = f"{changed:,} cells stand behind a ', for spreadsheets would run them; .jsonl has all as it is"
        return replace(found, notes=(*found.notes, *([said] if changed else [])), file=Path(output))


def fuse(
    source: str | Path,
    *,
    on: str,
    pick: str = "best",
    split: Literal["validation", "test"] = "test",
    **settings: Any,
) -> list[FusedRow]:
    """Measure a large decoder with the shift that training gave to a small one, beside both alone.

    Args:
        source: A run folder, or a folder of saved adapters of a decoder.
        on: The large model, untrained, of the same vocabulary.
        pick: Of a run, which of its finalists.
        split: Which split.
        **settings: The fields of `autopeft.SearchPlan` that `autopeft fuse` has flags for; of a run, those that are
            not given are its own.

    Returns:
        The large model, the small one trained and untrained, and all three with the weight 1 and with weights solved
        for each token: figures, seconds, forward passes and FLOPs a token of each.

    Raises:
        AutopeftError: For whatever the caller can mend.
    """
    with quiet(), shut():
        return [*measure_fused(fusion_ground(Path(source), on, settings, chosen=pick), split)]


def open_fused(
    source: str | Path,
    *,
    on: str,
    pick: str = "best",
    weight: float | None = None,
    model: str | None = None,
    trust_remote_code: bool = False,
    plugin: str | Path | None = None,
) -> OpenedFused:
    """Return a large decoder with the shift that training gave to a small one, as `model`, which writes by `generate`.

    Args:
        source: A run folder, or a folder of saved adapters of a decoder.
        on: The large model, untrained, of the same vocabulary.
        pick: Of a run, which of its finalists.
        weight: How much of the shift each token takes, in [0, 2]; solved for each when left out.
        model: Where the small model is now; where it was when left out.
        trust_remote_code: Whether code that the models bring may run.
        plugin: The plugin that a run was searched with; one that only the run names is not run.

    Raises:
        AutopeftError: For whatever the caller can mend.
    """
    with quiet(), shut():
        own = None if plugin is None else Path(plugin)
        folder, _ = trained_pick(Path(source), pick, trust_remote_code=trust_remote_code, plugin=own)
        return open_saved_fused(folder, on, weight=weight, model=model, trust_remote_code=trust_remote_code)


def _words(plan: SearchPlan) -> Iterator[str]:
    """Yield the flags of `autopeft train` that name what a search ran on."""
    for name in ("model", "revision", "roles", "task", *DATA_FIELDS, *kind_settings(), "plugin"):
        value = getattr(plan, name, None)
        # The seed stands among the settings of the training.
        if value not in (None, False) and name != "seed":
            yield from (f"--{name.replace('_', '-')}", *([] if value is True else [str(value)]))
