"""Search spaces: what may vary, written in YAML or Python, independent of any backbone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autopeft.errors import SpaceError
from autopeft.space.checking import check_space
from autopeft.space.constraint_tree import Budget
from autopeft.space.constraints import parse_constraint
from autopeft.space.document import Document, parse_document, read_text
from autopeft.space.extending import extended
from autopeft.space.grammar import GrammarError
from autopeft.space.shape import ROLES, BackboneShape
from autopeft.space.vocabulary import Vocabulary
from autopeft.space.writing import to_python, to_yaml

if TYPE_CHECKING:
    from autopeft.space.bound import BoundSpace

__all__ = ["SearchSpace"]

#: Layers of a backbone that is deeper than any.
_MANY_LAYERS = 128


class SearchSpace:
    """A search space; `bind` makes it concrete for a backbone.

    Args:
        name: Its name.
        modules: Methods that coexist, each with its knobs' values; `off` removes one.
        choose: Methods of which each configuration has exactly one.
        layers: `all`, `subset` (one on/off bit per layer) or a list, shared by the modules that have no own;
            all when left out.
        training: Values of the training knobs.
        data: Values of the knobs of the data.
        constraints: What configurations must keep, such as `params <= 1%` or `lora.alpha <= 2 * lora.rank`.
        extends: A shipped space or a YAML file to start from: mappings are merged, constraints appended, None
            removes what was inherited, anything else takes its place.

    Raises:
        SpaceError: When the space to start from cannot be found or read.
    """

    def __init__(
        self,
        name: str,
        *,
        modules: Mapping[str, Any] | None = None,
        choose: Mapping[str, Any] | None = None,
        layers: Any = None,
        training: Mapping[str, Any] | None = None,
        data: Mapping[str, Any] | None = None,
        constraints: Sequence[str] = (),
        extends: str | None = None,
    ) -> None:
        given = {
            "name": name,
            "layers": layers,
            "modules": modules,
            "choose": choose,
            "training": training,
            "data": data,
            "constraints": list(constraints),
            "extends": extends,
        }
        self._take(Document({key: value for key, value in given.items() if value is not None}, "space"), Path())

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> SearchSpace:
        """Build a space from plain data, the same that YAML holds.

        Raises:
            SpaceError: When the space that it extends cannot be found or read.
        """
        return cls._make(Document(dict(data), str(data.get("name", "space"))), Path())

    @classmethod
    def from_yaml(cls, text: str, source: str = "<text>") -> SearchSpace:
        """Read a space from YAML text.

        Raises:
            SpaceError: When the text is no YAML mapping, or the space that it extends cannot be found or read;
                what is wrong inside is for `problems`.
        """
        return cls._make(parse_document(text, source), Path(source).parent)

    @classmethod
    def from_file(cls, path: Path | str) -> SearchSpace:
        """Read a space from a YAML file.

        Raises:
            SpaceError: When the file cannot be read or is no YAML mapping.
        """
        return cls.from_yaml(read_text(path), str(path))

    @property
    def name(self) -> str:
        """Its name."""
        return str(self._data.get("name") or Path(self._source).stem)

    @property
    def constraints(self) -> list[str]:
        """Its constraints as written."""
        written = self._data.get("constraints")
        return list(written) if isinstance(written, list) else []

    @property
    def budgets(self) -> list[str]:
        """The limits on trainable parameters among its constraints, e.g. `1%`; all of them hold."""
        found = []
        for text in self.constraints:
            try:
                node = parse_constraint(str(text))
            except GrammarError:
                # What is wrong with it is for `problems` to say.
                continue
            if isinstance(node, Budget):
                found.append(node.at_most)
        return found

    def to_dict(self) -> dict[str, Any]:
        """Return the space as plain data, with what it inherits."""
        return deepcopy({"name": self.name} | self._data)

    def to_yaml(self) -> str:
        """Write the space, with what it inherits, as YAML that `from_yaml` reads back."""
        return to_yaml(self.to_dict())

    def to_python(self) -> str:
        """Write the space, with what it inherits, as the call of `SearchSpace` that makes it."""
        return to_python(self.to_dict())

    def problems(self, vocabulary: Vocabulary) -> list[str]:
        """Return every fault of the space, one line each: place, key, found, expected."""
        return [*self._problems, *check_space(self._data, vocabulary, self._source, self._lines)]

    def idle(self, vocabulary: Vocabulary) -> tuple[list[str], list[str]]:
        """Return the constraints that decide nothing on whatever backbone: warnings, and faults that leave nothing.

        What depends on the backbone is for `bind` to say.
        """
        from autopeft.space.rule_binding import FORBIDS_ALL, FORBIDS_NOTHING, LEAVES_NOTHING

        warnings: list[Sequence[str]] = []
        faults: list[Sequence[str]] = []
        for hidden in (64, 768, 8192):
            shape = BackboneShape(_MANY_LAYERS, hidden, 4 * hidden, tuple(role for role in ROLES if role != "qkv"))
            try:
                warnings.append(self.bind(vocabulary, shape).warnings)
            except SpaceError as error:
                faults.append(error.problems)
        if not warnings:
            return [], [text for text in _in_all(faults) if text.endswith(LEAVES_NOTHING)]
        return [text for text in _in_all(warnings) if text.endswith((FORBIDS_ALL, FORBIDS_NOTHING))], []

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
        return self.to_python()

    @classmethod
    def _make(cls, document: Document, folder: Path) -> SearchSpace:
        space = cls.__new__(cls)
        space._take(document, folder)
        return space

    def _take(self, document: Document, folder: Path) -> None:
        document.data = _plain(document.data)
        whole = extended(document, folder)
        self._data = {key: value for key, value in _plain(whole.data).items() if not _says_nothing(key, value)}
        self._source, self._lines, self._problems = whole.source, whole.lines, whole.problems


def _in_all(lists: Sequence[Sequence[str]]) -> list[str]:
    return [text for text in lists[0] if all(text in each for each in lists)]


def _says_nothing(key: str, value: Any) -> bool:
    return value is None or (key != "layers" and value in ([], {}))


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value
