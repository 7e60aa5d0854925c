"""A space that takes one method a configuration: each that the budget allows is tried."""

from autopeft.methods import VOCABULARY
from autopeft.samplers import make_sampler
from autopeft.space import BackboneShape, Configuration, SearchSpace
from autopeft.testing.samplers import LIMIT, new_study

METHODS = ("ia3", "lora", "prefix", "sparse", "id3", "lift", "lt_sft", "bitfit")
SHAPE = BackboneShape(layers=4, hidden=64, ffn=256, roles=("q", "k", "v", "o", "up", "down"))
SPACE = SearchSpace(
    name="many", choose={name: {} for name in METHODS}, training={"learning_rate": "1e-4..1e-2 log"}
).bind(VOCABULARY, SHAPE)


def price(configuration):
    """Count something that one method exceeds the limit by."""
    (name,) = configuration.modules
    return 10 * LIMIT if name == "lift" else 100 + 10 * METHODS.index(name)


def used(trials, parts=1):
    study = None
    for _ in range(parts):
        sampler = make_sampler("pareto", SPACE, price, LIMIT)
        study = study or new_study(sampler)
        study.sampler = sampler
        for _ in range(trials // parts):
            trial = study.ask()
            configuration = SPACE.suggest(trial)
            trial.set_user_attr("configuration", configuration.to_dict())
            study.tell(trial, [price(configuration), 0.5 + len(configuration.text) / 1000])
    texts = [Configuration.from_dict(trial.user_attrs["configuration"]) for trial in study.trials]
    return texts, {name for each in texts for name in each.modules}


def test_each_method_that_fits_is_tried_and_others_go_on_between() -> None:
    configurations, methods = used(12)
    assert methods == set(METHODS) - {"lift"}
    # Two of three proposals go to methods that were not tried before, as long as there are some.
    assert len({name for each in configurations[:6] for name in each.modules}) >= 4


def test_whoever_resumes_goes_on_as_before() -> None:
    assert used(8)[0] == used(8, parts=4)[0]
