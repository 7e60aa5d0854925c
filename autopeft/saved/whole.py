"""Whether a folder of something trained is as it was written."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from peft import PeftConfig
from peft.utils.constants import CONFIG_NAME
from safetensors import SafetensorError, safe_open

from autopeft.errors import StudyError
from autopeft.whole_folder import missing_files

__all__ = ["check_whole"]


def check_whole(folder: Path, mend: str, may_go: Collection[str] = ()) -> None:
    """Refuse a folder of something trained that lacks files, or has some that were cut or are something else.

    Args:
        folder: The folder.
        mend: What to do then.
        may_go: Folders in it that may be deleted.

    Raises:
        StudyError: When it is not whole, naming what is not.
    """
    missing = [name for name in missing_files(folder) if name.partition("/")[0] not in may_go]
    if missing:
        raise StudyError(f"{folder} lacks {', '.join(missing[:5])}, which was written there; {mend}")
    for file in sorted(folder.rglob("*.safetensors")):
        try:
            # Its tensors are not read.
            with safe_open(file, framework="pt"):
                pass
        except (OSError, SafetensorError) as error:
            raise StudyError(f"cannot read the weights in {file}: {error}; {mend}") from None
    for file in sorted(folder.rglob(CONFIG_NAME)):
        try:
            if PeftConfig.from_pretrained(str(file.parent)).peft_type is None:
                raise ValueError("it names no peft_type")
        except Exception as error:
            # PEFT checks nothing of what it reads, and fails in any way.
            raise StudyError(f"cannot read {file} as PEFT's config: {type(error).__name__}: {error}; {mend}") from None
