"""The published systems that fit a text encoder: each as published, and the space of its own knobs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["BESIDE", "FACTOR", "SYSTEMS", "Contender"]

#: By what published learning rates are multiplied: trials are about 64 times shorter, and good rates go with the number
#: of steps to the power of -0.5 (studies/lengths).
FACTOR = 8

Modules = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Contender:
    """Something that is trained.

    Args:
        modules: As published, sizes relative to the backbone where the source has them so, steps between choices such
            that there are as many choices in a trial as in the source, or four.
        rate: The published learning rate.
        space: What a search of its own knobs is given; the learning rate is searched too. Nothing: there is no search.
        full: Whether the whole backbone trains.
        training: Further knobs of training, as published.
        training_space: Those that a search of its own knobs is given, the published ones beside them.
        seconds_of: Whom it is given the seconds of, instead of the steps of a trial.
    """

    modules: Modules
    rate: float
    space: Modules = field(default_factory=dict)
    full: bool = False
    training: Mapping[str, Any] = field(default_factory=dict)
    training_space: Mapping[str, Any] = field(default_factory=dict)
    seconds_of: str = ""


_DENSITY = {"density": "0.1% | 0.3% | 1% | 3%"}
_ALL = ["q", "k", "v", "o", "up", "down"]
_EVERY = "10 | 20 | 40"


def _autopeft(size: str, length: str | int) -> Modules:
    return {
        "serial_adapter": {"size": size, "reads": "norm", "start": "normal"},
        "parallel_adapter": {"size": size, "scale": 4},
        "prefix": {"length": length},
    }


#: What systems stand beside.
BESIDE: Mapping[str, Contender] = {
    "stock LoRA": Contender({"lora": {"rank": 8, "targets": ["q", "v"]}}, 5e-4, {"lora": {"rank": "1..32 by x2"}}),
    "full fine-tuning": Contender({}, 2e-5, full=True),
}

# The smallest rate of a search of the whole backbone, and the largest: full fine-tuning's, times 8 and around it.
_WHOLE = {"full": {"learning_rate": "4e-5..1e-3 log"}}

#: The systems by number in the catalogue and name.
SYSTEMS: Mapping[str, Contender] = {
    "2 DSEE": Contender(
        {"dsee": {"rank": 16, "alpha": 32, "count": 64}},
        5e-4,
        {"dsee": {"rank": "2..32 by x2", "count": "16 | 64 | 256"}},
    ),
    "3 SFT-AG": Contender({"sft_ag": {"density": 0.01}}, 1e-4, {"sft_ag": {**_DENSITY, "every": _EVERY}}),
    "3 SFT-MA": Contender({"sft_ma": {"density": 0.01}}, 4e-4, {"sft_ma": {**_DENSITY, "every": _EVERY}}),
    "7 HFT": Contender(
        {"full": {}}, 2e-5, _WHOLE, training={"schedule": "hft"}, training_space={"hft_frozen": "0.3 | 0.5 | 0.7"}
    ),
    "8 ID3": Contender({"id3": {"density": 0.01}}, 1e-4, {"id3": {**_DENSITY, "power": "0 | 0.5 | 1"}}),
    "12 AutoPEFT": Contender(_autopeft("d/8", 16), 1e-4, _autopeft("off | d/512..d by x2", "off | 1..32 by x2")),
    "13 LocFT-BF": Contender(
        {"locft": {"depth": 0.7}},
        5e-4,
        {"locft": {"depth": "0.0 | 0.2 | 0.4 | 0.6 | 0.8 | 1.0", "role": "o | up | down"}},
    ),
    "14 MAM": Contender(
        {"prefix": {"length": 16}, "parallel_adapter": {"size": 16, "scale": 2}},
        1e-4,
        {"prefix": {"length": "1..32 by x2"}, "parallel_adapter": {"size": "d/256..d/4 by x2", "scale": "1 | 2 | 4"}},
    ),
    "15 LIFT": Contender({"lift": {"rank": 32, "every": 40}}, 2e-4, {"lift": {"rank": "2..32 by x2", "every": _EVERY}}),
    "21 CorDA": Contender(
        {"lora": {"rank": 32, "init": "corda", "targets": _ALL}},
        2e-5,
        {"lora": {"rank": "1..32 by x2", "init": "corda", "targets": "subset of q, k, v, o, up, down"}},
    ),
    "22 SPT": Contender(
        {"spt": {"density": 0.02}},
        1e-3,
        {"spt": {"density": "0.3% | 1% | 3%", "rank": "2 | 4 | 8", "dense": "0.05..0.3 log"}},
    ),
    "26 IST": Contender(
        {"lora": {"rank": 32, "alpha": 64, "targets": ["q", "k", "v", "up", "down"]}},
        2e-4,
        {"lora": {"rank": "4..32 by x2", "targets": "subset of q, k, v, o, up, down"}},
        training={"schedule": "ist"},
        training_space={"ist_active": "0.25 | 0.5"},
    ),
    "36 LISA": Contender(
        {"full": {}}, 2e-5, _WHOLE, training={"schedule": "lisa"}, training_space={"lisa_layers": "1 | 2 | 4"}
    ),
    "38 KaSA": Contender({"kasa": {"rank": 8, "alpha": 16}}, 4e-4, {"kasa": {"rank": "1..32 by x2"}}),
    "40 last layer": Contender({"full_layers": {"top_layers": 1}}, 5e-5, {"full_layers": {"top_layers": "1..3"}}),
    "40 embeddings": Contender({"full_embeddings": {}}, 5e-5, {"full_embeddings": {}}),
    "41 MeZO": Contender({"full": {}}, 2e-5, _WHOLE, training={"optimiser": "mezo"}, seconds_of="full fine-tuning"),
    "41 Sparse MeZO": Contender(
        {"full": {}}, 2e-5, _WHOLE, training={"optimiser": "sparse_mezo"}, seconds_of="full fine-tuning"
    ),
    "42 IncreLoRA": Contender({"increlora": {"rank": 4}}, 1e-3, {"increlora": {"rank": "2 | 4 | 8"}}),
    "45 LT-SFT": Contender({"lt_sft": {"density": 0.01}}, 2e-5, {"lt_sft": _DENSITY}),
}
