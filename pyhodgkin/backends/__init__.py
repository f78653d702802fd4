"""The engines: one contract (`base`), pure torch, and Julia."""

from __future__ import annotations

import functools
import importlib.metadata
import importlib.util
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..errors import BackendUnavailableError, InputError, unknown
from . import announce
from .solvers import register_solver as register_solver
from .solvers import unregister_solver as unregister_solver

if TYPE_CHECKING:
    from ..neuron.neuron import Neuron
    from .base import Backend, SolveOptions

NAMES = ("julia", "torch")

NO_TORCH = ("torch is not installed", "run: pip install torch")


@dataclass(frozen=True)
class Availability:
    """Whether an engine can start here at once.

    `version` is that of torch or of Julia, as far as it is known without starting it; where
    `ready` is false, `reason` says why and `fix` what to do.
    """

    name: str
    ready: bool
    version: str = ""
    reason: str = ""
    fix: str = ""


def available() -> list[Availability]:
    """Both engines, and whether each can start; nothing is started or downloaded.

    This reads files. Whether the packages load is only known after a start, as ``pyhodgkin doctor``
    makes one; an engine that failed to start in this process is not ready.

    Examples
    --------
    >>> [engine.name for engine in available()]
    ['julia', 'torch']
    """
    return [_julia(), _torch()]


def get(
    name: str = "auto", options: SolveOptions | None = None, neurons: Iterable[Neuron] = ()
) -> Backend:
    """The engine called `name`; ``"auto"`` is the best one that can start here.

    ``"auto"`` takes Julia where that can start without a download and knows how to do what
    `options` and `neurons` ask for, and torch otherwise; on standard error it says which, and
    why, once a day (``PYHODGKIN_QUIET=1`` silences it). ``"julia"`` starts Julia, and lets
    juliapkg install what is missing.

    Raises
    ------
    UnknownNameError
        If there is no engine of that name.
    BackendUnavailableError
        If it cannot start; the message says how to install it.

    Examples
    --------
    >>> get("torch").solvers()[0]
    'rodas5p'
    """
    if name not in ("auto", *NAMES):
        raise unknown("backend", name, ("auto", *NAMES))
    if name == "julia":
        return _start_julia()
    if name == "torch":
        return _start_torch()
    against = _against_julia(options, neurons)
    if not against:
        try:
            engine = _start_julia()
        except BackendUnavailableError as error:
            against = str(error)
        else:
            announce.say("julia", "it can start here")
            return engine
    if not _torch().ready:
        raise BackendUnavailableError(
            f"no engine can start: {'; '.join(NO_TORCH)}; and not Julia: {against}"
        )
    announce.say("torch", f"not Julia: {against}")
    return _start_torch()


def check_named(engine: Backend) -> None:
    """Raise unless other processes can start this engine, by its name."""
    if engine.name not in NAMES:
        raise InputError(f"backend: workers start an engine by its name, not {engine!r}")


def _julia() -> Availability:
    from .julia import discover, start

    found, failure = discover.look(), start.failure()
    if found.ready and failure:
        return Availability("julia", False, found.version, failure)
    return Availability("julia", found.ready, found.version, found.reason, found.fix)


def _torch() -> Availability:
    if "torch" not in sys.modules and importlib.util.find_spec("torch") is None:
        return Availability("torch", False, "", *NO_TORCH)
    return Availability("torch", True, _version("torch"))


@functools.cache
def _version(package: str) -> str:
    return importlib.metadata.version(package)


def _start_julia() -> Backend:
    from .julia.start import session

    session()
    return _julia_engine()


@functools.cache
def _julia_engine() -> Backend:
    from .julia.engine import JuliaBackend

    return JuliaBackend()


def _start_torch() -> Backend:
    if not _torch().ready:
        raise BackendUnavailableError(f'backend = "torch": {"; ".join(NO_TORCH)}')
    from .torch.engine import TorchBackend

    return TorchBackend()


def _against_julia(options: SolveOptions | None, neurons: Iterable[Neuron]) -> str:
    """Why ``"auto"`` does not take Julia, or nothing."""
    found = _julia()
    if not found.ready:
        return "; ".join(part for part in (found.reason, found.fix) if part)
    refused = "" if options is None else _options_refused(options)
    return refused or next(filter(None, map(_without_tables, neurons)), "")


def _options_refused(options: SolveOptions) -> str:
    if options.dtype != "float64":
        return f'dtype = "{options.dtype}" was asked for, in which torch is the faster engine'
    if options.device != "cpu":
        return f'it computes on the CPU, and device = "{options.device}" was asked for'
    from .julia.requirements import names

    if options.solver not in names("solvers"):
        return f'it has no solver "{options.solver}"'
    return ""


def _without_tables(neuron: Neuron) -> str:
    """Why a neuron cannot go to Julia as tables, or nothing."""
    try:
        _ = neuron.tables
    except InputError as error:
        return str(error)
    return ""
