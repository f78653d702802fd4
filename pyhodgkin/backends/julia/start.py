"""Starting Julia: once in a process, when it is first needed, with one message when it cannot."""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
import threading
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import BackendUnavailableError
from . import discover, environment
from .errors import JuliaTrace, one_line, translated
from .interrupt import Watcher, python_keeps_its_signals
from .pack import Packer
from .requirements import LEAST_JULIA, PACKAGE, numbers, requirements

FORKED = (
    "Julia was started before this process was forked, and does not survive that; use "
    'multiprocessing\'s spawn (multiprocessing.get_context("spawn")) or backend="torch"'
)

_lock = threading.RLock()
_sessions: dict[str, Session] = {}
_failed: dict[tuple[str, object], str] = {}
_started_in: int | None = None


class Session:
    """The running Julia, with one package loaded into a module of its own.

    Attributes
    ----------
    flag : uint8 array (1,)
        Handed to the Julia functions that poll it: not zero means stop, return what you have.
    package : object
        The Julia package, as juliacall wraps it.
    version, julia_version : str
    threads : int
    """

    def __init__(self, juliacall: ModuleType, name: str, watcher: Watcher) -> None:
        self.juliacall = juliacall
        self.name = name
        base = juliacall.Base
        self.module = juliacall.newmodule("pyhodgkin")
        base.include(self.module, str(Path(__file__).with_name("bridge.jl")))
        self.package = self._load(name)
        self._invoke = self.module.invoke._jl_call_nogil
        self._packer = Packer(juliacall.ValueBase)
        self.version = str(base.pkgversion(self.package))
        self.julia_version = str(base.VERSION)
        self.threads = int(base.Threads.nthreads())
        self._watcher = watcher
        self.flag: NDArray[np.uint8] = watcher.flag
        self._functions: dict[str, Any] = {}

    def _load(self, name: str) -> Any:
        if name == PACKAGE:
            self.module.seval("import HodgkinNeurons")
            return self.module.HodgkinNeurons
        base = self.juliacall.Base
        return base.require(self.module, base.Symbol(name))

    def call(self, name: str, *args: Any) -> Any:
        """Call the function `name` of the package, without the lock of the interpreter.

        Arguments are numbers, strings, None, Julia objects, and numpy arrays in Fortran order
        (the transpose of a C-order array). Julia sees an `Array` in the same memory: for the
        length of the call, or as long as the caller keeps that memory alive. Ctrl-C sets `flag`.

        Raises
        ------
        InputError
            Where Julia raised an `InputError`, with its message.
        SolveError
            Where it raised anything else.
        BackendUnavailableError
            In a process that was forked after Julia started.
        """
        if os.getpid() != _started_in:
            raise BackendUnavailableError(FORKED)
        function = self._functions.get(name)
        if function is None:
            function = self._functions[name] = self._function(name)
        packer = self._packer
        objects, alive = packer.pack(args)
        watching = self._watcher.begin()
        try:
            return self._invoke(function, packer.address, len(args), *objects)
        except Exception as error:
            found = translated(error, name, self.module.explain)
            raise found from found.__cause__
        finally:
            if watching:
                self._watcher.end()
            del alive

    def _function(self, name: str) -> Any:
        try:
            return getattr(self.package, name)
        except AttributeError:
            raise BackendUnavailableError(
                f"the Julia package {self.name} {self.version} has no {name}: it is not of this "
                "version of pyhodgkin; run: pyhodgkin doctor --install"
            ) from None


def session(package: str = PACKAGE) -> Session:
    """The running Julia with `package` loaded; started when that has not been done.

    A start that failed is not tried again as long as the environment stays as it was.

    Raises
    ------
    BackendUnavailableError
        When Julia cannot start, with the reason and what to do.
    """
    found = _sessions.get(package)
    if found is None:
        with _lock:
            found = _sessions.get(package)
            if found is None:
                found = _sessions[package] = _first(package)
    if os.getpid() != _started_in:
        raise BackendUnavailableError(FORKED)
    return found


def started() -> bool:
    """Whether Julia runs in this process by our doing."""
    return _started_in == os.getpid()


def _first(package: str) -> Session:
    if _started_in is not None and os.getpid() != _started_in:
        raise BackendUnavailableError(FORKED)
    key = (package, discover.key())
    if key in _failed:
        raise BackendUnavailableError(_failed[key])
    try:
        return _start(package)
    except BackendUnavailableError as error:
        _failed[key] = str(error)
        raise


def _start(package: str) -> Session:
    global _started_in
    environment.prepare()
    running = "juliacall" in sys.modules and _started_in is None
    juliacall = _juliacall(package)
    if running:
        environment.warn_of_running(juliacall.CONFIG, int(juliacall.Base.Threads.nthreads()))
    version = str(juliacall.Base.VERSION)
    if numbers(version) < LEAST_JULIA:
        raise BackendUnavailableError(discover.too_old(version, juliacall.CONFIG["exepath"]))
    _started_in = os.getpid()
    try:
        with python_keeps_its_signals():
            loaded = Session(juliacall, package, _watcher())
            _free_other_threads(loaded)
    except Exception as error:
        found = _unavailable(
            f"Julia {version} runs, but its package {package} does not load: {_said(error)}. "
            f"Run: pyhodgkin doctor --install, or, in the project {juliacall.CONFIG['project']}, "
            "Pkg.instantiate() and Pkg.precompile()",
            error,
        )
        raise found from found.__cause__
    if package == PACKAGE and loaded.version != requirements().version:
        raise BackendUnavailableError(discover.wrong_version(loaded.version))
    return loaded


def _juliacall(package: str) -> ModuleType:
    """Import juliacall, which starts Julia."""
    if "juliacall" not in sys.modules:
        found = discover.look(package)
        if not found.ready and not found.installable:
            raise BackendUnavailableError(found.message)
        if found.source != discover.VARIABLES:
            discover.install()  # at once, when there is nothing to do
        discover.tell_if_it_compiles(found, package)
    try:
        with environment.one_warning_of_torch(), python_keeps_its_signals():
            return import_module("juliacall")
    except Exception as error:
        failed = _unavailable(
            f'Julia does not start: {_said(error)}. Run: pyhodgkin doctor, or use backend="torch"',
            error,
        )
        raise failed from failed.__cause__


def _said(error: BaseException) -> str:
    return one_line(str(error)) or type(error).__name__


def _unavailable(message: str, error: BaseException) -> BackendUnavailableError:
    found = BackendUnavailableError(message)
    found.__cause__ = JuliaTrace(str(error)) if environment.debug() else None
    return found


def _free_other_threads(loaded: Session) -> None:
    """Let threads of Python call Julia while the one that started it waits in Python.

    Julia's garbage collector stops every thread at a safe point. The thread that started Julia
    has none while it runs Python: without this, a call from another thread would wait for ever.
    """
    address = int(loaded.module.safe_enter())
    if address:
        ctypes.CFUNCTYPE(ctypes.c_int8)(address)()


_the_watcher: list[Watcher] = []


def _watcher() -> Watcher:
    if not _the_watcher:
        _the_watcher.append(Watcher())
    return _the_watcher[0]


def _forked() -> None:
    """In a forked child: keep Julia's exit hook from waiting for threads that are not here."""
    juliacall = sys.modules.get("juliacall")
    with contextlib.suppress(Exception):
        juliacall.CONFIG["lib"].jl_atexit_hook = _nothing  # type: ignore[union-attr]


def _nothing(*_: object) -> None:
    """Stands in for Julia's exit hook."""


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)
