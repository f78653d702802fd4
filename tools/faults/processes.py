"""Processes that run a job: forked for each run, or kept where an engine has to be started."""

from __future__ import annotations

import json
import os
import signal
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any


def in_child(function: Callable, *arguments: Any) -> tuple[int, str]:
    """Run a function in a forked process; see `finished`."""
    return finished(*begun(function, *arguments))


def begun(function: Callable, *arguments: Any) -> tuple[int, int]:
    """A forked process that runs a function: its number, and the pipe of what it returns."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(read)
        code, text = tried(function, *arguments)
        os.write(write, text.encode()[:4000])
        os._exit(code)
    os.close(write)
    return pid, read


def finished(pid: int, read: int) -> tuple[int, str]:
    """Exit code of a process (minus the signal) and what it returned."""
    with os.fdopen(read, "rb") as file:
        text = file.read().decode()
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), text


def tried(function: Callable, *arguments: Any) -> tuple[int, str]:
    """0 and what the function returns, or 1 and its error."""
    try:
        return 0, str(function(*arguments) or "")
    except BaseException as error:
        if os.environ.get("FAULTS_TRACEBACK"):
            traceback.print_exc()
        return 1, f"{type(error).__name__}: {error}"


class Forked:
    """Runs of a job, each in a process forked from this one."""

    def __init__(self, job: Any) -> None:
        self.job = job

    def begin(self, folder: Path, replaces: bool) -> None:
        """Begin a run."""
        self._pid, self._read = begun(self.job.run, folder, replaces)

    def end(self) -> tuple[int, str]:
        """Wait for the run; see `finished`."""
        return finished(self._pid, self._read)

    def kill(self) -> tuple[int, str]:
        """SIGKILL; see `finished`."""
        os.kill(self._pid, signal.SIGKILL)
        return self.end()

    def run(self, folder: Path, replaces: bool) -> tuple[int, str]:
        """From the beginning to the end."""
        self.begin(folder, replaces)
        return self.end()

    def close(self) -> None:
        """Nothing stays."""


class Kept(Forked):
    """Runs of a job in a process that has started Julia, until that one is killed.

    A process that is forked after Julia was started cannot use it.

    Parameters
    ----------
    job : Job
    first : Path
        A folder for a first run, which starts the engine and compiles.
    """

    def __init__(self, job: Any, first: Path) -> None:
        super().__init__(job)
        self.first, self._pid = first, 0
        self._open: tuple[Any, ...] = ()

    def ask(self, what: str, folder: Path, replaces: bool) -> tuple[int, str]:
        """Call the method `what` of the job in that process."""
        self._send(what, folder, replaces)
        return self.end()

    def begin(self, folder: Path, replaces: bool) -> None:
        """See `Forked`; the engine runs by then."""
        if not self._pid:
            self._start()
            code, text = self.ask("run", self.first, True)
            assert not code, text
        self._send("run", folder, replaces)

    def end(self) -> tuple[int, str]:
        """Wait for the run, or for the end of its process."""
        line = self._open[0].readline()
        if line:
            code, text = json.loads(line)
            return code, text
        return self._ended()

    def kill(self) -> tuple[int, str]:
        """SIGKILL; -9, or what the run has returned before."""
        os.kill(self._pid, signal.SIGKILL)
        line = self._open[0].readline()
        code, text = self._ended()
        if line:
            code, text = json.loads(line)
        return code, text

    def close(self) -> None:
        """End the process."""
        if self._pid:
            self.kill()

    def _send(self, *asked: Any) -> None:
        self._open[1].write(json.dumps([str(asked[0]), str(asked[1]), asked[2]]) + "\n")
        self._open[1].flush()

    def _ended(self) -> tuple[int, str]:
        for file in self._open:
            file.close()
        pid, self._pid = self._pid, 0
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), ""

    def _start(self) -> None:
        (asked, ask), (answered, answer) = os.pipe(), os.pipe()
        self._pid = os.fork()
        if self._pid == 0:
            os.close(ask)
            os.close(answered)
            with os.fdopen(asked) as lines, os.fdopen(answer, "w") as out:
                for line in lines:
                    what, folder, replaces = json.loads(line)
                    Path(folder).mkdir(exist_ok=True)
                    found = tried(getattr(self.job, what), Path(folder), replaces)
                    out.write(json.dumps(found) + "\n")
                    out.flush()
            os._exit(0)
        os.close(asked)
        os.close(answer)
        self._open = os.fdopen(answered), os.fdopen(ask, "w")
