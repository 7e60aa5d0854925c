"""What a worker does for a selection ends in a result, whatever goes wrong on the way."""

from types import SimpleNamespace

import numpy as np
import pytest

from autopeft.selection.errands import Train
from autopeft.trials.faults import DivergedError
from autopeft.trials.outcome import Outcome


class Runner:
    """Trains at once; scores as it is told."""

    def __init__(self, outcome, scored):
        self.outcome, self.scored = outcome, scored

    def run(self, configuration, seed, **asked):
        assert asked["brief"]
        return self.outcome

    def score(self, folder, split):
        if isinstance(self.scored, Exception):
            raise self.scored
        return self.scored


COMPLETE = Outcome("complete", 0.5, {}, 1, 2.0)


@pytest.mark.parametrize(
    ("scored", "message"),
    [(DivergedError("a logit is inf"), "nan: a logit is inf"), (MemoryError("out of memory"), "oom: out of memory")],
)
def test_what_cannot_be_scored_has_failed(tmp_path, scored, message):
    trained = Train("modules: {}", 1, tmp_path / "new", full=False)(Runner(COMPLETE, scored))
    assert (trained.validation, trained.message, trained.seconds) == (None, message, 2.0)


def test_what_is_scored_is_returned(tmp_path):
    scores = np.ones(3)
    assert Train("modules: {}", 1, tmp_path / "new", full=False)(Runner(COMPLETE, scored=scores)).validation is scores
    failed = SimpleNamespace(status="timeout", message="too long", seconds=1.0)
    assert Train("modules: {}", 1, tmp_path / "new", full=False)(Runner(failed, scores)).message == "timeout: too long"
