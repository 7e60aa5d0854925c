"""Run the code of cards as a user would, in a process that lacks autopeft: `python run_cards.py OUT.json FOLDER...`."""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path
from typing import Any

import torch


def code_of(folder: Path) -> str:
    """Return the Python of a card."""
    card = (folder / "README.md").read_text(encoding="utf8")
    return card.partition("```python\n")[2].partition("\n```")[0]


def run(folder: Path) -> dict[str, Any]:
    """Run a card's code in its folder; return what it computed, of both texts together and one by one."""
    os.chdir(folder)
    names: dict[str, Any] = {}
    code = code_of(folder)
    exec(code, names)
    if "classify" in names:
        return {"found": [names["classify"](text)[0] for text in names["texts"]], "texts": names["texts"]}
    if "generate" in names:
        # As long as in the card: tiny models have few positions.
        most = int(re.findall(r"max_new_tokens=(\d+)", code)[0])
        found = names["generate"](names["prompts"], max_new_tokens=most, return_full_text=False)
        return {"answers": [one["generated_text"] for [one] in found]}
    if "written" in names:
        start = names["inputs"]["input_ids"].shape[1]
        ids = names["inputs"]["input_ids"], names["inputs"]["attention_mask"]
        prompts = [row[mask.bool()].tolist() for row, mask in zip(*ids, strict=True)]
        return {"prompts": prompts, "answers": names["written"][:, start:].tolist()}
    alone, longest = [], int(re.findall(r"max_length=(\d+)", code)[0])
    for text in names["texts"]:
        with torch.inference_mode():
            inputs = names["tokenizer"](text, truncation=True, max_length=longest, return_tensors="pt")
            alone.append(names["model"](**inputs).logits[0].tolist())
    labels = {int(key): value for key, value in names["config"].id2label.items()}
    return {"texts": names["texts"], "together": names["logits"].tolist(), "alone": alone, "labels": labels}


if __name__ == "__main__":
    out, *folders = map(Path, sys.argv[1:])
    if os.environ.get("WITHOUT_AUTOPEFT"):
        sys.modules["autopeft"] = None  # type: ignore[assignment]
    results = {str(folder): run(folder) for folder in folders}
    out.write_text(json.dumps(results))
