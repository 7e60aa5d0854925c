"""Run folders without any training: real studies, costs and spaces on a tiny backbone, with made-up outcomes."""

from __future__ import annotations

import math
from dataclasses import asdict
from pathlib import Path

import numpy as np

from autopeft.backbones import load_backbone, load_decoder
from autopeft.costs import Costs
from autopeft.launch import Desk, SearchPlan
from autopeft.launch.prices import Prices
from autopeft.methods import HEAD_ONLY, VOCABULARY, stock_lora
from autopeft.samplers import make_sampler
from autopeft.selection.finalists_file import FinalistsFile
from autopeft.space import SearchSpace
from autopeft.study import SCALE, Scale, StudySpec, enqueue, open_study
from autopeft.testing.models import tiny_backbone

SPACE = SearchSpace(
    "small",
    layers="subset",
    modules={
        "lora": {"rank": "off | 1..16 by x2", "targets": "subset of q, v, up"},
        "serial_adapter": {"size": "off | 1..8 by x2"},
    },
    training={"learning_rate": "1e-4..1e-2 log"},
)

STEPS = 16

TRACEBACK = "Traceback (most recent call last):\n  here\nValueError: broken\n"


def make_run(
    folder: Path,
    *,
    trials: int = 14,
    costs: tuple[str, ...] = ("params",),
    causal: bool = False,
    faults: bool = True,
    seed: int = 0,
    limit: int = 2_000,
    **spec: object,
) -> Path:
    """Write a run: some trials stopped early, and one each that ran out of memory, broke and was lost.

    Args:
        folder: The run folder, made if need be.
        trials: Trials in all, the two baselines among them.
        costs: Costs that are objectives, of params and bytes.
        causal: Whether a decoder was tuned.
        faults: Whether trials stop and fail.
        seed: Draws the configurations.
        limit: The budget.
        **spec: Fields of the spec that are to be otherwise.
    """
    folder.mkdir(parents=True, exist_ok=True)
    model = tiny_backbone("llama" if causal else "bert", folder / "model")
    backbone = (load_decoder if causal else load_backbone)(model)
    space = SPACE.bind(VOCABULARY, backbone.shape)
    price = Costs(backbone)
    scale = Scale(backbone.num_parameters, limit, 64, {} if costs == ("params",) else dict.fromkeys(costs, (64.0, 9e4)))
    told = {
        "model": backbone.identity,
        "data": "d" * 64,
        "task": "toy",
        "space": SPACE.to_dict(),
        "budget": "1%",
        "objectives": (*costs, "accuracy"),
        "metric": "token_accuracy" if causal else "accuracy",
        "sampler": "random",
        "seed": seed,
        "trial": {"examples": 64, "epochs": 1.0, "validation_examples": 400},
        "precision": "fp32",
    }
    prices = Prices(costs, price, backbone.anatomy)
    sampler = make_sampler("random", space, price.price, limit, seed=seed, costs=prices.axes(scale.axes))
    study = open_study(folder, StudySpec(**told | spec), sampler, name="toy", storage=None, fresh=True)
    study.set_user_attr(SCALE, asdict(scale))
    (folder / "study.yaml").write_text(SearchPlan.of({"model": model, "seed": seed}).to_yaml())
    for name, one in {"head-only": HEAD_ONLY, "stock-lora": stock_lora(backbone.shape, 1e-3)}.items():
        enqueue(study, space, one, {"baseline": name})

    desk = Desk(study, space, price.params, scale, trials, 0.0, prices=prices.of)
    rng = np.random.default_rng(seed)
    for place in range(trials):
        trial = desk.next()
        desk.begun(trial.number)
        _end(desk, trial, place if faults else 0, price.params(trial.configuration), rng)
    return folder


def _end(desk, trial, place, params, rng):
    final = 0.5 + 0.08 * math.log10(1 + params) + 0.004 * rng.standard_normal()
    curve = [
        {"step": step, "accuracy": final - 0.2 / step, "loss": 1.0, "seconds": 0.1 * step} for step in (2, 4, 8, STEPS)
    ]
    match place:
        case 4 | 9:
            desk.go_on(trial.number, curve[0])
            desk.stopped(trial.number)
        case 5:
            desk.record(trial.number, {"status": "oom", "accuracy": None, "message": "too big <b>", "seconds": 2.0})
        case 6:
            desk.record(trial.number, {"status": "error", "accuracy": None, "message": "broken", "detail": TRACEBACK})
        case 7:
            desk.lost(trial.number, "its worker died")
        case _:
            outcome = {"status": "complete", "accuracy": final, "seconds": 3.0, "message": "", "curve": curve}
            desk.record(trial.number, outcome | {"metrics": {"accuracy": 0.9, "macro_f1": final, "loss": 1.0}})


def add_finalists(run, *, gain: float = 0.0, error: float = 0.01, examples: int = 64) -> FinalistsFile:
    """Write a made-up finalists.json of the configurations on the front of a run."""

    def interval(mean):
        return {"mean": mean, "low": mean - 1.96 * error, "high": mean + 1.96 * error}

    finalists = [
        {
            "name": {"head-only": "head", "stock-lora": "stock-lora"}.get(row.baseline, f"trial-{row.trial}"),
            "trial": row.trial,
            "baseline": {"head-only": "head", "stock-lora": "stock-lora"}.get(row.baseline),
            "configuration": row.configuration,
            "in_words": row.in_words,
            "params": row.params,
            "share": row.share,
            "learning_rate": None,
            "seeds": [{"seed": 0, "validation": row.accuracy, "test": row.accuracy + gain, "folder": "f"}],
            "validation": interval(row.accuracy),
            "test": interval(row.accuracy + gain),
            "front_probability": 0.5,
            "beats_stock": 0.6,
            "verdict": "statistically tied with stock LoRA",
        }
        for row in run.result.front.rows
    ]
    file = FinalistsFile.model_validate(
        {
            "setting": {"examples": examples, "epochs": 1.0},
            "metric": run.metric,
            "test_readings": 12,
            "verdict": "statistically tied with stock LoRA; use it",
            "finalists": finalists,
        }
    )
    file.write(run.result.folder)
    return file
