"""Training what was chosen, measuring it, and asking it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

from autopeft.launch.quiet import quiet
from autopeft.plugins import load_plugin
from autopeft.saved import open_saved, read_routes
from autopeft.shut import shut
from autopeft.training import (
    Evaluation,
    FineTuned,
    Predictions,
    check_output,
    evaluation_ground,
    predict_tasks,
    prepare_training,
    rows_for,
    rows_of_tasks,
    train_prepared,
    write_predictions,
)
from autopeft.training import evaluate as evaluate_saved
from autopeft.training import predict as predict_rows

__all__ = ["evaluate", "predict", "train"]


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
