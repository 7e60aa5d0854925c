"""Methods from outside the package, made known to it."""

from __future__ import annotations

from peft import PeftConfig
from peft.tuners.tuners_utils import BaseTuner

from autopeft.errors import AutopeftError, ConfigurationError
from autopeft.methods.method import Method
from autopeft.methods.registration import enter
from autopeft.methods.registry import METHODS, VOCABULARY
from autopeft.plugins import entered
from autopeft.space import BackboneShape, SearchSpace
from autopeft.space.shape import ROLES

__all__ = ["register"]

#: A backbone on which any words can be tried.
_SHAPE = BackboneShape(layers=4, hidden=768, ffn=3072, roles=tuple(role for role in ROLES if role != "qkv"))


def register(method: Method, config: type[PeftConfig] | None = None, tuner: type[BaseTuner] | None = None) -> None:
    """Make a method known to spaces, costs, searches and saving.

    Args:
        method: The method.
        config: Its PEFT config class, when PEFT does not know it; it is entered under the method's `peft_type`.
        tuner: Its PEFT tuner class, likewise.

    Raises:
        ConfigurationError: When there is another method of this name, or a space that names it would be refused.
    """
    name = method.words.name
    if name in METHODS:
        raise ConfigurationError(f"there is a method {name!r} already; register yours under another name")
    VOCABULARY.methods[name] = method.words
    try:
        SearchSpace.from_dict({"name": "trying", "modules": {name: {}}}).bind(VOCABULARY, _SHAPE)
    except (AutopeftError, ValueError) as error:
        del VOCABULARY.methods[name]
        raise ConfigurationError(f"the words of the method {name!r} cannot be searched: {error}") from error
    if config is not None and tuner is not None:
        enter(method.peft_type, config, tuner)
    METHODS[name] = method
    entered("method", name)
