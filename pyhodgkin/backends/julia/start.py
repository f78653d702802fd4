"""Starting Julia: once in a process, when it is first needed, with one message when it cannot."""

from __future__ import annotations

import contextlib
import functools
import os
import sys
import threading
from importlib import import_module
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import BackendUnavailableError
from . import discover, environment, install
from .abi import Piece
from .connection import JuliaConnection, JuliaFailure
from .errors import JuliaTrace, one_line, translated
from .interrupt import Watcher, python_keeps_its_signals
from .requirements import LEAST_JULIA, PACKAGE, numbers, requirements

FORKED = (
    "Julia was started before this process was forked, and does not survive that; use "
    'multiprocessing\'s spawn (multiprocessing.get_context("spawn")) or backend="torch"'
)

_lock = threading.RLock()
_sessions: dict[str, Session] = {}
_failed: dict[object, str] = {}
_started_in: int | None = None
_connection: JuliaConnection | None = None


class Session:
    """The running Julia, with one package loaded.

    Attributes
    ----------
    flag : uint8 array (1,)
        Handed to the Julia functions that poll it: not zero means stop, return what you have.
    version, julia_version : str
    threads : int
    """

    def __init__(self, connection: JuliaConnection, name: str, watcher: Watcher) -> None:
        self.name = name
        self.flag: NDArray[np.uint8] = watcher.flag
        self._connection, self._watcher = connection, watcher
        self._package = connection.built_in("load", name)
        self._functions: dict[str, Piece] = {}
        self.version: str = connection.built_in("version", self._package)
        self.julia_version: str = connection.built_in("julia")
        self.threads: int = connection.built_in("threads")

    def call(self, name: str, *args: Any) -> Any:
        """Call the function `name` of the package, without the lock of the interpreter.

        Arguments are numbers, strings, None, what a call returned, and numpy arrays in Fortran
        order (the transpose of a C-order array). Julia sees an `Array` in the same memory: for
        the length of the call, or as long as the caller keeps that memory alive. Numbers,
        strings and None come back as such, anything else as a handle; `julia_view` makes a numpy
        array of that of an array. Ctrl-C sets `flag`.

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
        watching = self._watcher.begin()
        try:
            return self._connection.call(function.number, args)
        except JuliaFailure as failure:
            found = translated(failure, name)
            raise found from found.__cause__
        finally:
            if watching:
                self._watcher.end()

    def _function(self, name: str) -> Piece:
        if not self._connection.built_in("has", self._package, name):
            raise BackendUnavailableError(
                f"the Julia package {self.name} {self.version} has no {name}: it is not of this "
                "version of pyhodgkin; run: pyhodgkin doctor --install"
            )
        return self._connection.find(self._package, name)


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


def failure(package: str = PACKAGE) -> str:
    """Why the package failed to start in this process, as things stand; "" if it did not."""
    return next((_failed[k] for k in (None, (package, discover.key())) if k in _failed), "")


def started() -> bool:
    """Whether Julia runs in this process by our doing."""
    return _started_in == os.getpid()


def _first(package: str) -> Session:
    if _started_in is not None and os.getpid() != _started_in:
        raise BackendUnavailableError(FORKED)
    key = (package, discover.key())
    if failure(package):
        raise BackendUnavailableError(failure(package))
    try:
        return _start(package)
    except BackendUnavailableError as error:
        for now in (key, (package, discover.key())):  # Julia may run by now
            _failed[now] = str(error)
        raise


def _start(package: str) -> Session:
    global _started_in, _connection
    juliacall = sys.modules.get("juliacall")
    ours = juliacall is None
    if juliacall is None:
        juliacall = _juliacall(package)
    elif _connection is None:
        threads = int(juliacall.Base.Threads.nthreads())
        environment.warn_of_running(juliacall.CONFIG, threads)
    _started_in = os.getpid()
    with python_keeps_its_signals():
        if _connection is None:
            _connection = JuliaConnection(juliacall, ours)
        version = _connection.built_in("julia")
        if numbers(version) < LEAST_JULIA:
            raise BackendUnavailableError(discover.too_old(version, "this process"))
        try:
            loaded = Session(_connection, package, _the_watcher())
        except JuliaFailure as failure:
            found = BackendUnavailableError(
                f"Julia {version} runs, but its package {package} does not load: "
                f"{one_line(failure.said)}. Run: pyhodgkin doctor --install, or, in the project "
                f"{juliacall.CONFIG.get('project')}, Pkg.instantiate() and Pkg.precompile()"
            )
            raise found from (JuliaTrace(failure.stack) if failure.stack else None)
    if package == PACKAGE and loaded.version != requirements().version:
        raise BackendUnavailableError(discover.wrong_version(loaded.version))
    return loaded


def _juliacall(package: str) -> ModuleType:
    """Import juliacall, which starts Julia."""
    found = discover.look(package)
    if not found.ready and not found.installable:
        raise BackendUnavailableError(found.message)
    environment.prepare()
    if found.source != discover.VARIABLES:
        install.install()  # at once, when there is nothing to do
    install.tell_if_it_compiles(found, package)
    try:
        with environment.one_warning_of_torch(), python_keeps_its_signals():
            return import_module("juliacall")
    except Exception as error:
        # Not a second time in this process: Julia may be half started.
        _failed[None] = (
            f"Julia does not start: {one_line(str(error))}. Run: pyhodgkin doctor, or use "
            'backend="torch"'
        )
        failed = BackendUnavailableError(_failed[None])
        raise failed from (JuliaTrace(str(error)) if environment.debug() else None)


@functools.cache
def _the_watcher() -> Watcher:
    return Watcher()


def _forked() -> None:
    """In a forked child: keep Julia's exit hook from waiting for threads that are not here."""
    juliacall = sys.modules.get("juliacall")
    with contextlib.suppress(Exception):
        juliacall.CONFIG["lib"].jl_atexit_hook = _nothing  # type: ignore[union-attr]


def _nothing(*_: object) -> None:
    """Stands in for Julia's exit hook."""


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)
