"""The full fine-tune of a configuration, what is made of it afterwards, how it is measured, and what it predicts."""

from autopeft.training.evaluate import evaluate, evaluation_ground
from autopeft.training.evaluation import Evaluation
from autopeft.training.fine_tune import fine_tune
from autopeft.training.fusion import (
    Fused,
    FusedRow,
    FusionGround,
    OpenedFused,
    fuse,
    fusion_ground,
    open_fused,
    trained_pick,
)
from autopeft.training.hub import push
from autopeft.training.merging import add_merged, check_mergeable, merge
from autopeft.training.predict import predict, rows_for
from autopeft.training.predictions import OUTPUTS, Predictions, check_output, write_predictions
from autopeft.training.result import FineTuned
from autopeft.training.routed import predict_tasks, rows_of_tasks
from autopeft.training.train import Training, prepare_training, train_prepared

__all__ = [
    "OUTPUTS",
    "Evaluation",
    "FineTuned",
    "Fused",
    "FusedRow",
    "FusionGround",
    "OpenedFused",
    "Predictions",
    "Training",
    "add_merged",
    "check_mergeable",
    "check_output",
    "evaluate",
    "evaluation_ground",
    "fine_tune",
    "fuse",
    "fusion_ground",
    "merge",
    "open_fused",
    "predict",
    "predict_tasks",
    "prepare_training",
    "push",
    "rows_for",
    "rows_of_tasks",
    "train_prepared",
    "trained_pick",
    "write_predictions",
]
