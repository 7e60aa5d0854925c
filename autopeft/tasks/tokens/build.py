"""From tables by split to a task of tagging: what is missing split off, tags numbered, all of it checked."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence

from autopeft.errors import DataError
from autopeft.tasks.intake import Intake, listed
from autopeft.tasks.known_labels import refuse_unknown
from autopeft.tasks.rows import drop_unlabelled
from autopeft.tasks.spec import TaskSpec
from autopeft.tasks.splits import LEAST_ROWS, hold_out
from autopeft.tasks.tables import Table
from autopeft.tasks.task import POOL
from autopeft.tasks.tokens.rows import tagged_sentences
from autopeft.tasks.tokens.schema import Tags
from autopeft.tasks.tokens.scheme import OUTSIDE, marks_entities, type_of
from autopeft.tasks.tokens.sentences import Sentences

__all__ = ["read_sentences"]


def read_sentences(
    spec: TaskSpec, tables: Mapping[str, Table], words: str, tags: str
) -> tuple[Tags, dict[str, Sentences], tuple[str, ...], dict[str, Intake]]:
    """Make the splits of a task of tables.

    Args:
        spec: Where they come from.
        tables: `train`, and `validation` and `test` where they are given; the others are split off `train`.
        words: The column of the words.
        tags: The column of their tags.

    Returns:
        The schema, the splits, notes, and the account of the rows by split.

    Raises:
        DataError: When the data cannot carry a search.
    """
    parts: dict[str, Sentences] = {}
    intake: dict[str, Intake] = {}
    for split, table in tables.items():
        parts[split], intake[split] = tagged_sentences(table, words, tags)
    missing, notes = drop_unlabelled(parts, intake, spec)
    pool = parts.pop(POOL, None)
    if missing:
        whole = parts["train"]
        parts |= hold_out(whole, whole.words, _strata(whole), missing, spec.seed)
        notes.append(
            f"{' and '.join(missing)} split off the training sentences, equal ones on one side, stratified by the "
            f"rarest type in each (seed {spec.seed})"
        )
    name = spec.short_name
    labels = _order(parts, tables["train"].classes.get(tags))
    _check(parts, labels, name)
    notes += _unlearned(parts)
    if pool is not None:
        refuse_unknown(Counter(tag for tags in pool.tags for tag in tags), labels, name)
        parts[POOL] = pool
    number = {label: index for index, label in enumerate(labels)}
    splits = {
        split: Sentences(tuple(part.words), tuple(tuple(number[tag] for tag in sentence) for sentence in part.tags))
        for split, part in parts.items()
    }
    return Tags(tuple(labels), (words,)), splits, tuple(notes), intake


def _strata(sentences: Sentences) -> list[str]:
    """Return of each sentence the type that is in the fewest sentences."""
    types = [{type_of(tag) or "" for tag in tags} for tags in sentences.tags]
    counts = Counter(each for found in types for each in found)
    return [min(found, key=lambda each: (counts[each], each)) for found in types]


def _order(parts: Mapping[str, Sentences], given: Sequence[str] | None) -> list[str]:
    """Return the tags that occur, as fixed by the source; else `O` first, then by number or alphabet."""
    present = {tag for part in parts.values() for tags in part.tags for tag in tags}
    if given is not None:
        return [tag for tag in given if tag in present]
    if all(re.fullmatch(r"-?\d{1,40}", tag) for tag in present):
        return sorted(present, key=lambda tag: (int(tag), tag))
    # The tags of a type side by side.
    return sorted(present, key=lambda tag: (tag != OUTSIDE, type_of(tag) or "", tag))


def _check(parts: Mapping[str, Sentences], labels: Sequence[str], name: str) -> None:
    """Refuse splits that are too small, and tags of which nothing can be learned or measured."""
    for split, least in LEAST_ROWS.items():
        if len(parts[split]) < least:
            raise DataError(
                f"task {name}: {split} has {len(parts[split])} usable sentence{'s' * (len(parts[split]) != 1)}, "
                f"expected at least {least}; add sentences, or give a larger file"
            )
    if set(labels) == {OUTSIDE}:
        raise DataError(
            f"task {name}: there is no entity in it: all words have the tag {OUTSIDE!r}; expected some that begin with "
            "B- or I-. Is it the right column of tags?"
        )
    if len(labels) == 1:
        raise DataError(
            f"task {name}: all words have the tag {labels[0]!r}; expected at least two tags. Is it the right column of "
            "tags?"
        )
    count = sum(map(len, parts["train"].tags))
    if len(labels) > count / 2:
        raise DataError(
            f"task {name}: there are {len(labels):,} different tags for the {count:,} words of train; expected a tag "
            "to occur several times. Is it the right column of tags?"
        )
    for split, part in parts.items():
        if marks_entities(labels) and all(tag == OUTSIDE for tags in part.tags for tag in tags):
            raise DataError(
                f"task {name}: there is no entity in the {len(part):,} sentences of {split}; add some, or leave the "
                f"{split} file out to have it split off"
            )


def _unlearned(parts: Mapping[str, Sentences]) -> list[str]:
    """Name the tags that no word of train has."""
    counts = {split: Counter(tag for tags in part.tags for tag in tags) for split, part in parts.items()}
    held_out = counts["validation"] + counts["test"]
    unknown = [tag for tag in sorted(held_out) if not counts["train"][tag]]
    if not unknown:
        return []
    shown = listed([f"{tag!r} ({held_out[tag]:,} word{'s' * (held_out[tag] != 1)})" for tag in unknown])
    return [f"not in train, and so not learned, but measured: {shown}"]
