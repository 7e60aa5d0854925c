"""LocFT-BF: which tensor changes, which batches are left out, and that edits made together are kept."""

import pytest
import torch

from autopeft.backbones import load_decoder
from autopeft.methods import (
    VOCABULARY,
    AdapterAdamW,
    Moment,
    adapter_parameters,
    after_backward,
    apply,
    before_backward,
    optimiser_groups,
)
from autopeft.methods.builder import applied
from autopeft.methods.locft import _OVER, _SKIPPED
from autopeft.space import canonical
from autopeft.testing.decoders import tiny_decoder
from autopeft.testing.models import TEXTS, tiny_batch
from tests.methods.stepping import build, fresh, train


def counts(model):
    (inserted,) = applied(model).inserted
    return inserted.tuner.autopeft_counts


@pytest.mark.parametrize(("depth", "layer"), [(0.0, 0), (1 / 11, 1), (0.7, 8), (1.0, 11)])
def test_exactly_one_tensor_changes_and_it_is_found_by_its_exact_name(tiny, depth, layer) -> None:
    backbone = tiny("bert", layers=12)
    model, _ = build(backbone, {"locft": {"depth": depth}})
    (name,) = adapter_parameters(model)
    train(model, tiny_batch(backbone), 2)
    wanted = f"{backbone.anatomy.module(layer, 'down')}.weight"
    assert name.replace("trained_copy.default.", "") == wanted
    applied(model).inserted[0].tuner.merge_adapter()
    plain = dict(fresh(backbone).named_parameters())
    now = {
        key.replace("base_layer.", ""): value for key, value in model.named_parameters() if "trained_copy" not in key
    }
    assert now.keys() == plain.keys()
    assert {key for key, value in now.items() if not torch.equal(value, plain[key])} == {wanted}


@pytest.mark.parametrize(("little", "skipped"), [(0.0, 0), (100.0, 4)])
def test_batches_of_little_loss_are_left_out_and_counted(tiny, little, skipped) -> None:
    backbone = tiny("bert")
    model, _ = build(backbone, {"locft": {"little": little}})
    (values,) = adapter_parameters(model).values()
    before = values.detach().clone()
    optimiser = train(model, tiny_batch(backbone), 4)
    assert torch.equal(values, before) == bool(skipped)
    assert int(counts(model)[_SKIPPED]) == skipped
    assert bool(optimiser.state) != bool(skipped)


def test_after_an_epoch_of_little_loss_nothing_trains_any_more(tiny) -> None:
    backbone = tiny("bert")
    model, _ = build(backbone, {"locft": {}})
    optimiser = AdapterAdamW(optimiser_groups(model))
    (values,) = adapter_parameters(model).values()
    before = values.detach().clone()
    moved = []
    # The mean of the first epoch is 0.011, though two of its batches are left out; that of the second 0.009.
    losses = ((0.005, 0.005, 0.023), (0.012, 0.006, 0.009), (1.0, 1.0, 1.0))
    for step, loss in enumerate(loss for epoch in losses for loss in epoch):
        moment = Moment(step + 1, 9, optimiser, epoch=step // 3)
        before_backward(model, moment)
        values.grad = torch.ones_like(values)
        after_backward(model, Moment(step + 1, 9, optimiser, epoch=step // 3, loss=torch.tensor(loss)))
        optimiser.step()
        moved.append(not torch.equal(values, before))
        before = values.detach().clone()
    assert moved == [False, False, True, True, False, False, False, False, False]
    assert counts(model)[_OVER]
    assert int(counts(model)[_SKIPPED]) == 7


def test_edits_made_together_are_kept_where_those_made_one_by_one_are_lost(tmp_path) -> None:
    backbone = load_decoder(tiny_decoder("llama", tmp_path))
    tokenizer = backbone.tokenizer()
    words = sorted({word for text in TEXTS for word in text.split()})
    edits = [f"{words[n]} {words[n + 20]} {words[2 * n]} {words[-1 - n]}" for n in range(20)]
    rows = tokenizer(edits, return_tensors="pt")["input_ids"]
    assert rows.shape == (20, 4)
    labels = torch.cat([torch.full((20, 3), -100), rows[:, 3:]], dim=1)

    def kept(batches):
        configuration = canonical({"modules": {"locft": {"depth": 1.0, "little": 0.01}}}, VOCABULARY, backbone.shape)
        model = backbone.language_model()
        model.eval()
        apply(configuration, model, backbone.anatomy, seed=1)
        for each, steps in batches:
            train(model, {"input_ids": rows[each], "labels": labels[each]}, steps, rate=0.01)
        with torch.no_grad():
            said = model(input_ids=rows).logits[:, 2].argmax(dim=-1)
        return said == rows[:, 3]

    together = kept([(list(range(20)), 300)])
    in_turn = kept([([n], 30) for n in range(20)])
    assert together.float().mean() >= 0.95
    assert bool(in_turn[-1])
    assert in_turn[:10].float().mean() <= 0.8
