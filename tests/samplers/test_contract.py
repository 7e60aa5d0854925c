"""Every sampler that has a name."""

import pytest

from autopeft.samplers import make_sampler
from autopeft.testing.samplers import SamplerContract


class Named(SamplerContract):
    name: str

    def sampler(self, space, cost, limit, seed):
        return make_sampler(self.name, space, cost, limit, seed=seed)


class TestPareto(Named):
    name = "pareto"
    trials = 11


class TestRandom(Named):
    name = "random"


class TestTpe(Named):
    name = "tpe"


class TestNsga2(Named):
    name = "nsga2"
    trials = 20


@pytest.mark.slow
class TestGp(Named):
    name = "gp"
    trials = 12
