"""What comes from outside the package: a Python file that registers methods or kinds of task."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterable
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

from autopeft.errors import ConfigurationError

__all__ = ["Entry", "entered", "is_loaded", "load_plugin", "plugins_of"]

#: What sort of thing was registered, and its name.
Entry = tuple[str, str]

#: What has been registered, in this order ...
_ENTERED: list[Entry] = []

#: ... and the file that each comes from, of those that `load_plugin` has run.
_FILES: dict[Entry, Path] = {}


def entered(sort: str, name: str) -> None:
    """Note that something was registered: a `method`, or a `kind` of task."""
    _ENTERED.append((sort, name))


def load_plugin(path: Path) -> str:
    """Run a file that registers something, once a process.

    Returns:
        The SHA-256 of the file, which tells studies with different plugins apart.

    Raises:
        ConfigurationError: When it cannot be read, fails, or registers nothing.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"cannot read the plugin {path}: {error.strerror}; expected a Python file") from None
    digest = hashlib.sha256(content).hexdigest()
    name = _module(digest)
    if name in sys.modules:
        return digest
    before = len(_ENTERED)
    spec = spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ConfigurationError(f"{path} is no Python file; expected one like `autopeft plugin kind` prints")
    module = sys.modules[name] = module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        raise ConfigurationError(
            f"the plugin {path} failed: {type(error).__name__}: {error}; expected a file that runs to its end: mend it"
        ) from error
    if len(_ENTERED) == before:
        del sys.modules[name]
        raise ConfigurationError(
            f"the plugin {path} registers nothing; expected autopeft.methods.register(...) or "
            "autopeft.trials.register_kind(...) in it"
        )
    _FILES.update(dict.fromkeys(_ENTERED[before:], path.resolve()))
    return digest


def is_loaded(path: Path) -> bool:
    """Tell whether this process has run a plugin of this content already; the file itself is not run."""
    try:
        return _module(hashlib.sha256(path.read_bytes()).hexdigest()) in sys.modules
    except OSError:
        return False


def _module(digest: str) -> str:
    """Return the name under which Python knows a plugin of this content."""
    return f"autopeft_plugin_{digest[:16]}"


def plugins_of(sort: str, names: Iterable[str]) -> list[Path]:
    """Return the files that things of a sort are from, of those that `load_plugin` has run."""
    return sorted({_FILES[sort, name] for name in names if (sort, name) in _FILES})
