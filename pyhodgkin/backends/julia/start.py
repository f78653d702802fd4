"""Starting Julia: once in a process, when it is first needed, with one message when it cannot."""

from __future__ import annotations

import contextlib
import functools
import os
import sys
import threading
from importlib import import_module
from typing import Any

from ...errors import BackendUnavailableError
from ...notices import notice
from . import discover, environment, packages
from .connection import Connection, JuliaFailure, connect
from .environment import depots
from .errors import JuliaTrace, one_line
from .interrupt import Watcher, python_keeps_its_signals
from .requirements import PACKAGE, numbers
from .session import Session
from .streams import streams_as_before

FORKED = (
    "Julia was started before this process was forked, and does not survive that; use "
    'multiprocessing\'s spawn (multiprocessing.get_context("spawn")) or backend="torch"'
)
COMPILES = "Julia compiles its packages; this start takes minutes, later ones seconds"

_lock = threading.RLock()
_sessions: dict[str, Session] = {}
_failed: dict[object, str] = {}  # by package and environment, or None where Julia itself failed
_started_in: int | None = None
_connection: Connection | None = None
_watcher = functools.cache(Watcher)


def session(package: str = PACKAGE) -> Session:
    """The running Julia with `package` loaded; started when that has not been done.

    A start that failed is not tried again as long as the environment stays as it was.

    Raises
    ------
    BackendUnavailableError
        When Julia cannot start, with the reason and what to do.
    """
    check_fork()
    with _lock:
        if package not in _sessions:
            if failure(package):
                raise BackendUnavailableError(failure(package))
            before = discover.key()
            try:
                with streams_as_before():
                    _sessions[package] = _start(package)
            except BackendUnavailableError as error:
                for key in (before, discover.key()):  # Julia may run by now
                    _failed[package, key] = str(error)
                raise
        return _sessions[package]


def check_fork() -> None:
    """Raise in a process that was forked after Julia started."""
    if _started_in not in (None, os.getpid()):
        raise BackendUnavailableError(FORKED)


def failure(package: str = PACKAGE) -> str:
    """Why the package failed to start in this process, as things stand; "" if it did not."""
    return _failed.get(None) or _failed.get((package, discover.key()), "")


def _start(package: str) -> Session:
    global _started_in, _connection
    juliacall, ours = sys.modules.get("juliacall"), "juliacall" not in sys.modules
    if juliacall is None:
        juliacall = _juliacall(package)
    elif _connection is None:
        environment.warn_of_running(juliacall.CONFIG, int(juliacall.Base.Threads.nthreads()))
    _started_in = os.getpid()
    with python_keeps_its_signals():
        if _connection is None:
            _connection = connect(juliacall, ours)
        version = _connection.built_in("julia")
        discover.check_version(version, "of this process")
        try:
            loaded = Session(_connection, package, _watcher(), check_fork)
        except JuliaFailure as failure:
            raise BackendUnavailableError(
                f"Julia {version} runs, but its package {package} does not load: "
                f"{one_line(failure.said)}. Run: pyhodgkin doctor --install, or, in the project "
                f"{juliacall.CONFIG.get('project')}, Pkg.instantiate() and Pkg.precompile()"
            ) from (JuliaTrace(failure.stack) if failure.stack else None)
    if package == PACKAGE:
        discover.check_package(loaded.version)
    return loaded


def _juliacall(package: str) -> Any:
    """Import juliacall, which starts Julia."""
    found = discover.look(package)
    if not (found.ready or found.installable):
        raise discover.JuliaUnavailableError(found.reason, found.fix)
    environment.prepare()
    if found.source != discover.VARIABLES:
        packages.install()  # at once, when there is nothing to do
    series = "v" + ".".join(map(str, numbers(found.version)[:2]))
    files = (f for d in depots() for f in (d / "compiled" / series / package).glob("*.ji"))
    if found.version and not any(files) and not environment.quiet():
        notice(COMPILES)
    try:
        with environment.one_warning_of_torch(), python_keeps_its_signals():
            return import_module("juliacall")
    except Exception as error:
        # Not a second time in this process: Julia may be half started.
        hint = 'Run: pyhodgkin doctor, or use backend="torch"'
        _failed[None] = f"Julia does not start: {one_line(str(error))}. {hint}"
        trace = JuliaTrace(str(error)) if environment.debug() else None
        raise BackendUnavailableError(_failed[None]) from trace


def _forked() -> None:
    """In a forked child: keep Julia's exit hook from waiting for threads that are not here."""
    with contextlib.suppress(Exception):
        sys.modules["juliacall"].CONFIG["lib"].jl_atexit_hook = lambda *_: None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)
