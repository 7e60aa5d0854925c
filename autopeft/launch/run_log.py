"""What happens in a run, as lines of a file in its folder.

Each line is one JSON object: `time` (UTC), `event` (opened, started, finished, said, ended), `process`, and as far as
they apply `trial`, `status`, `accuracy`, `seconds` and `message`. Curves and tracebacks are in the study, which is the
record.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any

from autopeft.launch.desk import Listener, Silent
from autopeft.log_lines import RUN_LOG
from autopeft.passwords import without_passwords
from autopeft.study import Ask, Front
from autopeft.study.owner import this_owner

__all__ = ["Hearing", "RunLog"]

#: Letters of a message that a line holds at most.
_LONGEST = 1000


class Hearing(Silent):
    """A listener that hears what is said and nothing else.

    Args:
        say: Tells the user.
    """

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say

    def said(self, message: str) -> None:
        """Tell it."""
        self._say(message)


class RunLog:
    """A listener that writes down what it hears, and passes it on.

    As a context it is held while the run folder is; what it hears before waits until then, for the folder may not be
    there, or another's. A line that cannot be written is lost, and the run goes on.

    Args:
        folder: The run folder.
        listener: Who else follows.

    Attributes:
        complete: Whether the work has come to its end; to be set by whoever does it.
    """

    def __init__(self, folder: Path, listener: Listener) -> None:
        self.complete = False
        self._path = folder / RUN_LOG
        self._listener = listener
        self._process = this_owner()
        self._waiting: list[bytes] | None = []
        self._complained = False
        self._began = time.time()

    def __enter__(self) -> RunLog:
        waiting, self._waiting = self._waiting or [], None
        for line in waiting:
            self._append(line)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        failed = isinstance(error, Exception)
        status = "failed" if failed else "complete" if self.complete else "interrupted"
        self._write("ended", status=status, seconds=time.time() - self._began, message=str(error) if failed else "")

    def begun(self, work: str) -> None:
        """Write down, for readers of the log alone, which work begins."""
        self._write("opened", message=work)

    def opened(self, done: int) -> None:
        """Write down how many trials the study has already."""
        self.begun(f"search, {done} trials are done")
        self._listener.opened(done)

    def started(self, trial: Ask) -> None:
        """Write down that a trial has begun."""
        self._write("started", trial=trial.number, message=trial.configuration.describe())
        self._listener.started(trial)

    def measured(self, trial: Ask, point: Mapping[str, float]) -> None:
        """Pass it on: curves are in the study."""
        self._listener.measured(trial, point)

    def finished(self, trial: Ask, outcome: Mapping[str, Any], params: int, front: Front) -> None:
        """Write down how a trial ended; of one that was stopped, what it had reached."""
        reached = (outcome.get("curve") or [{}])[-1] if outcome["status"] == "stopped" else outcome
        facts = {name: outcome.get(name) for name in ("status", "seconds", "message")}
        self._write("finished", trial=trial.number, accuracy=reached.get("accuracy"), **facts)
        self._listener.finished(trial, outcome, params, front)

    def said(self, message: str) -> None:
        """Write down what a user should know."""
        self._write("said", message=message)
        self._listener.said(message)

    def _write(self, event: str, **facts: Any) -> None:
        facts["message"] = without_passwords(" ".join(str(facts.get("message") or "").split()))[:_LONGEST] or None
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        known = {name: value for name, value in facts.items() if value is not None}
        line = json.dumps({"time": now, "event": event, **known, "process": self._process}).encode("ascii")
        if self._waiting is None:
            self._append(line)
        else:
            self._waiting.append(line)

    def _append(self, line: bytes) -> None:
        """Write a line at once, so that those of two processes never mix."""
        try:
            file = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o664)
            try:
                # Another process may have been killed in the middle of a line, or this disk have been full.
                size = os.fstat(file).st_size
                torn = size > 0 and os.pread(file, 1, size - 1) != b"\n"
                os.write(file, b"\n" * torn + line + b"\n")
            finally:
                os.close(file)
        except OSError as error:
            if not self._complained:
                self._complained = True
                self._listener.said(f"{self._path} cannot be written ({error.strerror}); the run goes on without it")
