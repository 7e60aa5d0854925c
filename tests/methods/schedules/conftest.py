"""Tiny models under a schedule."""

import pytest
import torch

from autopeft.methods.builder import applied
from tests.methods.stepping import build, train


@pytest.fixture
def scheduled(tiny):
    """Return what builds a model under a schedule: its backbone, the model, the schedule at work."""

    def make(schedule, modules=None, arch="bert", **settings):
        knobs = {f"{schedule}_{name}": value for name, value in settings.pop("knobs", {}).items()}
        backbone = tiny(arch, **settings)
        model, _ = build(backbone, modules or {"full": {}}, {"schedule": schedule, **knobs})
        [running] = applied(model).schedules
        return backbone, model, running

    return make


@pytest.fixture
def moved():
    """Return what trains and tells which places moved in each step, and whether what is outside the layers did."""

    def run(model, running, batch, steps, **settings):
        inside = {place: [*parameters] for place, parameters in running.places.items()}
        theirs = {id(each) for parameters in inside.values() for each in parameters}
        outside = [
            parameter
            for inserted in applied(model).inserted
            for parameter in inserted.parameters
            if id(parameter) not in theirs
        ]
        found = []

        def copy():
            return {place: [each.detach().clone() for each in some] for place, some in inside.items()}, [
                each.detach().clone() for each in outside
            ]

        before = copy()

        def each(step, optimiser):
            nonlocal before
            now = copy()
            places = {place for place in inside if not all(map(torch.equal, before[0][place], now[0][place]))}
            found.append((places, [not torch.equal(*pair) for pair in zip(before[1], now[1], strict=True)]))
            before = now

        optimiser = train(model, batch, steps, each=each, **settings)
        return found, optimiser

    return run
