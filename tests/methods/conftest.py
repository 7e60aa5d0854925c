"""Tiny backbones, made once a session."""

from collections.abc import Callable

import pytest

from autopeft.backbones import Backbone, load_backbone
from autopeft.testing.models import ARCHITECTURES, tiny_backbone


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Backbone]:
    """Return a maker of tiny backbones."""

    def make(architecture: str = "bert", **sizes: int) -> Backbone:
        return load_backbone(tiny_backbone(architecture, tmp_path_factory.mktemp("tiny"), **sizes))

    return make


@pytest.fixture(scope="session", params=ARCHITECTURES)
def backbone(request: pytest.FixtureRequest, tiny: Callable[..., Backbone]) -> Backbone:
    """A tiny backbone of every architecture in turn."""
    return tiny(request.param)
