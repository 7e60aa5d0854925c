"""Write a search space in Python, see what it means on a backbone, and count what its configurations cost.

Nothing is trained and no weights are loaded; takes a few seconds.
"""

import numpy as np

from autopeft import Budget, Costs, SearchSpace, load_backbone
from autopeft.methods import VOCABULARY

space = SearchSpace(
    "mine",
    layers="subset",  # one on/off bit per layer, shared by the modules below
    modules={
        "lora": {"rank": "off | 1..32 by x2", "alpha": "2r", "targets": "subset of q, v, up, down"},
        "serial_adapter": {"size": "off | d/64..d/4 by x2"},  # d: the backbone's hidden size
    },
    training={"learning_rate": "5e-4..2e-2 log"},
)
print(space.to_yaml())

backbone = load_backbone()  # the packaged MiniLM; or a hub id, or a folder
costs = Costs(backbone)
budget = Budget.parse("1%")
print(f"{budget} of {backbone.num_parameters:,} parameters is {budget.limit(backbone.num_parameters):,}")

bound = space.bind(VOCABULARY, backbone.shape)
rng = np.random.default_rng(0)
for _ in range(5):
    configuration = bound.decode(bound.sample(rng))
    print(
        f"{costs.params(configuration):>9,} parameters ({costs.share(configuration):.3%})  {configuration.describe()}"
    )
