"""A small vocabulary, so that the language is tested without torch or any method."""

import pytest

from autopeft.space import BackboneShape, Knob, MethodWords, Vocabulary

LORA = MethodWords(
    "lora",
    "low rank",
    "paper",
    (
        Knob("rank", "int", "rank", low=1, high=1024, placed=True, gate=True),
        Knob("alpha", "float", "scale", default="2r", low=0, placed=True, relative=("r",)),
        Knob("targets", "roles", "matrices", default=("q", "v"), choices=("q", "k", "v", "qkv", "o", "gate")),
    ),
)
ADAPTER = MethodWords(
    "adapter",
    "bottleneck",
    "paper",
    (
        Knob("size", "int", "size", low=1, high=9999, placed=True, gate=True, relative=("d", "f")),
        Knob("activation", "choice", "activation", default="relu", choices=("relu", "gelu")),
        Knob("scale", "float", "scale", default=1.0, low=0.1, high=10),
    ),
    placement="layer",
)
PROMPT = MethodWords(
    "prompt",
    "prompt",
    "paper",
    (Knob("length", "int", "tokens", low=1, high=100, placed=True, gate=True),),
    placement="layer",
    excludes=frozenset({"adapter"}),
)


@pytest.fixture(scope="session")
def vocabulary():
    return Vocabulary(
        {words.name: words for words in (LORA, ADAPTER, PROMPT)},
        {"learning_rate": Knob("learning_rate", "float", "lr", default=5e-4, low=1e-7, high=1, relative=("w",))},
    )


@pytest.fixture(scope="session")
def bert():
    return BackboneShape(6, 384, 1536, ("q", "k", "v", "o"))


@pytest.fixture(scope="session")
def gpt2():
    return BackboneShape(3, 32, 128, ("qkv", "o"), {"q": "qkv", "k": "qkv", "v": "qkv"})
