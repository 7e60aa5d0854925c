"""Search spaces: what may vary, written in YAML or Python, independent of any backbone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from autopeft.errors import SpaceError
from autopeft.space.checking import check_space
from autopeft.space.document import Lines, parse_document
from autopeft.space.shape import BackboneShape
from autopeft.space.vocabulary import Vocabulary

if TYPE_CHECKING:
    from autopeft.space.bound import BoundSpace

__all__ = ["KEYS", "SearchSpace"]

KEYS = ("name", "layers", "modules", "choose", "training", "constraints")


class SearchSpace:
    """A search space; `bind` makes it concrete for a backbone.

    Args:
        name: Its name.
        modules: Methods that coexist, each with its knobs' values; `off` removes one.
        choose: Methods of which each configuration has exactly one.
        layers: `all`, `subset` (one on/off bit per layer) or a list, shared by the modules that have no own;
            all when left out.
        training: Values of the training knobs.
        constraints: Limits such as `params <= 1%`.
    """

    def __init__(
        self,
        name: str,
        *,
        modules: Mapping[str, Any] | None = None,
        choose: Mapping[str, Any] | None = None,
        layers: Any = None,
        training: Mapping[str, Any] | None = None,
        constraints: Sequence[str] = (),
    ) -> None:
        given = {
            "name": name,
            "layers": layers,
            "modules": modules,
            "choose": choose,
            "training": training,
            "constraints": list(constraints),
        }
        self._take({key: value for key, value in given.items() if value not in (None, [], {})}, "space", {}, [])

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> SearchSpace:
        """Build a space from plain data, the same that YAML holds."""
        return cls._make(dict(data), str(data.get("name", "space")), {}, [])

    @classmethod
    def from_yaml(cls, text: str, source: str = "<text>") -> SearchSpace:
        """Read a space from YAML text.

        Raises:
            SpaceError: When the text is no YAML mapping; what is wrong inside is for `problems`.
        """
        return cls._make(*_reorder(parse_document(text, source), source))

    @classmethod
    def from_file(cls, path: Path | str) -> SearchSpace:
        """Read a space from a YAML file.

        Raises:
            SpaceError: When the file cannot be read or is no YAML mapping.
        """
        try:
            text = Path(path).read_text(encoding="utf8")
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or error
            raise SpaceError([f"cannot read {path}: {reason}; expected a YAML file of a search space"]) from None
        return cls.from_yaml(text, str(path))

    @property
    def name(self) -> str:
        """Its name."""
        return str(self._data.get("name") or Path(self._source).stem)

    @property
    def constraints(self) -> list[str]:
        """Its constraints as written."""
        return list(self._data.get("constraints", ()))

    @property
    def budgets(self) -> list[str]:
        """The limits on trainable parameters among its constraints, e.g. `1%`."""
        return [text.split("<=", 1)[1].strip() for text in self.constraints]

    def to_dict(self) -> dict[str, Any]:
        """Return the space as plain data."""
        data: dict[str, Any] = yaml.safe_load(self.to_yaml())
        return data

    def to_yaml(self) -> str:
        """Write the space as YAML that `from_yaml` reads back."""
        ordered = {"name": self.name} | {key: self._data[key] for key in KEYS if key in self._data}
        return yaml.safe_dump(_plain(ordered), sort_keys=False, width=110)

    def problems(self, vocabulary: Vocabulary) -> list[str]:
        """Return every fault of the space, one line each: place, key, found, expected."""
        return [*self._problems, *check_space(self._data, vocabulary, self._source, self._lines)]

    def bind(self, vocabulary: Vocabulary, shape: BackboneShape) -> BoundSpace:
        """Make the space concrete for a backbone.

        Raises:
            SpaceError: With all faults at once.
        """
        from autopeft.space.binding import bind

        problems = self.problems(vocabulary)
        if problems:
            raise SpaceError(problems)
        return bind(self.name, self._data, vocabulary, shape, self._source, self._lines)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SearchSpace) and self.to_dict() == other.to_dict()

    def __hash__(self) -> int:
        return hash(self.to_yaml())

    def __repr__(self) -> str:
        return f"SearchSpace.from_dict({self.to_dict()!r})"

    @classmethod
    def _make(cls, data: dict[str, Any], source: str, lines: Lines, problems: list[str]) -> SearchSpace:
        space = cls.__new__(cls)
        space._take(data, source, lines, problems)
        return space

    def _take(self, data: dict[str, Any], source: str, lines: Lines, problems: list[str]) -> None:
        self._data, self._source, self._lines, self._problems = _plain(data), source, lines, problems


def _reorder(
    parsed: tuple[dict[str, Any], Lines, list[str]], source: str
) -> tuple[dict[str, Any], str, Lines, list[str]]:
    data, lines, problems = parsed
    return data, source, lines, problems


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value
