"""Whether a checkpoint holds the weights of its model: transformers draws those that it lacks at random."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from autopeft.errors import BackboneError

__all__ = ["check_complete"]


def check_complete(name: str, model_type: str, loading: Mapping[str, Any], drawn: Collection[str]) -> None:
    """Check that nothing pretrained was drawn at random.

    Args:
        name: What the user calls the model.
        model_type: The type that its config names.
        loading: What `from_pretrained` says of loading.
        drawn: Weights that no checkpoint need hold: those of a new task head.

    Raises:
        BackboneError: Something was.
    """
    # The others are tuples of a name and two shapes.
    sizes = [each[0] for each in loading.get("mismatched_keys", ())]
    for lacking, found in (("lacks", loading["missing_keys"]), ("has in another size", sizes)):
        # Models trained to fill masks have no pooler; a random one is a projection like any other.
        wrong = sorted(each for each in found if each not in drawn and ".pooler." not in f".{each}")
        if wrong:
            more = f" and {len(wrong) - 1} more weights" if len(wrong) > 1 else ""
            raise BackboneError(
                f"{name}: its checkpoint {lacking} {wrong[0]}{more} of the {model_type!r} model that its config.json "
                "describes, which would be drawn at random; expected weights and config.json that belong together, "
                "with the language-modelling head where text is generated"
            )
