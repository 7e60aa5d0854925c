"""The rows of the page's tables: what every trial is and reached, and how to export it."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from autopeft.costs import OBJECTIVES
from autopeft.reporting.run import ReportedTrial, Run
from autopeft.reporting.table import percent
from autopeft.selection.finalists_file import Finalist

__all__ = ["Row", "other_rows", "rows_of_front"]


@dataclass(frozen=True)
class Row:
    """A trial as a table shows it; cells are text.

    Args:
        trial: Its number.
        in_words: What was trained.
        params: Its trainable parameters.
        share: The same as a share of the backbone.
        costs: Its other costs that are objectives.
        accuracy: The metric on validation.
        over_stock: Points above stock LoRA.
        on_test: As a finalist, the metric on test with its 95 % interval; empty for others.
        ended: Where it stands, where not on the front, or how it ended where not as it should.
        export: The command that exports it; empty where there is nothing to export.
    """

    trial: int
    in_words: str
    params: str
    share: str
    costs: tuple[str, ...]
    accuracy: str
    over_stock: str
    on_test: str
    ended: str
    export: str


def rows_of_front(run: Run) -> tuple[Row, ...]:
    """Return the rows of the front by rising cost, then the baselines that are not on it."""
    numbers = [row.trial for row in run.result.front.rows]
    numbers += [row.trial for row in run.result.front.baselines if row.trial not in numbers]
    return tuple(_row(run, run.by_number[number]) for number in numbers)


def other_rows(run: Run) -> tuple[Row, ...]:
    """Return the rows of all trials that are not in the table of the front, by number."""
    shown = {row.trial for row in rows_of_front(run)}
    return tuple(_row(run, trial) for trial in run.trials if trial.number not in shown)


def _row(run: Run, trial: ReportedTrial) -> Row:
    baselines = run.result.front.baselines
    stock = next((row.accuracy for row in baselines if row.baseline == "stock-lora" and not row.failed), None)
    over = None if stock is None or trial.accuracy is None else 100 * (trial.accuracy - stock)
    reached = trial.last_accuracy
    return Row(
        trial=trial.number,
        in_words=trial.in_words,
        params="" if trial.params is None else f"{trial.params:,}",
        share="" if trial.params is None else percent(trial.params / run.result.scale.backbone),
        costs=tuple(
            OBJECTIVES[name].shown(trial.costs[name]) if name in trial.costs else ""
            for name in run.result.scale.costs
            if name != "params"
        ),
        accuracy="" if reached is None else f"{reached:.4f}",
        over_stock="" if over is None else f"{over:+.1f}",
        on_test=_on_test(run, trial.number),
        ended=_ended(trial),
        export=_export(run, trial),
    )


def _on_test(run: Run, number: int) -> str:
    found: list[Finalist] = [
        each for each in (run.finalists.finalists if run.finalists else ()) if each.trial == number
    ]
    return "".join(f"{each.test.mean:.4f} ({each.test.low:.4f} to {each.test.high:.4f})" for each in found)


def _ended(trial: ReportedTrial) -> str:
    if trial.status == "complete":
        standing = {"over-budget": "over the budget", "dominated": "dominated"}.get(trial.standing, "")
        return ", ".join(filter(None, (standing, "outside the space" if trial.outside else "")))
    if trial.status == "stopped":
        return f"stopped at step {trial.curve[-1]['step']:.0f}" if trial.curve else "stopped"
    return f"{trial.status}: {trial.message}" if trial.message else trial.status


def _export(run: Run, trial: ReportedTrial) -> str:
    """Return the command; picks of `export` are trials that were measured, and there is nothing to export of none."""
    if trial.last_accuracy is None or not trial.configuration.modules:
        return ""
    words = ["autopeft", "export", str(run.result.folder), "--pick", str(trial.number), "--to", "peft", "-o", "adapter"]
    plugin = run.result.plan.plugin
    return shlex.join([*words, *([] if plugin is None else ["--plugin", str(plugin)])])
