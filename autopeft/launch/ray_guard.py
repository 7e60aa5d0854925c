"""What keeps a Ray that is started on this machine to it, and to its user."""

from __future__ import annotations

import os
import secrets
from collections.abc import MutableMapping

__all__ = ["guard_ray"]

#: Whether a token is asked for, and where one is given.
_MODE, _TOKEN, _FILE = "RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"

#: Off, as it is on Windows and macOS, Ray listens on the loopback address alone; its name has been that since then.
_LISTENS = "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"


def guard_ray(environment: MutableMapping[str, str] = os.environ) -> None:
    """Let a Ray that is started here listen on the loopback address, and take only what brings a token of this start.

    Ray reads its environment when it is imported: this goes before. What the environment says already stays. The token
    is in no file, where Ray would leave one that others may read.

    Args:
        environment: Of the process that starts Ray.
    """
    environment.setdefault(_LISTENS, "0")
    environment.setdefault(_MODE, "token")
    if environment[_MODE].lower() == "token" and not {_TOKEN, _FILE} & environment.keys():
        environment[_TOKEN] = secrets.token_hex(32)
