"""What finalists leave in a run folder."""

import json
from dataclasses import replace

import numpy as np
import pytest

from autopeft.methods import HEAD_ONLY
from autopeft.selection.contenders import Contender
from autopeft.selection.records import Records, count_reading, readings
from autopeft.trials import TrialSetting
from autopeft.trials.image.kind import ImageSetting

CONTENDER = Contender("head", "head", HEAD_ONLY, (0.0,), 0, 0, "head")
SETTING = TrialSetting(examples=8, validation_examples=4)


def test_only_whole_trainings_of_the_same_kind_count(tmp_path):
    records = Records(tmp_path, SETTING, {"data": "abc"}, seed=3)
    assert records.validation(CONTENDER) == []
    records.scratch(CONTENDER, 0).mkdir(parents=True)
    records.folder(CONTENDER, 1).mkdir(parents=True)
    # Killed before it was recorded.
    np.save(records.folder(CONTENDER, 1) / "validation.npy", np.ones(4))
    records.keep(CONTENDER, 0, np.arange(4.0))
    assert [scores.tolist() for scores in records.validation(CONTENDER)] == [[0, 1, 2, 3]]
    assert records.folder(CONTENDER, 0).name == "seed-4"
    for other in (replace(records, setting=replace(SETTING, epochs=9.0)), replace(records, source={"data": "x"})):
        assert other.validation(CONTENDER) == []


@pytest.mark.parametrize("setting", [SETTING, ImageSetting(**vars(SETTING), augment=("crop",))])
def test_what_is_kept_is_known_again_whatever_the_setting_holds(tmp_path, setting):
    records = Records(tmp_path, setting, {}, seed=0)
    records.scratch(CONTENDER, 0).mkdir(parents=True)
    records.keep(CONTENDER, 0, np.ones(4))
    assert records.trained(CONTENDER) == [0]
    assert type(setting).from_dict(json.loads(json.dumps(setting.to_dict()))) == setting


def test_what_is_trained_again_has_not_been_measured_on_test(tmp_path):
    records = Records(tmp_path, SETTING, {}, seed=0)
    records.scratch(CONTENDER, 0).mkdir(parents=True)
    records.keep(CONTENDER, 0, np.ones(4))
    assert records.test(CONTENDER, 0) is None
    records.keep_test(CONTENDER, 0, np.zeros(4))
    assert records.test(CONTENDER, 0).tolist() == [0, 0, 0, 0]
    records.scratch(CONTENDER, 0).mkdir()
    records.keep(CONTENDER, 0, np.ones(4))
    assert records.test(CONTENDER, 0) is None


def test_readings_of_test_add_up(tmp_path):
    assert readings(tmp_path) == 0
    count_reading(tmp_path, "finalists/head/seed-1")
    count_reading(tmp_path, "finalists/head/seed-2")
    assert readings(tmp_path) == 2


def test_a_seed_that_is_missing_among_others_is_known_as_missing(tmp_path):
    records = Records(tmp_path, SETTING, {}, seed=0)
    for index in (0, 2):
        records.scratch(CONTENDER, index).mkdir(parents=True)
        records.keep(CONTENDER, index, np.full(4, float(index)))
    (tmp_path / "finalists" / "head" / "seed-1.copy").mkdir()
    assert records.trained(CONTENDER) == [0, 2]
    assert [scores.mean() for scores in records.validation(CONTENDER)] == [0, 2]
