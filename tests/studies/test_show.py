"""What a study shows is what its run holds."""

import json

from studies.show import FUSED, main


def row(trial, params, baseline=None):
    metrics = {"accuracy": 0.5 + trial / 10, "margin": 0.1, "loss": 0.6}
    return {"trial": trial, "params": params, "baseline": baseline, "in_words": f"lora {trial}", "metrics": metrics}


def test_a_front_is_shown_once_with_its_baselines_by_rising_cost(tmp_path, capsys):
    head = row(0, 0, "head-only")
    front = {
        "front": [head, row(2, 1000)],
        "baselines": [head, row(1, 4608, "stock-lora")],
        "trials": {"complete": 3},
        "verdict": "lora 2 is better",
    }
    (tmp_path / "front.json").write_text(json.dumps(front))
    main([str(tmp_path)])
    assert capsys.readouterr().out.splitlines() == [
        "| parameters | accuracy | margin | loss | configuration |",
        "| --- | --- | --- | --- | --- |",
        "| 0 | 0.5000 | 0.1000 | 0.6000 | lora 0 (head-only) |",
        "| 1,000 | 0.7000 | 0.1000 | 0.6000 | lora 2 |",
        "| 4,608 | 0.6000 | 0.1000 | 0.6000 | lora 1 (stock-lora) |",
        "",
        "Trials: 3 complete; lora 2 is better.",
        "",
    ]


def test_a_fusion_is_shown_with_what_it_costs(tmp_path, capsys):
    alone = {"name": "large", "figures": {"loss": 1.5}, "weight": None, "flops": None, "seconds": 2.4}
    fused = {"name": "fused", "figures": {"loss": 1.25}, "weight": 0.5, "flops": 3e9, "seconds": 60.0}
    (tmp_path / FUSED).write_text(json.dumps({"models": [alone, fused]}))
    main([str(tmp_path)])
    assert capsys.readouterr().out.splitlines()[2:] == [
        "| large | 1.5000 |  |  | 2 |",
        "| fused | 1.2500 | 0.50 | 3 | 60 |",
    ]


def test_where_nothing_is_recorded_that_is_said(tmp_path, capsys):
    main([str(tmp_path)])
    assert capsys.readouterr().out == f"{tmp_path}: nothing is recorded there\n"
