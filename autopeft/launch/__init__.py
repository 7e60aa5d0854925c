"""Run searches: studies ask and tell, Ray Tune runs the trials on one machine or a cluster."""

from autopeft.launch.baselines import GIVEN
from autopeft.launch.checkup import Feature, Tried, features, machine, tries
from autopeft.launch.columns import with_columns
from autopeft.launch.crew import Crew, Errand
from autopeft.launch.desk import Desk, Listener, Silent
from autopeft.launch.environment import ENVIRONMENT, environment
from autopeft.launch.extendable import check_extendable
from autopeft.launch.forecast import Forecast, Reach, forecast
from autopeft.launch.given import read_written
from autopeft.launch.groundwork import DATA_FIELDS, Groundwork, groundwork, kind_settings
from autopeft.launch.job import WorkerJob
from autopeft.launch.look import Look, look
from autopeft.launch.outline import outline
from autopeft.launch.plan import FinalPlan, SearchPlan, default_study, parse_duration
from autopeft.launch.plan_schema import plan_schema
from autopeft.launch.preparation import Preparation, prepare
from autopeft.launch.refusals import refusals
from autopeft.launch.run_log import Hearing, RunLog
from autopeft.launch.scoring import scored
from autopeft.launch.search import DATA, SearchResult, open_run, run_search
from autopeft.launch.stop_trial import stop_trial
from autopeft.launch.told import check_told
from autopeft.launch.training_knobs import check_training

__all__ = [
    "DATA",
    "DATA_FIELDS",
    "ENVIRONMENT",
    "GIVEN",
    "Crew",
    "Desk",
    "Errand",
    "Feature",
    "FinalPlan",
    "Forecast",
    "Groundwork",
    "Hearing",
    "Listener",
    "Look",
    "Preparation",
    "Reach",
    "RunLog",
    "SearchPlan",
    "SearchResult",
    "Silent",
    "Tried",
    "WorkerJob",
    "check_extendable",
    "check_told",
    "check_training",
    "default_study",
    "environment",
    "features",
    "forecast",
    "groundwork",
    "kind_settings",
    "look",
    "machine",
    "open_run",
    "outline",
    "parse_duration",
    "plan_schema",
    "prepare",
    "read_written",
    "refusals",
    "run_search",
    "scored",
    "stop_trial",
    "tries",
    "with_columns",
]
