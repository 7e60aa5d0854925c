"""What compression makes of trials that have ended: points of a front that nobody has to train for."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from itertools import product
from pathlib import Path
from typing import Any

from autopeft.errors import AutopeftError, StudyError
from autopeft.launch import Crew, Hearing, Preparation, RunLog, SearchResult, scored
from autopeft.levers import scores_named
from autopeft.methods import VOCABULARY
from autopeft.methods.compression import COMPRESSION
from autopeft.selection.errands import Compress, KeepTrial
from autopeft.selection.picks import pick
from autopeft.space import BackboneShape, Configuration, canonical
from autopeft.study import FrontRow, derived_of, front_of, load_study, locked, prepare_folder, tell_derived
from autopeft.whole_file import write_text

__all__ = ["COMPRESSED", "compress_trial", "points_of", "to_compress"]

#: Folder in a run folder with the adapters of trials that were trained again to be compressed.
COMPRESSED = "compressed"

#: The file beside such adapters with what they reached.
_REACHED = "reached.json"

#: What of it tells these adapters from others.
_HOLDS = "holds"

#: The costs that compression changes; the first is measured.
_BYTES, _NONZERO = _CHANGED = ("bytes", "nonzero")


def to_compress(result: SearchResult, name: str) -> FrontRow:
    """Return the trial that a pick stands for; only numbers stand for what was made of others already.

    Args:
        result: The run.
        name: The pick, see `autopeft.selection.pick`.

    Raises:
        AutopeftError: When it stands for nothing, or what it stands for has no adapters, or no end, or is compressed;
            or `bytes` is no objective of the run.
    """
    if result.scale.costs.keys().isdisjoint(_CHANGED):
        raise AutopeftError(
            f"bytes is no objective of {result.folder} ({', '.join([*result.scale.costs, 'accuracy'])}), and what is "
            "compressed differs in no other cost; expected a search with --objectives accuracy,bytes or "
            "accuracy,params,bytes"
        )
    front = result.front if name.strip().isdecimal() else front_of(result.study, result.scale, derived=False)
    row = pick(front, result.scale, name)
    configuration = Configuration.from_dict(row.configuration)
    said = f"trial {row.trial} ({row.in_words})"
    if row.failed:
        raise AutopeftError(f"{said} has no end to compress: it is {row.status}; expected a trial that completed")
    if COMPRESSION.asked(configuration.training) is not None:
        made = "" if row.derived_from is None else f"; it was made of trial {row.derived_from}, which can be"
        raise AutopeftError(f"{said} is compressed already{made}")
    if not configuration.modules:
        raise AutopeftError(f"{said} has no adapters to compress; expected another trial")
    return row


def points_of(
    row: FrontRow, shape: BackboneShape, name: str = "compeft", given: Mapping[str, str] | None = None
) -> list[Configuration]:
    """Return the configuration of a trial with every combination of values of a compression's knobs.

    Args:
        row: The trial.
        shape: That of the backbone.
        name: Which compression.
        given: Values by knob, in the language of configurations, with commas between them; those that a search would
            try of a knob that is left out.

    Raises:
        AutopeftError: When there is no such compression.
        ConfigurationError: When there is no such knob, a value is out of range, or the adapters cannot be compressed.
    """
    if name not in COMPRESSION.words:
        raise AutopeftError(f"there is no compression {name!r}; expected one of {', '.join(COMPRESSION.words)}")
    configuration = Configuration.from_dict(row.configuration)
    ranges = {knob.name: str(knob.range).replace("|", ",") for knob in COMPRESSION.words[name].knobs}
    values = {
        knob: [value.strip() for value in text.split(",")] for knob, text in {**ranges, **dict(given or {})}.items()
    }
    points = [
        canonical(
            {
                **configuration.to_dict(),
                "training": {
                    **configuration.training,
                    "compression": name,
                    **{f"{name}_{knob}": value for knob, value in zip(values, point, strict=True)},
                },
            },
            VOCABULARY,
            shape,
        )
        for point in product(*values.values())
    ]
    # Where all is kept it is kept as it is, whatever the other knobs say.
    whole = [point for point in points if point.training[f"{name}_density"] == 1]
    return [point for point in dict.fromkeys(points) if point not in whole[1:]]


def compress_trial(
    prepared: Preparation,
    result: SearchResult,
    row: FrontRow,
    points: list[Configuration],
    say: Callable[[str], None] = lambda line: None,
) -> list[int]:
    """Measure what compression makes of a trial on validation, and record each point as a trial made of it.

    The trial is trained once more as it was, since searches keep no adapters, and compressed as often as there are
    points; a point that is recorded already is not measured again.

    Args:
        prepared: The plan of the run, made concrete.
        result: The run.
        row: What `to_compress` returned.
        points: What `points_of` returned.
        say: Hears what a user should know.

    Returns:
        The numbers of the points in the study, in their order; those that could not be measured are left out.

    Raises:
        AutopeftError: When data or model are others than in the search, another process works in the run's folder, or
            the trial does not come to an end again.
    """
    run = result.folder.absolute()
    prepare_folder(run)
    with locked(run), RunLog(run, Hearing(say)) as log:
        log.begun(f"compression of trial {row.trial}, {len(points)} points")
        study = load_study(run, result.plan.storage, result.study.study_name, writing=True)
        differing = prepared.spec.differences(study.user_attrs["spec"])
        if differing:
            listed = "\n".join(f"  {line}" for line in differing)
            raise StudyError(f"{result.folder} is of something else than what its plan names by now:\n{listed}")
        known = derived_of(study, row.trial)
        missing = [point for point in points if point.text not in known]
        if missing:
            folder = run / COMPRESSED / f"trial-{row.trial}"
            job = scored(prepared, scores_named(row.configuration.get("data", {})), run, log.said)
            with Crew(prepared.plan, job) as crew:
                _train(crew, prepared, row, folder, log.said)
                for index, (outcome, kept) in crew.do([Compress(point.text, folder) for point in missing]):
                    if outcome["status"] != "complete":
                        log.said(f"{missing[index].describe()}: left out, {outcome['status']}: {outcome['message']}")
                        continue
                    costs = _costs(prepared, missing[index], row, kept)
                    tell_derived(
                        study,
                        missing[index],
                        outcome,
                        parent=row.trial,
                        params=row.params,
                        costs=costs,
                        limit=result.scale.limit,
                        beyond=row.beyond,
                    )
                    log.said(f"{missing[index].describe()}: {outcome['accuracy']:.4f} on validation, {kept:,} bytes")
        known = derived_of(study, row.trial)
        log.complete = True
    return [known[point.text] for point in points if point.text in known]


def _costs(prepared: Preparation, point: Configuration, row: FrontRow, kept: int) -> list[float]:
    """Return the costs of a point: what is stored is measured, the time of a step is that of the trial."""
    known = {name: prepared.prices.known(name) for name in _CHANGED}
    return [
        float(kept) if name == _BYTES else float(price(point)) if (price := known.get(name)) else value
        for name, value in row.costs.items()
    ]


def _train(crew: Crew, prepared: Preparation, row: FrontRow, folder: Path, say: Callable[[str], None]) -> None:
    """Train a trial once more and keep its adapters, unless that has been done."""
    file, identity = folder / _REACHED, {"spec": prepared.spec.to_dict(), "configuration": dict(row.configuration)}
    if _reached(file, identity) is None:
        say(f"trial {row.trial} is trained once more, its adapters kept")
        errand = KeepTrial(Configuration.from_dict(row.configuration).text, prepared.job.seed, folder)
        [(_, outcome)] = crew.do([errand])
        if outcome["status"] != "complete":
            raise AutopeftError(f"trial {row.trial} did not come to its end again: {outcome['message']}")
        held = {**identity, _HOLDS: _digest(folder), "accuracy": outcome["accuracy"]}
        write_text(file, json.dumps(held) + "\n")
    reached = _reached(file, identity)
    if reached is not None and abs(reached - row.accuracy) > 1e-9:
        say(
            f"trained once more, trial {row.trial} reached {reached:.4f}, not {row.accuracy:.4f} as in the search: on "
            "another machine, or with other versions, points are not quite as the trial's own"
        )


def _reached(file: Path, identity: Mapping[str, Any]) -> float | None:
    """Return what a trial reached whose adapters were kept; None where there are none, others, or another search's."""
    try:
        found = json.loads(file.read_text(encoding="utf8"))
        accuracy = float(found.pop("accuracy"))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    same = found == {**json.loads(json.dumps(identity)), _HOLDS: _digest(file.parent)}
    return accuracy if same else None


def _digest(folder: Path) -> str:
    """Return the sha256 of the files that a trial kept."""
    found = hashlib.sha256()
    for file in sorted(path for path in folder.rglob("*") if path.is_file() and path.name != _REACHED):
        found.update(str(file.relative_to(folder)).encode() + b"\0" + file.read_bytes())
    return found.hexdigest()
