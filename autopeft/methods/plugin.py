"""Methods from outside the package: a Python file that registers them."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterable
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

from peft import PeftConfig
from peft.tuners.tuners_utils import BaseTuner

from autopeft.errors import ConfigurationError
from autopeft.methods.method import Method
from autopeft.methods.registration import enter
from autopeft.methods.registry import METHODS, VOCABULARY

__all__ = ["load_plugin", "plugins_of", "register"]

#: The file that each method of a plugin is from.
_FILES: dict[str, Path] = {}


def register(method: Method, config: type[PeftConfig] | None = None, tuner: type[BaseTuner] | None = None) -> None:
    """Make a method known to spaces, costs, searches and saving.

    Args:
        method: The method.
        config: Its PEFT config class, when PEFT does not know it; it is entered under the method's `peft_type`.
        tuner: Its PEFT tuner class, likewise.

    Raises:
        ConfigurationError: When there is another method of this name.
    """
    name = method.words.name
    if name in METHODS:
        raise ConfigurationError(f"there is a method {name!r} already; register yours under another name")
    if config is not None and tuner is not None:
        enter(method.peft_type, config, tuner)
    METHODS[name] = method
    VOCABULARY.methods[name] = method.words


def load_plugin(path: Path) -> str:
    """Run a file that registers methods, once a process.

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
    name = f"autopeft_plugin_{digest[:16]}"
    if name in sys.modules:
        return digest
    before = set(METHODS)
    spec = spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ConfigurationError(f"{path} is no Python file; expected one that calls autopeft.methods.register")
    module = sys.modules[name] = module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[name]
        raise ConfigurationError(f"the plugin {path} failed: {type(error).__name__}: {error}") from error
    if set(METHODS) == before:
        raise ConfigurationError(
            f"the plugin {path} registers no method; expected autopeft.methods.register(...) in it"
        )
    _FILES.update(dict.fromkeys(set(METHODS) - before, path.resolve()))
    return digest


def plugins_of(methods: Iterable[str]) -> list[Path]:
    """Return the files that methods are from, of those that `load_plugin` has run."""
    return sorted({_FILES[name] for name in methods if name in _FILES})
