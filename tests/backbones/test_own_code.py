"""Models with code of their own: refused without a question, run where they are trusted, never in silence."""

import builtins

import pytest
import torch
import transformers.dynamic_module_utils

from autopeft.backbones import load_backbone, load_decoder
from autopeft.errors import BackboneError
from autopeft.testing.models import tiny_backbone, tiny_batch
from tests.backbones.own_code import MARK, changed, own_classifier, own_decoder

REFUSED = r"brings code of its own.*--trust-remote-code.*A YAML file cannot allow it"


@pytest.fixture(autouse=True)
def no_questions(monkeypatch, tmp_path):
    """Fail where something is asked, and keep what transformers copies out of the user's cache."""
    monkeypatch.setattr(builtins, "input", lambda *words: pytest.fail("it asked on standard input"))
    monkeypatch.setattr(transformers.dynamic_module_utils, "HF_MODULES_CACHE", str(tmp_path / "modules"))


@pytest.mark.parametrize(("write", "load"), [(own_classifier, load_backbone), (own_decoder, load_decoder)])
def test_it_is_refused_unless_trusted(write, load, tmp_path, capsys):
    folder = write(tmp_path)
    with pytest.raises(BackboneError, match=REFUSED):
        load(folder)
    assert MARK not in capsys.readouterr().out
    backbone = load(folder, trust_remote_code=True)
    assert MARK in capsys.readouterr().out
    assert backbone.runs_own_code
    assert backbone.notes == ["code that the model brings is run (--trust-remote-code)"]


def test_trusted_it_computes_and_its_code_is_part_of_what_it_is(tmp_path):
    folder = own_classifier(tmp_path)
    backbone = load_backbone(folder, trust_remote_code=True)
    assert backbone.classifier(2)(**tiny_batch(backbone)).logits.isfinite().all()
    assert type(backbone.classifier(2)) is type(backbone.meta())
    before = backbone.identity
    (folder / "modeling_own.py").write_text((folder / "modeling_own.py").read_text() + "# changed\n")
    assert load_backbone(folder, trust_remote_code=True).identity != before


def test_a_head_of_its_own_alone_is_refused_too(tmp_path):
    folder = own_classifier(tmp_path)
    # transformers has these models, but none that classifies.
    changed(folder, model_type="vit_mae", auto_map={"AutoModelForSequenceClassification": "modeling_own.OwnModel"})
    with pytest.raises(BackboneError, match=REFUSED):
        load_backbone(folder)


def test_a_tokenizer_of_its_own_is_refused_and_no_other_put_in_its_place(tmp_path):
    tiny_backbone("bert", tmp_path)
    own = {"auto_map": {"AutoTokenizer": ["own.OwnTokenizer", None]}}
    folder = changed(tmp_path / "tiny-bert", "tokenizer_config.json", tokenizer_class="OwnTokenizer", **own)
    with pytest.raises(BackboneError, match=REFUSED):
        load_backbone(folder).tokenizer()
    changed(folder, "tokenizer_config.json", tokenizer_class="BertTokenizer")
    assert load_backbone(folder).tokenizer()("a")["input_ids"]


def test_code_that_is_not_needed_is_not_run_and_that_is_said(tmp_path, capsys):
    folder = changed(own_classifier(tmp_path), model_type="bert")
    backbone = load_backbone(folder)
    assert torch.is_tensor(backbone.classifier(2)(**tiny_batch(backbone)).logits)
    assert MARK not in capsys.readouterr().out
    assert backbone.notes == ["it brings code of its own, which is not run: transformers has its own for 'bert' models"]


def test_code_that_fails_is_one_message(tmp_path):
    folder = own_classifier(tmp_path)
    (folder / "modeling_own.py").write_text("from transformers import BertConfig\n\nBertConfig.no_such_thing\n")
    with pytest.raises(BackboneError, match=r"cannot load the model tiny-bert.*no_such_thing"):
        load_backbone(folder, trust_remote_code=True)
