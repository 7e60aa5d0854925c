"""Use the sampler in a plain Optuna study, with an objective of your own and without Ray.

The objective here is a made-up curve, so that the example runs in seconds; put your training in its place.
"""

import math

import optuna

from autopeft import Costs, ParetoSampler, load_backbone, load_space
from autopeft.methods import VOCABULARY

backbone = load_backbone()
costs = Costs(backbone)
space = load_space("lora").bind(VOCABULARY, backbone.shape)
limit = backbone.num_parameters // 200  # 0.5 %


def objective(trial: optuna.Trial) -> tuple[float, float]:
    configuration = space.suggest(trial)
    params = costs.params(configuration)
    rate = configuration.training.get("learning_rate", 1e-3)
    accuracy = 0.7 + 0.02 * math.log10(1 + params) - 0.02 * abs(math.log10(rate) + 2.5)
    return params, accuracy


study = optuna.create_study(
    directions=["minimize", "maximize"], sampler=ParetoSampler(space, costs.params, limit, seed=0)
)
study.optimize(objective, n_trials=15)
for trial in sorted(study.best_trials, key=lambda trial: trial.values):
    print(f"{int(trial.values[0]):>8,}  {trial.values[1]:.4f}  {space.decode(trial.params).describe()}")
