"""The benchmarks by name, from recorded runs here and in ../shared/data/tables."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from autopeft.launch import Preparation, SearchPlan, prepare
from autopeft.samplers import pareto_front
from autopeft.samplers.points import AffordablePoints
from autopeft.space import Configuration
from autopeft.space.parameters import Parameter
from autopeft.trials.setting import RUNGS
from studies.arena.benchmarks import Benchmark, Best, Nearest, Row, Surrogate
from studies.arena.flat_space import FlatSpace
from studies.arena.ladders import ladders
from studies.arena.record import TABLES, TASKS
from studies.arena.stepped import SteppedSpace
from studies.arena.surrogate import Trees, agreeing, noise_of, placement
from studies.arena.tinker import PREFIX, models, tinker
from studies.stopping.tables import read_table

__all__ = ["BENCHMARKS", "SHARED_TABLES", "STOPPING", "load", "read_rows"]

#: Recorded runs of others, read where they are present.
SHARED_TABLES = Path(__file__).parents[2].parent / "shared" / "data" / "tables"

_SWEEP = SHARED_TABLES / "tinker-sft-sweep.jsonl"

#: How the best learning rate of LoRA moves with its rank where alpha is fixed: of 34 decoders (studies/decoders).
_RANK_EXPONENT = 0.22

#: Ends the names of tables whose trials are stopped early.
STOPPING = "-stopping"

#: Accuracy of guessing on HellaSwag, four endings each.
_GUESSING = 0.25

#: Trials of the longest search on a model.
_LONGEST = 100

#: A model is searched from so many random points, by so many neighbours of each front point a round, until a round
#: gains less than this share.
_DRAWS, _NEAR, _GAIN = 1000, 48, 1e-4


def load(name: str) -> Benchmark:
    """Return a benchmark.

    Raises:
        FileNotFoundError: When its runs are not there.
    """
    return BENCHMARKS[name](name)


@cache
def read_rows(path: Path) -> list[dict[str, Any]]:
    """Read a JSONL file."""
    return [json.loads(line) for line in path.read_text(encoding="utf8").splitlines()]


def _peft(name: str) -> Benchmark:
    """PEFT's method comparison: 63 runs on MetaMathQA, over (log10 of the trainable share, test accuracy)."""
    file = SHARED_TABLES / "peft-metamathqa.jsonl"
    recorded = read_rows(file)
    total = recorded[0]["total"]
    points = [
        {
            "method": str((run["peft_config"] or {}).get("peft_type")),
            "targets": _targets((run["peft_config"] or {}).get("target_modules")),
            "trainable": run["trainable"],
            "learning_rate": run["training"]["optimizer_kwargs"]["lr"],
        }
        for run in recorded
    ]
    space = FlatSpace(
        name,
        [
            Parameter("method", tuple(sorted({point["method"] for point in points})), ordered=False),
            Parameter("targets", ("none", "attention", "feed-forward", "both"), ordered=False),
            *(
                Parameter(knob, low=min(p[knob] for p in points), high=max(p[knob] for p in points), log=True)
                for knob in ("trainable", "learning_rate")
            ),
        ],
    )
    rows = [
        Row(space.decode(point), run["trainable"], looked_at.finished.accuracy, looked_at.finished.curve)
        for point, run, looked_at in zip(points, recorded, read_table(file, RUNGS).runs, strict=True)
    ]
    return _table(
        name,
        space,
        lambda c: int(c.training["trainable"]),
        rows,
        limit=total,
        reference=0.0,
        cheapest=min(row.cost for row in rows),
    )


def _targets(modules: Any) -> str:
    names = [modules] if isinstance(modules, str) else modules or []
    attention = any("attn" in each or each[0] in "qkvo" for each in names)
    feed_forward = any(each.startswith(("gate", "up", "down")) for each in names)
    return {(0, 0): "none", (1, 0): "attention", (0, 1): "feed-forward", (1, 1): "both"}[attention, feed_forward]


def _lora(name: str) -> Benchmark:
    """Return 203 LoRA runs of Llama-3.2-1B through a surrogate, over (log10 of the rank, HellaSwag accuracy)."""
    recorded = read_rows(SHARED_TABLES / "lora-hpo-llama1b.jsonl")
    knobs = ("rank", "alpha", "dropout", "learning_rate", "weight_decay")
    # Two runs contradict twins by 0.2 and 0.3.
    kept = agreeing((tuple(run[knob] for knob in knobs), run["hellaswag"]) for run in recorded)
    grid = tuple(range(1, int(max(key[0] for key, _ in kept)) + 1))
    space = FlatSpace(
        name,
        [
            Parameter("rank", grid),
            Parameter("alpha", grid),
            *(
                Parameter(knob, low=min(values), high=max(values), log=knob != "dropout")
                for knob, values in list(zip(knobs, zip(*(key for key, _ in kept), strict=True), strict=True))[2:]
            ),
        ],
    )

    def configuration(key: tuple[float, ...]) -> Configuration:
        # Ordered grids are given by index.
        rank, alpha, *others = key
        return space.decode(dict(zip(knobs, (int(rank) - 1, int(alpha) - 1, *others), strict=True)))

    def describe(of: Configuration) -> np.ndarray:
        rank, alpha, dropout, rate, decay = (of.training[knob] for knob in knobs)
        logs = np.log([rank + 1, alpha + 1, rate, decay])
        return np.append(logs, [logs[1] - logs[0], dropout])

    model = Trees(describe, [configuration(key) for key, _ in kept], [value for _, value in kept])
    return _modelled(
        name,
        space,
        lambda c: int(c.training["rank"]) + 1,
        model,
        noise_of(kept),
        limit=max(grid),
        reference=_GUESSING,
        cheapest=1,
    )


def _stopping(name: str) -> Benchmark:
    """Return a table with curves, its trials stopped early by the rule of the search."""
    return replace(load(name.removesuffix(STOPPING)), name=name, stopping=True)


@cache
def _search(space: str) -> Preparation:
    """Return the default job's search, for its space and costs: those of all recorded tasks."""
    return prepare(SearchPlan.of({"task": "icd10", "space": space}))


def _own(task: str) -> Benchmark:
    """Return a table recorded by `studies.arena.record`, searched in the space that holds all its rows."""
    scale, *runs = read_rows(TABLES / f"{task}.jsonl")
    job = _search(str(Path(__file__).parent / "union.yaml"))
    rows = [
        Row(Configuration.from_dict(run["configuration"]), run["cost"], run["accuracy"], run["curve"])
        for run in runs
        if run["seed"] == 0
    ]
    baselines = {r["name"]: Configuration.from_dict(r["configuration"]) for r in runs if r["baseline"]}
    return _table(task, job.space, job.costs.price, rows, baselines=baselines, **scale)


def _own_modelled(name: str) -> Benchmark:
    """Return a recorded table through a surrogate, searched in the default space."""
    scale, *runs = read_rows(TABLES / f"{name.removesuffix('-model')}.jsonl")
    job = _search("default")
    layers = job.backbone.shape.layers

    def describe(configuration: Configuration) -> np.ndarray:
        return placement(configuration, layers, job.costs.params(configuration))

    configurations = [Configuration.from_dict(run["configuration"]) for run in runs]
    accuracies = [run["accuracy"] for run in runs]
    texts = [configuration.text for configuration in configurations]
    return _modelled(
        name,
        job.space,
        job.costs.price,
        Trees(describe, configurations, accuracies),
        noise_of(agreeing(zip(texts, accuracies, strict=True))),
        **scale,
        baselines={run["name"]: Configuration.from_dict(run["configuration"]) for run in runs if run["baseline"]},
        stepped=SteppedSpace(job.space, _RANK_EXPONENT),
        ladders=ladders(job.backbone.shape),
    )


def _table(
    name: str,
    space: Any,
    cost: Callable[[Configuration], int],
    rows: Sequence[Row],
    *,
    baselines: Mapping[str, Configuration] = MappingProxyType({}),
    **scale: Any,
) -> Benchmark:
    """Return a benchmark that is answered by the nearest row."""
    best = Best.of([row.cost for row in rows], [row.accuracy for row in rows], **scale)
    answers = Nearest(space, cost, rows)
    return Benchmark(name, space, cost, answers, baselines, (len(rows) + 1) // 2, lambda: best, **scale)


def _modelled(
    name: str,
    space: Any,
    cost: Callable[[Configuration], int],
    model: Trees,
    noise: float,
    *,
    baselines: Mapping[str, Configuration] = MappingProxyType({}),
    stepped: Any = None,
    ladders: Mapping[str, Sequence[Configuration]] = MappingProxyType({}),
    **scale: Any,
) -> Benchmark:
    """Return a benchmark that is answered by a model."""
    answers = Surrogate(cost, model, noise)
    tried = [*baselines.values(), *(rung for ladder in ladders.values() for rung in ladder)]
    best = partial(_best, space, cost, model, scale, tried)
    more = {"stepped": stepped, "ladders": ladders}
    return Benchmark(name, space, cost, answers, baselines, _LONGEST, best, **more, **scale)


def _best(
    space: Any,
    cost: Callable[[Configuration], int],
    model: Trees,
    scale: Mapping[str, Any],
    tried: Sequence[Configuration],
) -> Best:
    """Search a model without noise for its best: random points, what people try, and the neighbours of their front."""
    points = AffordablePoints(space, cost, scale["limit"])
    rng = np.random.default_rng(0)
    found = {point.text: point for point in (points.draw(rng) for _ in range(_DRAWS))}
    known = (points.point(space.encode(each)) for each in tried if space.contains(each))
    found |= {point.text: point for point in known if points.affordable(point)}
    accuracies: dict[str, float] = {}
    whole = Best(0.0, 0.0, 0.0)
    while True:
        fresh = [point for text, point in found.items() if text not in accuracies]
        accuracies |= zip((point.text for point in fresh), model([p.configuration for p in fresh]), strict=True)
        every = list(found.values())
        costs, values = [point.cost for point in every], [accuracies[point.text] for point in every]
        before, whole = whole, Best.of(costs, values, **scale)
        if whole.hypervolume <= before.hypervolume * (1 + _GAIN):
            return whole
        for index in pareto_front(costs, values):
            found |= {point.text: point for point in points.neighbours(every[index], rng, most=_NEAR)}


#: Each benchmark's name and how to load it.
BENCHMARKS: dict[str, Callable[[str], Benchmark]] = {
    **dict.fromkeys(TASKS, _own),
    **dict.fromkeys((f"{task}-model" for task in TASKS), _own_modelled),
    "peft": _peft,
    "lora-hpo": _lora,
    **dict.fromkeys((f"{table}{STOPPING}" for table in (*TASKS, "peft")), _stopping),
    **dict.fromkeys((PREFIX + model for model in models(_SWEEP)), lambda name: tinker(_SWEEP, name[len(PREFIX) :])),
}
