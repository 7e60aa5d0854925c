"""Where files are that workers of a cluster lack: an actor on the machine of the search, which Ray starts anew."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from autopeft.errors import AutopeftError
from autopeft.launch.parcel import File, Piece, changed, content_of, state_of

__all__ = ["RayHome", "open_home"]

#: The name of the actor; each job has names of its own.
_NAME = "autopeft-home"

#: So many pieces are under way at a time.
_AHEAD = 4


class _Home:
    """Reads files for those that have none."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}

    def digests(self, files: Sequence[File]) -> list[str]:
        """Return the sha256 of each file, which is computed once."""
        for path, *state in files:
            if state_of(path) != tuple(state):
                raise changed(path)
            if path not in self._known:
                self._known[path] = content_of(path)
        return [self._known[path] for path, *_ in files]

    def read(self, path: str, start: int, size: int) -> bytes:
        """Return a part of a file."""
        with open(path, "rb") as stream:
            stream.seek(start)
            return stream.read(size)


def open_home() -> Any:
    """Start the actor on this machine, and return its handle, with which it ends."""
    here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
    kind = ray.remote(num_cpus=0, max_restarts=-1, max_task_retries=-1)(_Home)
    return kind.options(name=_NAME, scheduling_strategy=here).remote()


class RayHome:
    """The machine of the search, as a worker asks it; see `Home`."""

    def digests(self, files: Sequence[File]) -> list[str]:
        """Return the sha256 of each file."""
        found: list[str] = _got(ray.get_actor(_NAME).digests.remote(files))
        return found

    def read(self, pieces: Iterable[Piece]) -> Iterator[bytes]:
        """Yield parts of files, in their order."""
        home, coming = ray.get_actor(_NAME), deque[Any]()
        for path, start, size in pieces:
            coming.append(home.read.remote(path, start, size))
            if len(coming) == _AHEAD:
                yield _got(coming.popleft())
        while coming:
            yield _got(coming.popleft())


def _got(reference: Any) -> Any:
    try:
        return ray.get(reference)
    except ray.exceptions.RayTaskError as error:
        if isinstance(error.cause, AutopeftError):
            raise error.cause from None
        if not isinstance(error.cause, OSError):
            raise
        raise AutopeftError(
            f"a file of the search cannot be read any more on its machine: {error.cause}; leave it where it is"
        ) from None
