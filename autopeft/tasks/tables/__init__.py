"""Tables: the rows of any file, folder or data set, and how they were read."""

from autopeft.tasks.tables.arrow import of_dataset
from autopeft.tasks.tables.cells import is_missing, kind_in_words, mended, text_of
from autopeft.tasks.tables.inside import leads_outside
from autopeft.tasks.tables.reading import ENDINGS, is_source, read_source
from autopeft.tasks.tables.shards import SPLIT_NAMES, by_split
from autopeft.tasks.tables.table import Row, Table

__all__ = [
    "ENDINGS",
    "SPLIT_NAMES",
    "Row",
    "Table",
    "by_split",
    "is_missing",
    "is_source",
    "kind_in_words",
    "leads_outside",
    "mended",
    "of_dataset",
    "read_source",
    "text_of",
]
