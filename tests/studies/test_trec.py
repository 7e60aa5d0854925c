"""The live check's figures, from what was measured and from what is made up."""

import json

from studies.trec.live import MEASURED, show

SCALE = {"limit": 1000, "reference": 0.5, "cheapest": 1}


def rows(**arms):
    return [{"arm": arm, "seed": 0, "seconds": 100, "trials": trials, **SCALE} for arm, trials in arms.items()]


def test_arms_are_timed_to_what_all_found_together(tmp_path, capsys):
    show(
        rows(pareto=[(5.0, 0, 0.5), (10.0, 10, 0.8)], plain=[(40.0, 10, 0.7), (90.0, 10_000, 0.9)]), tmp_path / "f.png"
    )
    ours, plain = capsys.readouterr().out.splitlines()[-2:]
    assert ours.split(" | ")[2:6] == ["100", "1.000", "10", "10"]
    # 0.7 of 0.8 above 0.5 is two thirds; what is over the budget counts for nothing but is told.
    assert plain.split(" | ")[3:6] == ["0.667", "never", "40"]
    assert plain.endswith("| 0.700 | 10 | 1 |")
    assert (tmp_path / "f.png").stat().st_size > 1000


def test_what_was_measured_is_shown(tmp_path, capsys):
    measured = [json.loads(line) for line in MEASURED.read_text(encoding="utf8").splitlines()]
    assert all(row["trials"] and row["trials"] == sorted(row["trials"]) for row in measured)
    show(measured, tmp_path / "f.png")
    shares = [float(line.split(" | ")[3]) for line in capsys.readouterr().out.splitlines()[4:]]
    assert len(shares) == len(measured)
    assert all(0 < share <= 1 for share in shares)
