"""The machines of a Ray cluster, and how many trials they run at once."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from autopeft.errors import AutopeftError
from autopeft.launch.places import Places

__all__ = ["SLOTS", "Cluster", "Node"]

#: What `ray start --resources` declares for a node that shall run so many trials; where one does, others run none.
SLOTS = "autopeft"

#: How far from whole a sum of parts of GPUs may be.
_PARTS = 1e-6


@dataclass(frozen=True)
class Node:
    """A machine as it was declared to Ray.

    Args:
        cpus: Its cores.
        gpus: Its GPUs.
        slots: How many trials it shall run at most; None where it does not say.
        gpu: What kind of GPUs these are, as Ray calls it.
    """

    cpus: float
    gpus: float
    slots: float | None = None
    gpu: str = ""

    def room(self, gpus: float) -> int:
        """Return how many trials it runs at once, of so many GPUs each."""
        limits = [self.cpus, *([self.gpus / gpus] if gpus else []), *([] if self.slots is None else [self.slots])]
        return int(min(limits) + _PARTS)

    def describe(self) -> str:
        """Return what it has in a few words."""
        gpus = f", {_many(self.gpus, 'GPU')}{f' ({self.gpu})' if self.gpu else ''}" if self.gpus else ""
        return f"{_many(self.cpus, 'CPU')}{gpus}"


@dataclass(frozen=True)
class Cluster:
    """Its machines.

    Args:
        nodes: Those that are alive.
    """

    nodes: tuple[Node, ...]

    @property
    def declared(self) -> bool:
        """Whether nodes say how many trials they shall run."""
        return any(node.slots is not None for node in self.nodes)

    @property
    def taking_part(self) -> tuple[Node, ...]:
        """The nodes that run trials."""
        return tuple(node for node in self.nodes if node.slots is not None or not self.declared)

    def room(self, gpus: float) -> int:
        """Return how many trials run at once, of so many GPUs each: uneven nodes run as many as each has room for."""
        return sum(node.room(gpus) for node in self.taking_part)

    def places(self, asked: int | None) -> Places:
        """Return the workers of a search.

        Args:
            asked: How many there shall be; None for as many as there is room for: one a GPU, or one a core.

        Raises:
            AutopeftError: When no node has room for one.
        """
        devices = int(sum(node.gpus for node in self.taking_part if node.room(0)))
        room = self.room(1.0 if devices else 0.0)
        if not room:
            raise AutopeftError(
                f"no node of the cluster has room for a trial, which takes a CPU{' and a GPU' if devices else ''}; "
                f"found {self.describe()}: add a node by `ray start`"
            )
        return Places(asked or room, devices, grows=asked is None)

    def at_once(self, places: Places) -> str:
        """Say how many trials run at once with these workers, and what each takes."""
        room = self.room(places.gpus)
        takes = f"a CPU and {places.gpus:.3g} of a GPU" if places.gpus else "a CPU"
        asked = "" if places.workers <= room else f" of the {places.workers} that --workers asks for"
        more = ", more as nodes come" if places.grows or asked else ""
        count = min(room, places.workers)
        return f"{_many(count, 'trial')} at once{asked}, {'each ' if count > 1 else ''}on {takes}{more}"

    def describe(self) -> str:
        """Return what there is, in one line."""
        large_first = sorted(self.nodes, key=lambda node: (-node.gpus, -node.cpus))
        alike = Counter(node.describe() for node in large_first)
        listed = "; ".join(f"{count} of {said}" for said, count in alike.items())
        return f"{_many(len(self.nodes), 'node')}: {listed}" if listed else "no node"


def _many(count: float, what: str) -> str:
    return f"{count:g} {what}{'' if count == 1 else 's'}"
