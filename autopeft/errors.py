"""The exceptions autopeft raises for faults a user can mend, and for work that could not go on.

Every message says what was found, what was expected and how to mend it; the command line prints it
without a traceback and exits with the code of its class.
"""

from __future__ import annotations

import errno
import unicodedata
from collections.abc import Sequence

__all__ = [
    "AutopeftError",
    "BackboneError",
    "BudgetError",
    "ConfigurationError",
    "DataError",
    "ExhaustedSpaceError",
    "Mishap",
    "Problem",
    "RunError",
    "SpaceError",
    "StudyError",
    "disk_is_full",
    "one_line",
    "visible",
]

#: What says that a disk takes no more, or takes nothing.
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS}


#: Letters that turn the order of those after them, by the class that Unicode has them in.
_TURNING = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}


class AutopeftError(Exception):
    """Base of all errors a user can cause and mend.

    Attributes:
        exit_code: With what the command line exits.
    """

    exit_code = 2


class RunError(AutopeftError):
    """Work ran and could not go on, for no fault that was found in what the user gave."""

    exit_code = 1


class BackboneError(AutopeftError):
    """The pretrained model cannot be found, loaded or understood."""


class BudgetError(AutopeftError):
    """A budget cannot be read or cannot be met."""


class ConfigurationError(AutopeftError):
    """A configuration is malformed or does not fit its backbone."""


class DataError(AutopeftError):
    """A task's data cannot be found, read or used."""


class UnreadableError(DataError):
    """Of what is to be predicted not one row can be read."""


class StudyError(AutopeftError):
    """A run folder or study cannot be opened, resumed or written."""


class ExhaustedSpaceError(AutopeftError):
    """Every configuration of the space that fits the budget has been proposed."""


class Mishap(str):
    """Something that went wrong and was got over, as one line; who wants to hear little hears of it all the same."""


class Problem(str):
    """One fault found in a search space, as one line: place, key, found, expected."""


class SpaceError(AutopeftError):
    """A search space is wrong; carries all its faults at once.

    Args:
        problems: The faults, one line each, in the order of the file.
    """

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = [Problem(one_line(problem)) for problem in problems]
        super().__init__("\n".join(self.problems))

    def __reduce__(self) -> tuple[type[SpaceError], tuple[list[str]]]:
        # From process to process its problems go, not the text made of them.
        return type(self), ([str(problem) for problem in self.problems],)


def disk_is_full(error: Exception) -> bool:
    """Tell whether an error is the disk's; safetensors has a class of its own for it."""
    return getattr(error, "errno", None) in _FULL or "No space left on device" in str(error)


def one_line(text: str) -> str:
    """Return a text as one line: ends of lines in names that a user gave, and what cannot be seen, are written out."""
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in text)


def visible(text: str) -> str:
    """Return a text with what commands a terminal, or turns the order of letters there, written out."""
    return "".join(repr(letter)[1:-1] if _commands(letter) else letter for letter in text)


def _commands(letter: str) -> bool:
    if letter.isprintable() or letter in "\n\t":
        return False
    return unicodedata.category(letter) in ("Cc", "Cs") or unicodedata.bidirectional(letter) in _TURNING
