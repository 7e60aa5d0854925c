from autopeft.backbones import load_backbone
from autopeft.costs import Costs
from autopeft.launch import refusals
from autopeft.methods import VOCABULARY
from autopeft.samplers.points import AffordablePoints
from autopeft.space import SearchSpace
from autopeft.testing.models import tiny_backbone

SPACE = SearchSpace("s", choose={"lora": {"rank": "1 | 2", "init": "default | orthogonal"}, "loha": {}, "ia3": {}})


def test_what_peft_cannot_build_is_said_and_never_drawn(tmp_path):
    import numpy as np

    backbone = load_backbone(tiny_backbone("gpt2", tmp_path))
    space, costs = SPACE.bind(VOCABULARY, backbone.shape), Costs(backbone)
    said = refusals(space, costs)
    assert sorted(line.partition(":")[0] for line in said) == ["loha", "lora"]
    assert any("rank to be even" in line for line in said)
    points = AffordablePoints(space, costs.price, 10**9)
    rng = np.random.default_rng(0)
    drawn = [points.draw(rng).configuration.modules for _ in range(200)]
    assert {name for modules in drawn for name in modules} == {"lora", "ia3"}
    assert all(m["lora"].get("init") != "orthogonal" or m["lora"]["rank"] == 2 for m in drawn if "lora" in m)
