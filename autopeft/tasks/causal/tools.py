"""Functions that an assistant may call, and its calls of them, as chat templates take them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from autopeft.errors import DataError
from autopeft.tasks.causal.json_text import json_of, parsed, without_nulls
from autopeft.tasks.causal.spot import Spot
from autopeft.tasks.causal.turns import TOOLS, Turn
from autopeft.tasks.tables import is_missing, kind_in_words

__all__ = ["CALLS", "calls_of", "spoken_calls", "tools_of"]

#: What templates call the calls of a turn.
CALLS = "tool_calls"

_FORM = "expected an object with 'name' and 'arguments', alone or under 'function'"


def calls_of(message: Mapping[str, Any], spot: Spot) -> list[dict[str, Any]]:
    """Return the calls in a message, their arguments as objects.

    Args:
        message: The message, without keys that hold nothing.
        spot: Where it stands.

    Raises:
        DataError: When they have another form.
    """
    found = parsed(message.get(CALLS, []), spot.at(f"'{CALLS}'"))
    if not isinstance(found, list):
        raise DataError(f"{spot}, '{CALLS}': found {kind_in_words(found)}; expected a list of calls")
    # The form of calls before there could be several in a message.
    alone = message.get("function_call")
    return [_call(each, spot) for each in (found if alone is None else [*found, alone])]


def spoken_calls(value: Any, spot: Spot) -> list[dict[str, Any]]:
    """Return the calls that a turn consists of, as ShareGPT's `function_call` has them.

    Raises:
        DataError: When it holds none.
    """
    found = value
    if isinstance(value, str):
        try:
            found = json.loads(value)
        except (ValueError, RecursionError) as error:
            raise DataError(f"{spot}: found a call that is not JSON ({error}); {_FORM}") from None
    calls = found if isinstance(found, list) else [found]
    if not calls:
        raise DataError(f"{spot}: found {kind_in_words(found)}; {_FORM}")
    return [_call(call, spot) for call in calls]


def _call(call: Any, spot: Spot) -> dict[str, Any]:
    """Return a call as `{type, function: {name, arguments}}`, with what else it has."""
    if not isinstance(call, Mapping):
        raise DataError(f"{spot}: found {kind_in_words(call)} for a call; {_FORM}")
    whole = {key: value for key, value in call.items() if value is not None}
    function = whole.pop("function", None)
    if function is None:
        function = {key: whole.pop(key) for key in ("name", "arguments") if key in whole}
    if not isinstance(function, Mapping) or not isinstance(function.get("name"), str):
        raise DataError(f"{spot}: found a call without the name of a function; {_FORM}")
    arguments = _arguments(function.get("arguments"), f"{spot}, {function['name']}")
    kept = without_nulls(arguments) if isinstance(function.get("arguments"), Mapping) else arguments
    if kept != arguments:
        spot.remark("arguments of calls that hold nothing left out")
    whole.setdefault("type", "function")
    return {**whole, "function": {**function, "arguments": kept}}


def _arguments(value: Any, place: str) -> dict[str, Any]:
    """Return arguments as the object that most templates want, and most data has as JSON text."""
    if is_missing(value):
        return {}
    found = value
    if isinstance(value, str):
        try:
            found = json.loads(value)
        except (ValueError, RecursionError) as error:
            raise DataError(f"{place}: the arguments are not JSON ({error}); expected an object") from None
    if not isinstance(found, Mapping):
        raise DataError(f"{place}: the arguments are {kind_in_words(found)}; expected an object")
    return dict(found)


def tools_of(value: Any, spot: Spot) -> tuple[Turn, ...]:
    """Return the turn that says which functions may be called; none where there are none.

    Raises:
        DataError: When they are no list of objects.
    """
    if is_missing(value):
        return ()
    found = parsed(value, spot)
    if not isinstance(found, list) or not all(isinstance(tool, Mapping) for tool in found):
        raise DataError(f"{spot}: found {kind_in_words(found)}; expected a list of functions, each an object")
    listed = json_of(without_nulls(found))
    return (Turn(TOOLS, spot.text(listed)),) if found else ()
