"""How tags say where an entity begins and ends: `B-` and `I-`, perhaps `E-` and `S-`, before its type, else `O`."""

from __future__ import annotations

import re
from collections.abc import Iterable

from autopeft.errors import DataError

__all__ = ["OUTSIDE", "PREFIXES", "check_scheme", "marks_entities", "type_of"]

#: The tag of words in no entity.
OUTSIDE = "O"

#: The first word of an entity, one within it, its last, and its only one. With `B` and `I` alone this is IOB2, or IOB1
#: where `B` only parts neighbours; with all of them IOBES.
PREFIXES = "BIES"

_MARKED = re.compile(f"[{PREFIXES}]-.+", re.DOTALL)

#: What looks like a prefix, whether it is one or not.
_LIKE_MARKED = re.compile("[A-Z]-.+", re.DOTALL)


def marks_entities(tags: Iterable[str]) -> bool:
    """Tell whether tags have prefixes, as those of entities have; those of parts of speech have none."""
    return any(_LIKE_MARKED.fullmatch(tag) for tag in tags) or set(tags) == {OUTSIDE}


def type_of(tag: str) -> str | None:
    """Return the type of the entity that a word of this tag is in; None where it is in none."""
    return None if tag == OUTSIDE else tag.partition("-")[2]


def check_scheme(tags: Iterable[str]) -> None:
    """Refuse tags that do not say where entities are.

    Raises:
        DataError: With an example.
    """
    strange = next((tag for tag in tags if tag != OUTSIDE and not _MARKED.fullmatch(tag)), None)
    if strange is None:
        return
    known = next((tag for tag in tags if _MARKED.fullmatch(tag)), None)
    beside = f" beside {known!r}" if known else ""
    raise DataError(
        f"found the tag {strange!r}{beside}, and entity_f1 needs to know where entities begin: expected {OUTSIDE!r}, "
        f"or {', '.join(f'{prefix}-' for prefix in PREFIXES)} before the type of an entity (BIO or IOBES). Mend the "
        "tags, or judge by --metric token_accuracy"
    )
