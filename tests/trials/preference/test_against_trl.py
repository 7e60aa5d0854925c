"""The same pairs, weights and reference in TRL's DPOTrainer: the same tokens, loss, rewards and gradients."""

import numpy as np
import pytest
import torch
from datasets import Dataset
from peft import PeftConfig, set_peft_model_state_dict
from safetensors.torch import load_file

from autopeft.backbones import load_decoder
from autopeft.exporting.check import randomise
from autopeft.methods import VOCABULARY, apply, save
from autopeft.space import canonical
from autopeft.tasks import IGNORED, pad_id_of
from autopeft.testing.decoders import CHAT_TEMPLATE, tiny_decoder
from autopeft.trials import TrialSetting, kind_of
from autopeft.trials.preference.rewards import rewarded
from tests.trials.preference.data import plain, talks, task_of, whole_talks

trl = pytest.importorskip("trl", reason="needs TRL, the extra `trl`")

CPU = torch.device("cpu")
LORA = {"modules": {"lora": {"rank": 4, "alpha": 8, "targets": ["q", "v", "up"]}}}
#: What a template writes after the end of a turn is scored as well, as TRL does.
ENDING = CHAT_TEMPLATE.replace(" [EOS] '", " [EOS] story '")


def trainer_of(backbone, folder, rows, tmp_path, beta, max_length):
    """Return TRL's own trainer of rows as they stand, with the saved adapter on an untouched model."""
    config = PeftConfig.from_pretrained(folder)
    config.inference_mode = False
    arguments = trl.DPOConfig(
        str(tmp_path / "trl"),
        beta=beta,
        max_length=max_length,
        per_device_train_batch_size=8,
        bf16=False,
        use_cpu=True,
        gradient_checkpointing=False,
        report_to="none",
    )
    trainer = trl.DPOTrainer(
        backbone.language_model(device=CPU),
        args=arguments,
        train_dataset=Dataset.from_list(rows),
        processing_class=backbone.tokenizer(),
        peft_config=config,
    )
    set_peft_model_state_dict(trainer.model, load_file(folder / "adapter_model.safetensors"))
    return trainer


@pytest.mark.parametrize(
    ("rows", "template", "beta", "max_length"),
    [
        pytest.param(plain, None, 0.1, 64, id="plain"),
        pytest.param(talks, ENDING, 0.3, 64, id="talks"),
        pytest.param(plain, None, 0.5, 11, id="cut", marks=pytest.mark.slow),
        pytest.param(talks, CHAT_TEMPLATE, 0.1, 64, id="nothing after the end", marks=pytest.mark.slow),
        pytest.param(whole_talks, ENDING, 0.1, 64, id="implicit prompts", marks=pytest.mark.slow),
    ],
)
def test_tokens_loss_rewards_and_gradients_are_those_of_trl(rows, template, beta, max_length, tmp_path):
    backbone = load_decoder(tiny_decoder("llama", tmp_path, template=template))
    tokenizer, task = backbone.tokenizer(), task_of(tmp_path, rows())
    kind, model = kind_of(task), backbone.language_model(device=CPU).eval()
    setting, pad_id = TrialSetting(examples=8, validation_examples=8, batch_size=8), pad_id_of(tokenizer)
    few = task.train.take(range(8))
    lines = {int(place.rpartition(" ")[2]) for place in few.places}
    own_rows = [row for number, row in enumerate(rows(), 1) if number in lines]
    encoded = kind.with_reference(model, kind.encode(few, tokenizer, max_length), setting, pad_id)
    data = {**LORA, "training": {"learning_rate": 1e-3, "beta": beta}}
    apply(canonical(data, VOCABULARY, backbone.shape), model, backbone.anatomy, seed=0)
    randomise(model, 0.3)
    save(model, tmp_path / "adapter")
    batch = kind.collate(encoded, np.arange(len(encoded)), pad_id)
    loss = kind.loss(model, batch, CPU, "fp32")
    loss.backward()

    trainer = trainer_of(backbone, tmp_path / "adapter", own_rows, tmp_path, beta, max_length)
    assert len(trainer.train_dataset) == encoded.examples == len(own_rows)
    for number, row in enumerate(trainer.train_dataset):
        for place, answer in enumerate(("chosen_ids", "rejected_ids")):
            ids = (row["prompt_ids"] + row[answer])[:max_length]
            labels = ([IGNORED] * len(row["prompt_ids"]) + row[answer])[:max_length]
            assert encoded.inputs["input_ids"][2 * number + place] == ids
            assert encoded.inputs["labels"][2 * number + place] == labels
    inputs = trainer.data_collator([*trainer.train_dataset])
    trainer.model.train()
    theirs = trainer.compute_loss(trainer.model, inputs)
    theirs.backward()
    assert abs(loss.item() - np.log(2)) > 1e-3
    assert loss.item() == pytest.approx(theirs.item(), abs=1e-4)
    found = rewarded(model, [(np.arange(len(encoded)), batch)], "fp32", lambda rows, longest: None).figures
    logged = {name: values[-1] for name, values in trainer._metrics["train"].items()}
    assert found["margin"] == pytest.approx(logged["rewards/margins"], abs=1e-4)
    assert found["accuracy"] == pytest.approx(logged["rewards/accuracies"], abs=1e-6)
    assert found["loss"] == pytest.approx(loss.item(), abs=1e-5)
    ours = {name: each for name, each in model.named_parameters() if each.grad is not None}
    others = {name: each for name, each in trainer.model.named_parameters() if each.grad is not None}
    assert len(ours) == len(others) == 2 * 3 * 3
    for name, each in others.items():
        assert torch.allclose(each.grad, ours[_ours(name, ours)].grad, atol=1e-4), name


def _ours(name, known):
    """Return what a parameter of TRL's model is called in ours."""
    [found] = [each for each in known if name.endswith(each)]
    return found
