"""How sensitive the loss is to each weight matrix of a backbone: what one backward pass tells before any trial.

    python -m studies.arena.sensitivity icd10 sst2 snips

prints how what it promises correlates, by rank, with the accuracies recorded, and how the cost and the lowest adapted
layer do.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping

import numpy as np
from scipy.stats import spearmanr

from autopeft.launch import Preparation, SearchPlan, prepare
from autopeft.methods import VOCABULARY
from autopeft.space import Configuration, cells
from autopeft.tasks import collate, encode, pad_id_of
from autopeft.trials import draw
from autopeft.trials.head import reset_head
from studies.arena.catalogue import load
from studies.arena.record import TASKS

__all__ = ["Sensitivity", "expected_gain", "sensitivity"]

#: Examples that the backward pass sees.
_EXAMPLES = 256

#: What each method's size is called, and the matrices it works beside where it has no role of its own.
_SIZES = {"lora": "rank", "serial_adapter": "size", "parallel_adapter": "size", "prefix": "length"}
_BESIDE = {"serial_adapter": ("down",), "parallel_adapter": ("up", "down"), "prefix": ("k", "v")}

#: Squared norm of the gradient by layer and role, divided by the matrix's rank at most.
Sensitivity = Mapping[tuple[int, str], float]


def sensitivity(job: Preparation) -> Sensitivity:
    """Measure the squared gradient of every weight matrix on a few training texts, the head fresh.

    The sum over a matrix of the squared gradients is the first-order gain that SPT ranks matrices by (He et al. 2023,
    "Sensitivity-Aware Visual Parameter-Efficient Fine-Tuning", section 3.1).
    """
    train, _ = draw(job.task, job.setting)
    tokenizer = job.backbone.tokenizer()
    rows = encode(train, tokenizer, job.setting.max_length)
    model = job.backbone.classifier(len(job.task.schema.labels))
    reset_head(model, seed=0)
    batch = collate(rows, np.arange(min(_EXAMPLES, len(rows))), pad_id_of(tokenizer))
    model(**batch).loss.backward()
    found = {}
    for layer in range(job.backbone.shape.layers):
        for role in job.backbone.anatomy.present:
            weight = model.get_submodule(job.backbone.anatomy.module(layer, role)).weight
            found[layer, role] = float(weight.grad.square().sum()) / min(weight.shape)
    return found


def expected_gain(configuration: Configuration, by: Sensitivity) -> float:
    """Return the logarithm of the first-order gain: sizes times sensitivities, summed over all places."""
    gain = 0.0
    for method, placed in cells(configuration, VOCABULARY).items():
        for cell, knobs in placed.items():
            roles = [cell.role] if cell.role else _BESIDE[method]
            gain += float(np.mean([by[cell.layer, role] for role in roles])) * knobs[_SIZES[method]]
    return float(np.log(gain))


def main() -> None:
    """Print a line for each table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tables", nargs="+", choices=sorted(TASKS))
    for table in parser.parse_args().tables:
        by = sensitivity(prepare(SearchPlan.of(TASKS[table])))
        rows = [row for row in load(table).answers.rows if row.cost > 0]
        told = {
            "gradients": [expected_gain(row.configuration, by) for row in rows],
            "cost": [row.cost for row in rows],
            "lowest layer": [_lowest(row.configuration) for row in rows],
        }
        found = {name: spearmanr(values, [row.accuracy for row in rows]).statistic for name, values in told.items()}
        print(table + ": " + ", ".join(f"{name} {value:+.2f}" for name, value in found.items()))


def _lowest(configuration: Configuration) -> int:
    return min(cell.layer for placed in cells(configuration, VOCABULARY).values() for cell in placed)


if __name__ == "__main__":
    main()
