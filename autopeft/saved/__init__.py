"""What a folder of something trained holds beside its weights, the card that explains it, and how it is opened."""

from autopeft.saved.card import CARD, Card, write_card
from autopeft.saved.companions import (
    rows_in_words,
    task_config,
    task_tokenizer,
    write_companions,
    write_rows,
)
from autopeft.saved.loading import loading_code, merged_code
from autopeft.saved.opening import Opened, open_saved
from autopeft.saved.routes import ROUTES, check_one_task, read_routes, write_routes
from autopeft.saved.use import USE_FILE, Use, use_of
from autopeft.saved.whole import check_whole

__all__ = [
    "CARD",
    "ROUTES",
    "USE_FILE",
    "Card",
    "Opened",
    "Use",
    "check_one_task",
    "check_whole",
    "loading_code",
    "merged_code",
    "open_saved",
    "read_routes",
    "rows_in_words",
    "task_config",
    "task_tokenizer",
    "use_of",
    "write_card",
    "write_companions",
    "write_routes",
    "write_rows",
]
