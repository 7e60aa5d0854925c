"""The methods there are; a new one is a file and a line here."""

from __future__ import annotations

from typing import Any

from autopeft.levers import DATA_KNOBS, DATA_WORDS
from autopeft.methods import registration  # noqa: F401  (enters our types in PEFT's tables)
from autopeft.methods.aside import Aside
from autopeft.methods.bitfit import BitFit
from autopeft.methods.compression import COMPRESSION
from autopeft.methods.context import CONTEXT
from autopeft.methods.conv_adapter import ConvAdapter
from autopeft.methods.families.adaptive import ADAPTIVE
from autopeft.methods.families.low_rank import LOW_RANK
from autopeft.methods.families.rotations import ROTATIONS
from autopeft.methods.families.shared import SHARED
from autopeft.methods.families.sparse import SPARSE
from autopeft.methods.families.vectors import VECTORS
from autopeft.methods.families.whole import WHOLE_MODEL
from autopeft.methods.forward_only import OPTIMISER, forward_only_knobs
from autopeft.methods.hyper_adapter import HyperAdapter
from autopeft.methods.increlora import IncreLora
from autopeft.methods.kind_knobs import KIND_KNOBS
from autopeft.methods.locft import LocFt
from autopeft.methods.lora import Lora
from autopeft.methods.method import Method
from autopeft.methods.parallel_adapter import ParallelAdapter
from autopeft.methods.prefix import Prefix
from autopeft.methods.prompts import PROMPTS
from autopeft.methods.pruning import PRUNING
from autopeft.methods.q_adapter import QAdapter
from autopeft.methods.schedules import SCHEDULE
from autopeft.methods.serial_adapter import SerialAdapter
from autopeft.methods.sparse import SPARSE_DELTAS
from autopeft.methods.text_prompt import TextPrompt
from autopeft.methods.vqt import Vqt
from autopeft.methods.weights import WEIGHTS
from autopeft.methods.whole_parts import FullEmbeddings, FullLayers, FullModel
from autopeft.space.vocabulary import Knob, Vocabulary
from autopeft.space.word_knobs import WordKnob

__all__ = ["METHODS", "VOCABULARY", "WORD_KNOBS"]

METHODS: dict[str, Method] = {
    method.words.name: method
    for method in (
        Lora(),
        SerialAdapter(),
        ParallelAdapter(),
        ConvAdapter(),
        HyperAdapter(),
        Prefix(),
        Aside(),
        Vqt(),
        QAdapter(),
        BitFit(),
        *SPARSE_DELTAS,
        FullModel(),
        FullLayers(),
        FullEmbeddings(),
        LocFt(),
        IncreLora(),
        *ADAPTIVE,
        *LOW_RANK,
        *ROTATIONS,
        *VECTORS,
        *SHARED,
        *SPARSE,
        *WHOLE_MODEL,
        *PROMPTS,
        TextPrompt(),
    )
}

_LEARNING_RATE = Knob(
    "learning_rate", "float", "peak learning rate of the adapters", 5e-4, low=1e-7, high=1.0, relative=("w",)
)

_UNSCHEDULED = tuple(sorted(name for name, method in METHODS.items() if not method.schedulable))
_INCOMPRESSIBLE = tuple(sorted(name for name, method in METHODS.items() if not method.compressible))
_UNPRUNABLE = tuple(sorted(name for name, method in METHODS.items() if not method.prunable))
_WITH_KEYS = tuple(sorted(name for name, method in METHODS.items() if not method.allows_dropping))
_WITH_GRADIENTS = tuple(sorted(name for name, method in METHODS.items() if method.needs_gradients))

#: The knobs beside those of methods whose words bring knobs of their own.
WORD_KNOBS: tuple[WordKnob[Any], ...] = (SCHEDULE, OPTIMISER, PRUNING, COMPRESSION, CONTEXT, *DATA_WORDS)

#: What search spaces and configurations may name.
VOCABULARY = Vocabulary(
    methods={name: method.words for name, method in METHODS.items()},
    training={
        knob.name: knob
        for knob in (
            _LEARNING_RATE,
            *SCHEDULE.knobs(_UNSCHEDULED),
            *forward_only_knobs(_WITH_GRADIENTS),
            *PRUNING.knobs(_UNPRUNABLE),
            *COMPRESSION.knobs(_INCOMPRESSIBLE),
            *CONTEXT.knobs(_WITH_KEYS),
            *WEIGHTS,
            *KIND_KNOBS.values(),
        )
    },
    data=DATA_KNOBS,
)
