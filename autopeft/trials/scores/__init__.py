"""What data levers go by that a model has to say of each training row: computed once, before the first trial."""

from autopeft.trials.scores.kept import Scores, kept_scores
from autopeft.trials.scores.table import check_scores, score_rows

__all__ = ["Scores", "check_scores", "kept_scores", "score_rows"]
