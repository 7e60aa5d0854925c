"""Reads examples in tokens for torchtune's recipes, as `torchtune.yaml` names them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from torch.utils.data import Dataset


class Padding:
    """Stands for a tokenizer where rows are tokens already.

    Args:
        pad_id: The token that fills short rows.
    """

    def __init__(self, pad_id: int) -> None:
        self.pad_id = pad_id


class Rows(Dataset[dict[str, Any]]):
    """The rows of a file, each with `tokens`, and `labels`: the token where it is learned, else -100.

    Args:
        _tokenizer: What the recipe hands over; not needed.
        file: A file of JSON lines.
        packed: What the recipe asks of a data set.
    """

    def __init__(self, _tokenizer: Any, file: str, packed: bool = False) -> None:
        lines = Path(file).read_text(encoding="utf8").splitlines()
        self._rows = [json.loads(line) for line in lines]

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int) -> dict[str, Any]:
        return dict(self._rows[index])
