"""Makes our methods known to PEFT as soon as PEFT is there, so that `import autopeft` is enough to load them.

`import autopeft` itself stays light: PEFT takes seconds to import, and most verbs of the command line do without.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType

__all__ = ["register_with_peft"]

_REGISTRATION = "autopeft.methods.registration"


def register_with_peft() -> None:
    """Enter our methods in PEFT's registries now, or right after PEFT is imported."""
    if "peft" in sys.modules:
        import_module(_REGISTRATION)
    elif not any(isinstance(finder, _AfterPeft) for finder in sys.meta_path):
        sys.meta_path.insert(0, _AfterPeft())


class _AfterPeft(MetaPathFinder):
    """Finds `peft` as the others do, and adds the registration to its execution."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return the spec of `peft` once; nothing for any other module."""
        if fullname != "peft":
            return None
        sys.meta_path.remove(self)
        spec = find_spec("peft")
        if spec is None or spec.loader is None:
            return None
        execute = spec.loader.exec_module

        def execute_and_register(module: ModuleType) -> None:
            execute(module)
            import_module(_REGISTRATION)

        spec.loader.exec_module = execute_and_register  # type: ignore[method-assign]
        return spec
