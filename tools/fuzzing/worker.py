"""A process that reads one input after another, under limits, and says what happened."""

from __future__ import annotations

import multiprocessing
import os
import resource
import sys
import sysconfig
import time
import traceback
import warnings
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

SECONDS = 10.0  # of the processor, for one input
WAIT = 60.0  # s of the clock, for one input
MEMORY = 256 << 20  # bytes beside ten times the input
_RUNS_CODE = ("exec", "os.system", "subprocess.Popen", "os.posix_spawn", "os.exec", "os.fork",
              "pickle.find_class", "socket.connect", "socket.getaddrinfo")  # fmt: skip


@dataclass
class Outcome:
    """`kind`: "read", "refused", or that of a fault; `text` is the error or the content."""

    kind: str
    text: str
    seconds: float = 0.0


def _serve(pipe: Connection, name: str, base: str, options: dict[str, Any]) -> None:
    sys.setrecursionlimit(1000)
    warnings.simplefilter("ignore")
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 2)
    from .targets import TARGETS

    target = TARGETS[name]
    watch = _Watch()
    try:
        target.read(Path(base), options)  # what is imported on the way
    except Exception:
        pass
    size = _virtual()
    sys.addaudithook(watch)
    pipe.send("ready")
    while True:
        folder, path, given = pipe.recv()
        total = sum(p.stat().st_size for p in Path(folder).rglob("*") if p.is_file())
        _limit(max(size, _virtual()) + MEMORY + 10 * total)
        watch.begin(Path(folder))
        outcome = _read(target, Path(path), given, watch)
        watch.end()
        _limit(None)
        pipe.send(outcome)


def _read(target: Any, path: Path, options: dict[str, Any], watch: _Watch) -> Outcome:
    from pyhodgkin.errors import PyHodgkinError

    start = time.process_time()
    try:
        kind, text = "read", target.read(path, options)
    except PyHodgkinError as error:
        kind, text = "refused", str(error)
        if "Unable to allocate" in text:
            kind = "memory"
        cause: BaseException | None = error
        while cause is not None:
            if isinstance(cause, MemoryError):
                kind = "memory"
            cause = cause.__cause__ or cause.__context__
    except MemoryError:
        kind, text = "memory", traceback.format_exc()
    except BaseException as error:
        kind, text = f"error {type(error).__name__}", traceback.format_exc()
    if watch.found:
        kind, text = f"audit {watch.found[0].split()[0]}", "\n".join(watch.found)
    return Outcome(kind, text, time.process_time() - start)


class _Watch:
    """An audit hook: files that are opened outside of the input, code that is run."""

    def __init__(self) -> None:
        self.found: list[str] = []
        self._folder: str | None = None
        known = {sys.prefix, sys.base_prefix, *sysconfig.get_paths().values(), "/proc", "/sys"}
        known |= {str(Path(__file__).resolve().parents[2]), "/dev/null", "/usr", "/etc/localtime"}
        self._known = tuple(known)

    def begin(self, folder: Path) -> None:
        self.found, self._folder = [], str(folder.resolve())

    def end(self) -> None:
        self._folder = None

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self._folder is None:
            return
        if event == "open" and isinstance(arguments[0], (str, bytes, os.PathLike)):
            folder, self._folder = self._folder, None
            path = os.path.realpath(os.fsdecode(arguments[0]))
            self._folder = folder
            if not path.startswith((folder, *self._known)):
                self.found.append(f"open {path}")
        elif event in _RUNS_CODE:
            if event == "exec" and arguments[0].co_filename.startswith(
                (*self._known, "<frozen", "<string>", "<__array")
            ):
                return
            self.found.append(f"{event} {arguments!r}"[:300])


def _virtual() -> int:
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[0]) * resource.getpagesize()


def _spent(pid: int) -> float:
    """Processor time of a process, s (Linux); that of one that has ended is 0."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:
            fields = file.read().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _limit(size: int | None) -> None:
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    resource.setrlimit(resource.RLIMIT_AS, (hard if size is None else size, hard))


class Worker:
    """The process; started again when it dies or hangs."""

    def __init__(self, name: str, base: Path, options: dict[str, Any]) -> None:
        self._arguments = name, str(base), options
        self._process: Any = None

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, inside = context.Pipe()
        self._process = context.Process(target=_serve, args=(inside, *self._arguments), daemon=True)
        self._process.start()
        inside.close()
        if not self._pipe.poll(600.0):
            raise RuntimeError("the worker does not start")
        self._pipe.recv()

    def read(self, case: Any) -> Outcome:
        """What reading an input gives."""
        if self._process is None:
            self._start()
        self._pipe.send((str(case.folder), str(case.path), case.options))
        try:
            spent = self._answered()
            if spent is None:
                return self._pipe.recv()
            outcome = Outcome("hang", f"no answer after {spent:.1f} s of the processor", spent)
        except (EOFError, ConnectionResetError):
            self._process.join(5.0)
            outcome = Outcome("crash", f"exit code {self._process.exitcode}")
        self.stop()
        return outcome

    def _answered(self) -> float | None:
        """None when an answer has come; else the processor time spent without one."""
        began, end = _spent(self._process.pid), time.monotonic() + WAIT
        while not self._pipe.poll(0.5):
            spent = _spent(self._process.pid) - began
            if spent > SECONDS or time.monotonic() > end:
                return spent
        return None

    def stop(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.kill()
            self._process.join()
            self._process = None
