"""Whether two models have one vocabulary, token by token."""

from __future__ import annotations

from typing import Any

from autopeft.errors import ConfigurationError

__all__ = ["check_one_vocabulary"]

#: Tokens that a message names.
_NAMED = 3


def check_one_vocabulary(large: Any, small: Any, names: tuple[str, str]) -> None:
    """Check that two tokenizers give the same numbers to the same tokens.

    Args:
        large: A tokenizer of transformers.
        small: Another.
        names: What their models are called.

    Raises:
        ConfigurationError: When they do not, naming what differs.
    """
    one, other = large.get_vocab(), small.get_vocab()
    differing = sorted(
        (token for token in one.keys() | other.keys() if one.get(token) != other.get(token)),
        key=lambda token: (min(one.get(token, len(one)), other.get(token, len(other))), token),
    )
    if not differing:
        return
    said = [f"{token!r} ({_place(one, token)} and {_place(other, token)})" for token in differing[:_NAMED]]
    more = f" and {len(differing) - _NAMED:,} more" if len(differing) > _NAMED else ""
    raise ConfigurationError(
        f"{names[0]} and {names[1]} have vocabularies of {len(one):,} and {len(other):,} tokens that differ in "
        f"{', '.join(said)}{more}; expected the same tokens under the same numbers: name a larger model of the family "
        "that the small one is of, by --on"
    )


def _place(vocabulary: dict[str, int], token: str) -> str:
    number = vocabulary.get(token)
    return "none" if number is None else f"number {number}"
