"""What a folder of something trained holds beside its weights, and the card that explains it."""

from autopeft.saved.card import CARD, Card, write_card
from autopeft.saved.companions import (
    task_config,
    task_tokenizer,
    write_companions,
    write_generation_config,
    write_rows,
)
from autopeft.saved.loading import loading_code, merged_code

__all__ = [
    "CARD",
    "Card",
    "loading_code",
    "merged_code",
    "task_config",
    "task_tokenizer",
    "write_card",
    "write_companions",
    "write_generation_config",
    "write_rows",
]
