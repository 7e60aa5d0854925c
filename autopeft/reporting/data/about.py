"""What a run was: model, data, trials, search and environment, in words."""

from __future__ import annotations

from collections import Counter

from autopeft.launch import DATA, ENVIRONMENT
from autopeft.reporting.run import Run
from autopeft.reporting.table import percent

__all__ = ["about"]

#: Letters of a hash that are enough to tell it from others.
_HASH = 12


def about(run: Run) -> dict[str, str]:
    """Return what a reader needs to know of a run: names and what they are."""
    spec, scale, attrs = run.spec, run.result.scale, run.result.study.user_attrs
    told = {
        "model": f"{_identity(spec['model'])}, {scale.backbone:,} parameters",
        "data": "; ".join([*attrs.get(DATA, [spec["task"]]), f"hash of the splits {spec['data'][:_HASH]}"]),
        "metric": spec["metric"],
        "space": spec["space"]["name"],
        "budget": f"{spec['budget']}: {scale.limit:,} trainable parameters ({percent(scale.limit / scale.backbone)})",
        "objectives": ", ".join(spec["objectives"]),
        "sampler": f"{spec['sampler']}, seed {spec['seed']}",
        "trials": _counts(run),
        "one trial": ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in spec["trial"].items()),
        "precision": spec["precision"],
    }
    if run.finalists is not None:
        setting = run.finalists.setting
        told["finalists"] = (
            f"{setting.examples:,} examples, {setting.epochs:g} epochs; "
            f"the test split was read {run.finalists.test_readings} times"
        )
    return told | attrs.get(ENVIRONMENT, {"environment": "not recorded by the version that searched"})


def _identity(model: dict[str, str]) -> str:
    words = [model["model"]]
    words += [f"{key} {value[:_HASH]}" for key, value in model.items() if key != "model"]
    return ", ".join(words)


def _counts(run: Run) -> str:
    counts = Counter(trial.status for trial in run.trials)
    listed = ", ".join(f"{count} {status}" for status, count in counts.most_common())
    return f"{len(run.trials)}: {listed}" if run.trials else "none has ended"
