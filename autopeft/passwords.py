"""What of a text must not be shown: passwords and tokens, in whatever it is said, written or recorded."""

from __future__ import annotations

import os
import re

__all__ = ["HIDDEN", "without_passwords"]

#: What stands in their place.
HIDDEN = "***"

#: The password of a URL, up to the last @, which a password may have too.
_IN_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*://[^\s:/@'\"]*):[^\s'\"]*@")

#: One among the parameters of a URL, or of what drivers of databases take.
_PARAMETER = re.compile(r"(?i)\b((?:ssl)?password|passwd|pwd|token)=[^\s&'\"]+")

#: A token of the Hugging Face hub.
_TOKEN = re.compile(r"\bhf_[A-Za-z0-9]{16,}")

#: Variables of the environment whose values are secret, however they look, and from which length on one is told.
_SECRET = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "WANDB_API_KEY", "RAY_AUTH_TOKEN")
_LEAST = 8


def without_passwords(text: str) -> str:
    """Return a text in which `***` stands for passwords of URLs, tokens, and secrets of the environment."""
    text = _IN_URL.sub(rf"\1:{HIDDEN}@", text)
    text = _TOKEN.sub(HIDDEN, _PARAMETER.sub(rf"\1={HIDDEN}", text))
    for name in _SECRET:
        value = os.environ.get(name, "")
        if len(value) >= _LEAST:
            text = text.replace(value, HIDDEN)
    return text
