"""Put what was trained on the Hugging Face hub."""

from __future__ import annotations

from pathlib import Path

from huggingface_hub import HfApi
from huggingface_hub.errors import HfHubHTTPError, HFValidationError

from autopeft.errors import AutopeftError
from autopeft.training.identity import CHECKPOINTS

__all__ = ["push"]


def push(folder: Path, repository: str) -> str:
    """Upload a folder, its checkpoints left out, into a private repository that is made if need be.

    Returns:
        The address of the repository.

    Raises:
        AutopeftError: When the hub refuses or cannot be reached; the folder is as it was.
    """
    api = HfApi()
    try:
        address = api.create_repo(repository, private=True, exist_ok=True)
        api.upload_folder(folder_path=folder, repo_id=repository, ignore_patterns=[f"{CHECKPOINTS}/*"])
    except (HfHubHTTPError, HFValidationError, OSError) as error:
        raise AutopeftError(
            f"cannot push to {repository}: {' '.join(str(error).split())}; what was trained is in {folder}; "
            "log in with `hf auth login`, check the name, and push again with `hf upload`"
        ) from error
    return str(address)
