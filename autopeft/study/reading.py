"""What a process knows of the trials in a database, of which it reads again only what has changed.

Optuna reads whatever has not ended anew each time it is asked for trials. With as many at work as a cluster has workers
that is most of what a driver does.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Hashable

from optuna.storages import RDBStorage
from optuna.storages._cached_storage import _CachedStorage
from optuna.storages._rdb import models
from optuna.storages._rdb.storage import _create_scoped_session
from sqlalchemy import func, or_, select

__all__ = ["KnownTrials"]


class KnownTrials(_CachedStorage):
    """Optuna's cache of a database, which looks at the rows of trials at work before it makes trials of them.

    Args:
        backend: The database.
    """

    def __init__(self, backend: RDBStorage) -> None:
        super().__init__(backend)
        # By study that was read, what the rows of trials held that had not ended.
        self._held: dict[int, dict[int, Hashable]] = {}

    def _read_trials_from_remote_storage(self, study_id: int) -> None:
        if study_id not in self._held or study_id not in self._studies:
            # For the first time all of them, of which there may be many.
            super()._read_trials_from_remote_storage(study_id)
            self._held[study_id] = {}
            return
        with self._lock:
            known = self._studies[study_id]
            rows = self._rows(study_id, known.unfinished_trial_ids, known.last_finished_trial_id)
            held = self._held[study_id]
            looked_at = known.unfinished_trial_ids | rows.keys()
            changed = {each for each in looked_at if each not in held or held[each] != rows.get(each)}
            # After their rows: what changes in between is seen now, or is otherwise than these rows the next time.
            trials = self._backend._get_trials(study_id, None, changed, max(looked_at)) if changed else []
            self._held[study_id] = rows
            self._add_trials_to_cache(study_id, trials)
            for trial in trials:
                if trial.state.is_finished():
                    known.unfinished_trial_ids.discard(trial._trial_id)
                    known.last_finished_trial_id = max(known.last_finished_trial_id, trial._trial_id)
                else:
                    known.unfinished_trial_ids.add(trial._trial_id)

    def _rows(self, study_id: int, unfinished: Collection[int], after: int) -> dict[int, Hashable]:
        """Return what the rows hold of trials that had not ended, and of those after the last one that had.

        Parameters are written once each, so that it is enough to count them.
        """
        trial, param = models.TrialModel, models.TrialParamModel
        with _create_scoped_session(self._backend.scoped_session) as session:
            models.StudyModel.find_or_raise_by_id(study_id, session)
            those = or_(trial.trial_id > after, trial.trial_id.in_(unfinished))
            found = session.execute(select(trial.trial_id, trial.state).where(trial.study_id == study_id, those)).all()
            numbers = [each for each, _ in found]
            counts = select(param.trial_id, func.count()).where(param.trial_id.in_(numbers)).group_by(param.trial_id)
            params: dict[int, int] = {each: int(count) for each, count in session.execute(counts)}
            attrs: dict[int, set[Hashable]] = defaultdict(set)
            for model in (models.TrialUserAttributeModel, models.TrialSystemAttributeModel):
                wanted = select(model.trial_id, model.key, model.value_json).where(model.trial_id.in_(numbers))
                for number, key, value in session.execute(wanted):
                    attrs[number].add((model, key, value))
            return {each: (state, params.get(each, 0), frozenset(attrs[each])) for each, state in found}
