"""What holds after every search, whatever has happened to it."""

from __future__ import annotations

from collections import Counter

from optuna.trial import TrialState

from autopeft.space import Configuration
from autopeft.study import CLAIM, configuration_of, counts, is_void, outcome_of
from autopeft.study.retries import RETRIES
from tests.simulation.world import _BOUND, BASELINES, accuracy_of

__all__ = ["faults_of"]


def faults_of(world):
    """Return what is wrong after a search, in words; nothing where all is well."""
    trials, last = world.trials(), world.drivers[-1].desk
    found = []

    def check(holds, words):
        if not holds:
            found.append(words)

    counted = [trial for trial in trials if counts(trial)]
    waiting = [trial for trial in trials if trial.state == TrialState.WAITING]
    check(len(counted) == world.total or (last.exhausted and not waiting), f"{len(counted)} trials of {world.total}")
    check(world.overfull <= 0, "the total was exceeded")
    check(max(world.endings.values(), default=0) <= 1, "an outcome was told twice")
    check(max(world.takings.values(), default=0) <= 1, "a trial was run twice")
    check(all(rightly for _, rightly in world.freed), "a live lease was freed")
    check(not any(trial.state == TrialState.RUNNING for trial in trials), "a trial is at work for ever")
    texts = Counter(Configuration.from_dict(trial.user_attrs["configuration"]).text for trial in counted)
    check(max(texts.values(), default=0) <= 1, "a configuration was run twice to its end")
    for trial in counted:
        outcome = outcome_of(trial)
        if outcome["status"] == "complete":
            right = accuracy_of(Configuration.from_dict(trial.user_attrs["configuration"]))
            check(trial.values[-1] == outcome["accuracy"] == right, "an outcome is another trial's")
    for name in BASELINES:
        ended = [trial for trial in counted if trial.user_attrs.get("baseline") == name]
        tried = [trial for trial in trials if trial.user_attrs.get("baseline") == name and not is_void(trial)]
        worn_out = any(int(trial.user_attrs.get("retry", 0)) >= RETRIES for trial in tried)
        check(len(ended) <= 1, f"{name} is there twice")
        check(len(ended) == 1 or worn_out, f"{name} is missing")
    real = [trial for trial in trials if not is_void(trial)]
    retried = {trial.user_attrs.get("retry_of") for trial in real}
    standing = [trial for trial in real if trial.state != TrialState.FAIL]
    claims = Counter(trial.user_attrs[CLAIM] for trial in standing if CLAIM in trial.user_attrs)
    told = Counter(trial.user_attrs[CLAIM] for trial in counted if CLAIM in trial.user_attrs)
    check(max(told.values(), default=0) <= 1, "something was tried again twice")
    for trial in real:
        if trial.state != TrialState.FAIL or outcome_of(trial)["status"] != "killed":
            continue
        tries = int(trial.user_attrs.get("retry", 0)) + bool(outcome_of(trial).get("blamed", True))
        known = configuration_of(trial, _BOUND)
        ended = known is None or known.text in texts
        again = trial.number in retried or claims[trial.user_attrs.get(CLAIM)]
        check(ended or tries > RETRIES or again, "a retry was lost")
    return found
