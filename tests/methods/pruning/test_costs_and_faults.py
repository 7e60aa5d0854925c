"""What pruning costs and measures, and what goes wrong with it."""

import pytest
import torch
from peft import PeftModel
from peft.tuners.lora import Linear

from autopeft.costs import Costs
from autopeft.errors import AutopeftError, ConfigurationError
from autopeft.launch.prices import Prices
from autopeft.methods import VOCABULARY, apply, save
from autopeft.methods.builder import applied
from autopeft.methods.compressing import compress_as
from autopeft.methods.pruning import matrices_of
from autopeft.space import Configuration, SearchSpace
from autopeft.tasks import LabelledTexts
from autopeft.tasks.classification import Classes, Classification
from autopeft.testing.methods import logits, randomise
from autopeft.testing.models import tiny_batch
from autopeft.testing.tasks import task_of
from autopeft.trials import TrialRunner, TrialSetting
from tests.methods.pruning.test_pruning import LORA, UNSTRUCTURED, asked, bert, built

__all__ = ["bert"]


def test_what_goes_wrong_while_updates_are_looked_at_leaves_the_weights_as_they_are(bert, monkeypatch):
    model, pruner = built(bert, LORA, UNSTRUCTURED)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    expected = logits(model, tiny_batch(bert))

    def fails(self, *args, **kwargs):
        merge(self, *args, **kwargs)
        raise torch.OutOfMemoryError("none left")

    merge = Linear.merge
    with monkeypatch.context() as patch:
        patch.setattr(Linear, "merge", fails)
        with pytest.raises(torch.OutOfMemoryError):
            pruner.prune()
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert torch.equal(logits(model, tiny_batch(bert)), expected)
    assert pruner.pending


def test_weights_in_16_bits_lose_the_same_as_in_32(bert):
    found = []
    for kind in (torch.float32, torch.bfloat16):
        model = bert.classifier(2)
        apply(asked(bert, LORA, UNSTRUCTURED), model, bert.anatomy, seed=1)
        randomise(model, 1e-3)
        for matrix in matrices_of(model, bert.anatomy):
            weight = model.get_submodule(matrix.name)
            weight = getattr(weight, "get_base_layer", lambda module=weight: module)().weight
            weight.data = weight.data.to(kind)
        pruner = applied(model).pruners[0]
        names = [each.name for each in matrices_of(model, bert.anatomy) if each.role in ("q", "v")]
        updates = {name: pruner._update(name) for name in names}
        assert all(update.any(dim=1).all() for update in updates.values())
        pruner.prune()
        found.append(torch.cat([pruner.masks.chosen[name].flatten() for name in names]))
    assert (found[0] == found[1]).float().mean() > 0.99


def test_masks_beside_compressed_adapters_count_among_what_is_stored(bert):
    model, pruner = built(bert, LORA, UNSTRUCTURED)
    pruner.prune()
    configuration = asked(bert, LORA, {**UNSTRUCTURED, "compression": "compeft"})
    assert compress_as(configuration, model) == Costs(bert).bytes(configuration)


def test_peft_does_not_put_what_stands_beside_pruned_weights_beside_the_whole(bert, tmp_path):
    model, pruner = built(bert, LORA, UNSTRUCTURED)
    pruner.prune()
    save(model, tmp_path)
    with pytest.raises((OSError, ValueError)):
        PeftModel.from_pretrained(bert.classifier(2), str(tmp_path))


def test_words_that_there_are_not_and_knobs_that_are_lacking_are_told(bert):
    for training, said in (
        ({"pruning": "petals"}, "training.pruning: found 'petals', expected one of none, unstructured, heads"),
        ({"pruning": "heads", "heads_count": 1}, "pruning is heads, and there is no heads_at"),
    ):
        configuration = Configuration.from_dict({"modules": asked(bert, LORA, {}).modules, "training": training})
        with pytest.raises(ConfigurationError, match=said):
            apply(configuration, bert.classifier(2), bert.anatomy)


def test_a_measured_step_is_one_beside_pruned_weights(bert):
    lengths = TrialSetting(examples=16, validation_examples=8, batch_size=8, max_length=16)
    texts = LabelledTexts(["good happy film", "bad sad story"] * 12, [0, 1] * 12)
    task = task_of(Classification(), Classes(("good", "bad")), texts)
    runner = TrialRunner(bert, task, lengths, torch.device("cpu"))
    pruned = asked(bert, LORA, {**UNSTRUCTURED, "unstructured_share": 0.5})
    peaks = [runner.profile(each, 0).peak for each in (asked(bert, LORA, {}), pruned)]
    held = Costs(bert).held(pruned) - Costs(bert).held(asked(bert, LORA, {}))
    assert held > 0
    assert peaks[1] - peaks[0] >= held


def test_flops_below_0_are_no_objective_of_a_search(bert):
    space = SearchSpace("s", modules={"lora": {"rank": "2 | 4"}}, training={"pruning": "none | heads"})
    bound = space.bind(VOCABULARY, bert.shape)
    for name, costs in (("flops", None), ("forward", True), ("nonzero", True)):
        prices = Prices((name,), Costs(bert), bert.anatomy)
        if costs is None:
            with pytest.raises(AutopeftError, match=r"cost less than 0, .*take forward, which counts the backbone too"):
                prices.ranges(bound, 10**6, [])
        else:
            low, high = prices.ranges(bound, 10**6, [])[name]
            assert 0 < low < high


def test_numbers_that_are_stored_count_whether_they_train_or_not(bert):
    for modules in ({"randlora": {"rank": 4}}, {"vera": {"rank": 8}}, LORA):
        configuration = asked(bert, modules, {})
        stored = Costs(bert).bytes(configuration)
        assert Costs(bert).nonzero(configuration) == 4 * bert.num_parameters + stored
