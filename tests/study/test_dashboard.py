"""Other people's tools open our studies unchanged."""

import json
from wsgiref.util import setup_testing_defaults

import optuna
import optuna_dashboard
import pytest
from optuna.distributions import FloatDistribution, IntDistribution

from autopeft.study import StudySpec, open_study, storage_url
from tests.study.test_spec import SPEC


@pytest.fixture
def study(tmp_path):
    sampler = optuna.samplers.RandomSampler(seed=0)
    study = open_study(tmp_path, StudySpec(**SPEC), sampler, name="t", storage=None, fresh=False)
    for _ in range(3):
        trial = study.ask({"lora.rank": IntDistribution(0, 4), "rate": FloatDistribution(1e-4, 1e-2, log=True)})
        trial.set_constraint("infeasible", 0.0)
        study.tell(trial, (100.0 * trial.params["lora.rank"], 0.5))
    return study


def test_optuna_dashboard_opens_it(study, tmp_path):
    app = optuna_dashboard.wsgi(storage_url(tmp_path, None))
    status = []
    environ = {"PATH_INFO": f"/api/studies/{study._study_id}"}
    setup_testing_defaults(environ)
    body = b"".join(app(environ, lambda line, *_: status.append(line)))
    assert status == ["200 OK"]
    data = json.loads(body)
    assert len(data["trials"]) == 3
    assert data["directions"] == ["minimize", "maximize"]


def test_optuna_visualization_draws_it(study):
    figure = optuna.visualization.plot_pareto_front(study)
    assert figure.layout.xaxis.title.text == "params"
