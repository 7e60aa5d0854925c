"""Memory and time of LeMo beside plain LoRA on long texts: `python -m tests.benchmarks.lemo --tokens 2048 8192`.

Steps of one text of so many tokens, put together of GSM8K, with SmolLM2. Peak memory is that of all tensors alive
together, the weights included. Of a training's seconds the mean of its steps counts; all take turns, so that what else
the machine does meets them alike. What is kept of tokens and of neurons is told apart.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from autopeft.launch import SearchPlan, prepare
from autopeft.methods import VOCABULARY
from autopeft.space import canonical
from autopeft.trials import use_threads
from tests.benchmarks.sparse import mean_step

#: The matrices, rank and alpha of the release.
_LORA = {"lora": {"rank": 8, "alpha": 16, "targets": ["q", "k", "v", "o"]}}

_PLAIN = "LoRA"

#: What is kept of the blocks of tokens and of the neurons.
_SHARES: dict[str, tuple[float, float] | None] = {
    _PLAIN: None,
    "tokens 0.4": (0.4, 1.0),
    "neurons 0.2": (1.0, 0.2),
    "tokens 0.4, neurons 0.2": (0.4, 0.2),
    "tokens 0.2, neurons 0.1": (0.2, 0.1),
}

#: Texts, and tokens of a character at the least, so that all are long enough to be cut.
_TEXTS, _PER_CHARACTER = 40, 0.15


def main() -> None:
    """Print a line for each, by length."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="smollm2")
    parser.add_argument("--data", default="../shared/data/gsm8k/train.jsonl")
    parser.add_argument("--tokens", type=int, nargs="+", default=[2048, 8192])
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--steps", type=int, default=4)
    parser.add_argument("--turns", type=int, default=3)
    given = parser.parse_args()
    use_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        for tokens in given.tokens:
            data = Path(folder) / f"{tokens}.jsonl"
            _write(Path(given.data), data, round(tokens / _PER_CHARACTER))
            _compare(given, tokens, data)


def _write(rows: Path, into: Path, characters: int) -> None:
    """Write texts of so many characters, put together of questions and answers."""
    read = (json.loads(line) for line in rows.read_text(encoding="utf8").splitlines())
    whole = "\n\n".join(f"{row['question']}\n{row['answer']}" for row in read)
    # Where there are too few, they begin again elsewhere.
    starts = np.linspace(0, max(0, len(whole) - characters), _TEXTS, dtype=int)
    into.write_text("".join(json.dumps({"text": whole[at : at + characters]}) + "\n" for at in starts), encoding="utf8")


def _compare(given: argparse.Namespace, tokens: int, data: Path) -> None:
    settings: dict[str, Any] = {"model": given.model, "data": str(data), "kind": "causal", "text": "text"}
    settings |= {"max_length": tokens, "batch_size": 1, "precision": given.precision, "budget": "100%"}
    job = prepare(SearchPlan.of(settings))
    runner = job.job.runner()
    every = {}
    for name, shares in _SHARES.items():
        lemo = {} if shares is None else {"context": "lemo", "lemo_kept": shares[0], "lemo_neurons": shares[1]}
        every[name] = canonical({"modules": _LORA, "training": lemo}, VOCABULARY, job.backbone.shape)
    peaks = {}
    for name, each in every.items():
        peaks[name] = runner.profile(each, 0).peak
        beside = f"{peaks[name] / peaks[_PLAIN]:.3f} of {_PLAIN}'s"
        print(f"{tokens} tokens, {name}: peak {peaks[name] / 2**20:,.0f} MiB ({beside})", flush=True)
    turns = [{name: mean_step(runner, each, given.steps) for name, each in every.items()} for _ in range(given.turns)]
    seconds = {name: float(np.median([turn[name] for turn in turns])) for name in every}
    for name, each in seconds.items():
        print(f"{tokens} tokens, {name}: {each:.2f} s a step ({each / seconds[_PLAIN]:.2f} of {_PLAIN}'s)", flush=True)


if __name__ == "__main__":
    main()
