"""Tasks of tagging: sentences whose words have tags."""

from autopeft.tasks.tokens.encoding import Windowed, blank_before, encode_words, reads, words_as_read
from autopeft.tasks.tokens.entities import EntityCounts, count_entities
from autopeft.tasks.tokens.kind import Tokens
from autopeft.tasks.tokens.schema import Tags
from autopeft.tasks.tokens.scheme import marks_entities
from autopeft.tasks.tokens.sentences import Sentences

__all__ = [
    "EntityCounts",
    "Sentences",
    "Tags",
    "Tokens",
    "Windowed",
    "blank_before",
    "count_entities",
    "encode_words",
    "marks_entities",
    "reads",
    "words_as_read",
]
