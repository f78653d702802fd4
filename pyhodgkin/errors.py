"""The exceptions of the package: each message names the argument, the value, the unit, the fix."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class PyHodgkinError(Exception):
    """Base class of every error that pyhodgkin raises on purpose."""


class InputError(PyHodgkinError, ValueError):
    """An argument has a value that cannot be used."""


class DocumentError(InputError):
    """A model document cannot be read."""


class RecordingError(InputError):
    """A recording is malformed or its file cannot be read."""


class UnknownNameError(InputError):
    """A model, gate, channel, parameter or solver of that name does not exist."""


class BackendUnavailableError(PyHodgkinError, ImportError):
    """The engine asked for cannot start on this machine."""


class SolveError(PyHodgkinError, RuntimeError):
    """A solve failed and the caller asked for an exception (``throw=True``)."""


class OutOfMemoryError(PyHodgkinError, MemoryError):
    """There is not enough memory for what was asked for; the message says what needs less."""


class CheckpointError(PyHodgkinError):
    """A checkpoint is damaged or belongs to another run."""


class RecordingWarning(UserWarning):
    """Something about a recording that was taken in one way and could be meant in another."""


class PlausibilityWarning(RecordingWarning):
    """A number that is hardly meant so, for instance seconds taken as ms."""


class FitWarning(UserWarning):
    """A fit that ended silent or no better than a constant, so that it means nothing."""


def nearest(name: str, choices: Iterable[str]) -> str:
    """Text that suggests the choice closest to `name`, and lists them all when they are few.

    Examples
    --------
    >>> nearest("wang_buzaki", ["squid_axon", "wang_buzsaki"])
    'did you mean "wang_buzsaki"? (known: squid_axon, wang_buzsaki)'
    """
    known = list(choices)
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    hint = f'did you mean "{close[0]}"?' if close else ""
    listing = f"(known: {', '.join(known)})" if len(known) <= 20 else ""
    return " ".join(part for part in (hint, listing) if part)


def unknown(kind: str, name: str, choices: Iterable[str]) -> UnknownNameError:
    """An `UnknownNameError` for a `kind` of thing, with the nearest match.

    Examples
    --------
    >>> str(unknown("clamp", "curent", ["current", "voltage"]))
    'unknown clamp "curent"; did you mean "current"? (known: current, voltage)'
    >>> str(unknown("gate", "q", ["n", "m"]))
    'unknown gate "q" (known: n, m)'
    """
    hint = nearest(name, choices)
    between = "; " if hint.startswith("did") else " "
    return UnknownNameError(f'unknown {kind} "{name}"{between if hint else ""}{hint}')
