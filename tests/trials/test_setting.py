import pytest

from autopeft.backbones import load_backbone
from autopeft.errors import AutopeftError
from autopeft.tasks import LabelledTexts
from autopeft.tasks.classification import Classes, Classification
from autopeft.testing.models import tiny_backbone
from autopeft.testing.tasks import task_of
from autopeft.trials import TrialSetting, choose_setting, resolve_precision


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory):
    return load_backbone(tiny_backbone("bert", tmp_path_factory.mktemp("model"))).tokenizer()


def texts(count, words=10, labels=2):
    split = LabelledTexts(["one " * words] * count, [i % labels for i in range(count)])
    return task_of(Classification(), Classes(tuple(map(str, range(labels)))), split)


def test_short_texts_get_more_examples_than_long_ones(tokenizer):
    short = choose_setting(texts(20_000, words=5), tokenizer)
    long = choose_setting(texts(20_000, words=60), tokenizer)
    assert short.examples > long.examples >= 1000
    assert short.max_length == 8
    assert long.max_length == 64


def test_small_data_is_passed_over_more_often(tokenizer):
    setting = choose_setting(texts(64), tokenizer)
    assert setting.examples == setting.validation_examples == 64
    assert setting.epochs > choose_setting(texts(5000), tokenizer).epochs


def test_many_labels_get_enough_examples_each(tokenizer):
    assert choose_setting(texts(20_000, words=60, labels=150), tokenizer, least=3000).examples == 3000


def test_what_is_given_is_kept(tokenizer):
    given = {"examples": 100, "epochs": 0.5, "batch_size": 8, "max_length": 24}
    setting = choose_setting(texts(500), tokenizer, precision="fp32", **given)
    assert setting.to_dict() | given == setting.to_dict()
    assert setting.precision == "fp32"
    assert setting.steps == 6
    assert TrialSetting.from_dict(setting.to_dict()) == setting
    assert any("100 training examples" in line for line in setting.describe("texts cut at"))


def test_rungs_of_fewer_examples_are_said_in_examples(tokenizer):
    setting = choose_setting(texts(640), tokenizer, batch_size=8, epochs=1.0, fidelity="examples")
    assert setting.rungs == (5, 10, 20, 40)
    assert "after fine-tunes on 40, 80, 160, 320 examples first" in setting.describe("texts cut at")[1]
    assert TrialSetting.from_dict(setting.to_dict()) == setting
    assert choose_setting(texts(640), tokenizer, fidelity="examples", early_stopping=False).stages[0].rungs == ()


def test_impossible_settings_are_refused(tokenizer):
    with pytest.raises(AutopeftError, match="max_length is 512, but the model reads at most 128"):
        choose_setting(texts(50), tokenizer, max_length=512)
    with pytest.raises(AutopeftError, match="epochs of a trial is 0"):
        choose_setting(texts(50), tokenizer, epochs=0)
    with pytest.raises(AutopeftError, match="unknown precision 'fp8'"):
        choose_setting(texts(50), tokenizer, precision="fp8")


def test_auto_precision_is_one_of_the_two():
    assert resolve_precision("auto") in ("bf16", "fp32")
