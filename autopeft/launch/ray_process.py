"""A process of its own that speaks to Ray: Ray ends the process that speaks to it when its own are gone."""

from __future__ import annotations

import os
import pickle
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Generator, Mapping
from contextlib import AbstractContextManager, nullcontext, suppress
from multiprocessing.connection import Connection
from types import TracebackType
from typing import IO, Any, NamedTuple

from autopeft.errors import AutopeftError, RunError
from autopeft.launch.cluster import Cluster
from autopeft.launch.places import Places
from autopeft.launch.quiet import heard

__all__ = ["ALIVE", "REPLACED", "RayGoneError", "RayProcess", "Request", "WorkerDiedError"]

#: Makes the context within which the other process is waited for.
Heeded = Callable[[], AbstractContextManager[None]]

#: How often Ray is started anew in place of one that has ended.
REPLACED = 2

#: How often a process that waits for the other looks whether it is there, and how long it has to end by itself.
_LOOK_SECONDS, _LEAVE_SECONDS = 1.0, 10.0

#: So long it may give no sign of life; starting takes long on a busy machine.
_SILENCE_SECONDS = 60.0

#: The file in the scratch folder that the other process touches as long as it and Ray are at work.
ALIVE = "alive"


_STANDARD_ERROR = 2


class RayGoneError(RunError):
    """Ray has ended, or what speaks to it."""


class WorkerDiedError(RunError):
    """A worker ended before it could answer."""


class Request(NamedTuple):
    """What a task in the other process asks for, to be answered."""

    name: str
    args: tuple[Any, ...]


class RayProcess:
    """Does tasks in a process that has started or joined Ray, to be used as a context; started at the first task.

    Args:
        places: The workers on this machine.
        address: Address of a Ray cluster; None starts Ray on this machine.
        asked: How many workers there shall be on a cluster; None for as many as it has room for.
    """

    def __init__(self, places: Places, address: str | None, asked: int | None = None) -> None:
        self._places = places
        self._address, self._asked = address, asked
        self._cluster: Cluster | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._connection: Connection | None = None
        self._said: IO[bytes] | None = None
        self._folders: list[str] = []
        self._lost = 0

    def __enter__(self) -> RayProcess:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end(politely=error is None)

    @property
    def cluster(self) -> Cluster | None:
        """The nodes of the cluster as it was joined; None for a Ray on this machine alone.

        Raises:
            AutopeftError: When it cannot be joined, or has no room for a trial.
        """
        if self._address is not None and self._cluster is None:
            self._begin()
        return self._cluster

    @property
    def places(self) -> Places:
        """The workers; errors as of `cluster`."""
        return self._places if self.cluster is None else self.cluster.places(self._asked)

    @property
    def at_most(self) -> int | None:
        """How many workers there may be; None for as many as the cluster has room for."""
        return None if self.places.grows else self.places.workers

    def leave(self) -> None:
        """End the other process, whatever it does."""
        self._end(politely=False)

    def call(
        self,
        task: str,
        service: Any = None,
        heeded: Heeded = nullcontext,
        **settings: Any,
    ) -> Any:
        """Do a task, answer what it asks for, and return what it returns.

        Args:
            task: `module:function`; the function is given what asks here, and the settings.
            service: Whose methods and attributes are asked for.
            heeded: Within it the other process is waited for.
            settings: Picklable, and so is all that is asked and answered.

        Raises:
            AutopeftError: What the task raises, or that Ray cannot be started.
            RayGoneError: When Ray has ended; the next task starts it anew.
            Exception: What else the service raises; the other process ends then.
        """
        talk = self.talk(task, settings, heeded)
        answer: Any = None
        try:
            while True:
                request = talk.send(answer)
                try:
                    found = getattr(service, request.name)
                    answer = True, found(*request.args) if callable(found) else found
                except AutopeftError as error:
                    answer = False, error
        except StopIteration as end:
            return end.value
        finally:
            talk.close()

    def in_worker(self, do: Callable[[], Any]) -> Any:
        """Do something in a worker like those of trials, which ends with it, and return what it returned.

        Args:
            do: What to do, picklable.

        Raises:
            AutopeftError: What it found that a user can mend.
            RunError: When the worker died, it failed for another reason, or Ray keeps ending.
        """
        while True:
            try:
                return self.call("autopeft.launch.ray_tasks:in_worker", call=do, gpus=self.places.gpus)
            except RayGoneError as gone:
                self.replaced(gone)

    def talk(
        self, task: str, settings: Mapping[str, Any], heeded: Heeded = nullcontext
    ) -> Generator[Request, tuple[bool, Any], Any]:
        """Do a task; yield what it asks for, and return what it returns.

        What is sent is whether that went well, and the answer or the error. See `call` for arguments and errors.
        """
        if self._process is None:
            self._begin()
        self._send((task, dict(settings)))
        ended = False
        try:
            while True:
                kind, body = self._receive(heeded)
                if kind == "ask":
                    self._send((yield Request(*body)))
                    continue
                ended = True
                if kind == "done":
                    return body
                raise body
        finally:
            if not ended:
                # Nobody will answer any more.
                self._end(politely=False)

    def replaced(self, gone: RayGoneError) -> str:
        """Note that Ray has ended; return what to say.

        Raises:
            RunError: When it has too often.
        """
        self._lost += 1
        if self._lost > REPLACED:
            raise RunError(
                f"{gone}, {self._lost} times by now; what is finished is kept: run the same command again, or "
                "with --workers 0 without Ray"
            ) from gone
        return f"{gone}; it is started anew"

    def _begin(self) -> None:
        ours, theirs = socket.socketpair()
        self._connection = Connection(ours.detach())
        # Open as long as the process is.
        self._said = None if heard() else tempfile.TemporaryFile()  # noqa: SIM115
        # Standard output is the user's; what Python calls standard error may be a notebook's.
        output = _STANDARD_ERROR if self._said is None else self._said
        with theirs:
            self._process = subprocess.Popen(
                # -P: what lies in the working folder is found where it was found here, and not before all else.
                [sys.executable, "-P", "-m", "autopeft.launch.ray_child", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                # Ctrl-C is for this process alone.
                start_new_session=True,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(each or os.getcwd() for each in sys.path)},
            )
        self._folders = [tempfile.mkdtemp(prefix="autopeft-")]
        self._send((self._places.workers, self._places.gpus, self._address, heard(), self._folders[0]))
        kind, body = self._receive(nullcontext)
        if kind == "failed":
            self._end(politely=True)
            raise body
        folder, found = body
        self._folders += [folder] if folder else []
        if found is not None:
            self._cluster = found

    def _send(self, message: Any) -> None:
        assert self._connection is not None
        try:
            self._connection.send_bytes(pickle.dumps(message))
        except OSError:
            self._gone()

    def _receive(self, heeded: Heeded) -> Any:
        assert self._connection is not None
        assert self._process is not None
        alive, silence = None, 0
        with heeded():
            while True:
                try:
                    if self._connection.poll(_LOOK_SECONDS):
                        return pickle.loads(self._connection.recv_bytes())
                except (EOFError, ConnectionError):
                    self._gone()
                if self._process.poll() is not None:
                    self._gone()
                # Looks are counted, not seconds: this process may have been suspended too.
                before, alive = alive, self._sign_of_life()
                silence = silence + 1 if alive is not None and alive == before else 0
                if silence * _LOOK_SECONDS > _SILENCE_SECONDS:
                    self._gone()

    def _sign_of_life(self) -> int | None:
        """Return when the other process, or the Ray it speaks to, was seen alive last; None before the first time."""
        try:
            return os.stat(os.path.join(self._folders[0], ALIVE)).st_mtime_ns
        except OSError:
            return None

    def _gone(self) -> None:
        said = self._last_said()
        self._end(politely=False)
        raise RayGoneError(f"Ray has ended on its own{said}")

    def _last_said(self) -> str:
        """Return the last line that the other process has printed, in brackets."""
        if self._said is None:
            return ""
        self._said.seek(0)
        lines = [line for line in self._said.read().decode(errors="replace").splitlines() if line.strip()]
        return f" ({lines[-1].strip()[:200]})" if lines else ""

    def _end(self, politely: bool) -> None:
        """End the other process and with it the Ray it has started: these die with whoever started them."""
        if self._process is None:
            return
        assert self._connection is not None
        # Closed, it says that there is no further task.
        self._connection.close()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_LEAVE_SECONDS if politely else 0)
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        if self._said is not None:
            self._said.close()
        for folder in self._folders:
            shutil.rmtree(folder, ignore_errors=True)
        self._process = self._connection = None
