"""A real study, space and sampler, with a cost that needs no model."""

from dataclasses import asdict

import pytest

from autopeft.launch import Desk
from autopeft.methods import HEAD_ONLY, VOCABULARY, stock_lora
from autopeft.samplers import make_sampler
from autopeft.space import BackboneShape, SearchSpace, cells
from autopeft.study import Scale, StudySpec, enqueue, open_study

SHAPE = BackboneShape(4, 32, 128, ("q", "k", "v", "o", "up", "down"))
SPACE = SearchSpace(
    "small",
    layers="subset",
    modules={"lora": {"rank": "off | 1..16 by x2", "targets": "subset of q, v, up"}},
    training={"learning_rate": "1e-4..1e-2 log"},
)
SCALE = Scale(backbone=100_000, limit=1_000, cheapest=64)
SPEC = StudySpec(
    {"model": "m"}, "d", "t", SPACE.to_dict(), "1%", ("params", "accuracy"), "accuracy", "random", 0, {}, "fp32"
)


def cost(configuration):
    placed = cells(configuration, VOCABULARY)
    return sum(64 * knobs["rank"] for knobs in placed.get("lora", {}).values())


def complete(accuracy=0.5):
    return {"status": "complete", "accuracy": accuracy, "seconds": 0.1, "message": ""}


@pytest.fixture
def make_desk(tmp_path):
    def make(total=6, sampler="random", fresh=False, listener=None):
        space = SPACE.bind(VOCABULARY, SHAPE)
        chosen = make_sampler(sampler, space, cost, SCALE.limit, seed=0)
        study = open_study(tmp_path, SPEC, chosen, name="t", storage=None, fresh=fresh)
        study.set_user_attr("scale", asdict(SCALE))
        if not study.trials:
            for name, one in {"head-only": HEAD_ONLY, "stock-lora": stock_lora(SHAPE, 1e-3)}.items():
                enqueue(study, space, one, {"baseline": name})
        kwargs = {} if listener is None else {"listener": listener}
        return Desk(study, space, cost, SCALE, total, 0.0, **kwargs)

    return make
