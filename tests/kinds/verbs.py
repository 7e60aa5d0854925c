"""A kind of task on its way through every verb, as a user goes it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from autopeft.testing.models import tiny_backbone
from autopeft.trials import TRIALS
from tests.cli.in_process import Done, run_here

__all__ = ["Way", "go"]


@dataclass(frozen=True)
class Way:
    """What was found on the way.

    Args:
        place: The folder: `run`, exports by target, `trained` with a merged model.
        data: The flags that name the data.
        figures: What the fine-tune reached, by split.
    """

    place: Path
    data: list[str]
    figures: dict[str, Any]

    def run(self, *words: object) -> str:
        """Run a command that has to succeed; return what it printed."""
        return _run(self.place, *words)

    def refused(self, *words: object) -> Done:
        """Run a command that has to be refused."""
        done = run_here(*words, cwd=self.place)
        assert done.returncode == 2, done.stdout + done.stderr
        return done


def go(
    place: Path,
    kind: str,
    file: str,
    flags: list[str],
    objective: str,
    *,
    plugin: Path | None = None,
    targets: tuple[str, ...] = ("peft", "autopeft"),
    architecture: str = "bert",
    more: tuple[str, ...] = (),
) -> Way:
    """Look at data, search, select, report, export, train with merging, and evaluate; every step has to agree.

    Args:
        place: A folder with the data.
        kind: The kind of task that it is to be recognised as.
        file: The data.
        flags: What else names it.
        objective: What `accuracy` stands for.
        plugin: The file of the kind, if it has one.
        targets: Export targets that have to take stock LoRA.
        architecture: The tiny model.
        more: Further words of the search.
    """
    model = tiny_backbone(architecture, place)
    own = [] if plugin is None else ["--plugin", str(plugin)]
    data = ["--data", file, *flags]
    assert f": {kind}, " in _run(place, "data", file, *flags, *own)
    # In fp32: steps agree by less than bf16 rounds off.
    small = ["--budget", "20%", "--workers", "0", "--examples", "60", "--epochs", "2", "--trials", "3", *more]
    small += ["--precision", "fp32"]
    words = ["--model", Path(model).name, *data, *own, *small, "--space", "lora", "--no-select", "-o", "run"]
    said = _run(place, "search", *words)
    assert f"{TRIALS[kind].untouched} (baseline)" in said
    assert json.loads((place / "run" / "front.json").read_text())["metric"] == objective
    chosen = json.loads(_run(place, "select", "run", "--seeds", "3", "--workers", "0", "--json"))
    assert chosen["metric"] == objective
    _run(place, "report", "run")
    assert objective in (place / "run" / "report.html").read_text()
    for target in targets:
        _run(place, "export", "run", "--pick", "1", "--to", target, "-o", target)
    refused = run_here("export", "run", "--pick", "1", "--to", "trl", "-o", "trl", cwd=place)
    assert (refused.returncode, TRIALS[kind].does in refused.stderr) == (2, True)
    _run(place, "train", "run", "--pick", "1", "-o", "trained", "--merge")
    figures = json.loads((place / "trained" / "metrics.json").read_text())
    found = json.loads(_run(place, "evaluate", "trained", *data, *own, "--json"))
    assert {key: found[key] for key in figures["test"]} == pytest.approx(figures["test"], abs=1e-4)
    return Way(place, data, figures)


def _run(place: Path, *words: object) -> str:
    done = run_here(*words, cwd=place)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
