"""The verb `sweep`: a function for each of many settings, here or over a cluster."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping, Sized
from itertools import product
from traceback import format_exc
from typing import Any, cast

import numpy as np

from .cluster import check_workers, client_of, divided
from .errors import InputError
from .fitting.run.interrupts import Interrupts
from .progress import Bar
from .results.sweep import NOT_COMPUTED, SweepResult, SweepRow


def sweep(
    function: Callable[..., Any],
    settings: Mapping[str, Iterable[Any]] | Iterable[Mapping[str, Any]],
    *,
    workers: int | None = None,
    cluster: Any = None,
    progress: bool | None = None,
) -> SweepResult:
    """Call a function for each of many settings: fits of several widths and seeds, say.

    A setting that fails has its error in the result, and the others are computed. Ctrl-C keeps
    what is finished; `SweepResult.remaining` has the settings that are left.

    Parameters
    ----------
    function : callable
        Called with the values of a setting by name: ``function(width=8, seed=0)``. For workers
        it has to be one that can be sent: best of a module, which they import.
    settings : mapping or sequence of mapping
        For each argument the values it takes, of which every combination is computed (the last
        name varies fastest), or the settings one by one.
    workers : int, optional
        Processes on this machine (a local Dask cluster; needs the extra ``cluster``).
    cluster : dask.distributed.Client or str, optional
        A cluster, or the address of its scheduler. If a worker dies, its setting is computed
        again by another one, three times at most.
    progress : bool, optional
        A progress bar with the time left; default on a terminal and in a notebook.

    Returns
    -------
    SweepResult
        A row for each setting, in their order: the setting, its value or error. With
        ``to_pandas``.

    Raises
    ------
    InputError
        Before anything is computed: for what is no function, settings that it does not take, and
        what cannot be sent to workers.
    BackendUnavailableError
        Where Dask is needed and not installed.

    Examples
    --------
    >>> import pyhodgkin as ph
    >>> def steady_state(v, gate):
    ...     return float(ph.library.get("squid_axon").gate(gate).kinetics.x_inf(v))
    >>> ph.sweep(steady_state, {"v": [-65.0, -30.0], "gate": ["m", "p"]})
    SweepResult(4 settings, 2 failed)
    v     gate   value     error
    -65   m      0.05293
    -65   p                UnknownNameError: unknown gate "p" (known: n, m, h)
    -30   m      0.7344
    -30   p                UnknownNameError: unknown gate "p" (known: n, m, h)
    """
    if not callable(function):
        raise InputError(f"function is a {type(function).__name__}; give a function")
    check_workers(workers, cluster)
    rows = settings_of(settings)
    _check_arguments(function, rows)
    found: dict[int, SweepRow] = {}
    failed = 0
    parts = _here if workers is None and cluster is None else _there(workers, cluster)
    with Bar(progress) as bar:
        try:
            for number, (value, error, where) in parts(function, rows):
                found[number] = SweepRow(rows[number], value, error, where)
                failed += bool(error)
                note = f"{failed} failed" if failed else ""
                bar.update("sweep", len(found), len(rows), note)
        except KeyboardInterrupt:
            pass
    left = {"error": NOT_COMPUTED, "computed": False}
    return SweepResult([found.get(i, SweepRow(x, **left)) for i, x in enumerate(rows)])


Outcome = tuple[Any, str, str]  # value, error, traceback
Parts = Callable[[Callable[..., Any], list[dict[str, Any]]], Iterator[tuple[int, Outcome]]]


def settings_of(
    settings: Mapping[str, Iterable[Any]] | Iterable[Mapping[str, Any]],
) -> list[dict[str, Any]]:
    """The settings one by one.

    Examples
    --------
    >>> settings_of({"width": [8, 16], "seed": range(2)})[1:3]
    [{'width': 8, 'seed': 1}, {'width': 16, 'seed': 0}]
    """
    rows: list[dict[str, Any]] = []
    if isinstance(settings, Mapping):
        by_name = cast("Mapping[str, Any]", settings)
        values = [_values(name, given) for name, given in by_name.items()]
        if values:
            rows = [dict(zip(by_name, row, strict=True)) for row in product(*values)]
    elif isinstance(settings, Iterable) and not isinstance(settings, str | bytes):
        for number, row in enumerate(settings):
            if not isinstance(row, Mapping):
                raise InputError(
                    f"settings[{number}] is a {type(row).__name__}; give a mapping of the names "
                    'of arguments to values, such as {"width": 8, "seed": 0}'
                )
            rows.append(dict(row))
    else:
        raise InputError(
            f"settings is a {type(settings).__name__}; give a mapping of names to values, such as "
            '{"width": [8, 16], "seed": range(3)}, or a list of mappings'
        )
    if not rows:
        raise InputError("settings: there is none; give each argument one value at least")
    return rows


def _values(name: str, given: Any) -> list[Any]:
    if isinstance(given, str | bytes | Mapping) or not isinstance(given, Iterable):
        raise InputError(f"settings: {name} = {given!r} is one value; give a list: [{given!r}]")
    if isinstance(given, np.ndarray):
        if given.ndim == 0:
            return _values(name, given.item())
        return given.tolist() if given.ndim == 1 else list(given)
    values = list(given)
    if isinstance(given, set | frozenset) or (isinstance(given, Sized) and not values):
        what = "has no values" if not values else "is a set, which has no order"
        raise InputError(f"settings: {name} {what}; give a list of values")
    return values


def _check_arguments(function: Callable[..., Any], rows: list[dict[str, Any]]) -> None:
    try:  # what functions written in C say of themselves is not always so
        signature = None if inspect.isbuiltin(function) else inspect.signature(function)
    except (TypeError, ValueError):
        signature = None
    for number, row in enumerate(rows):
        odd = next((name for name in row if not isinstance(name, str)), None)
        if odd is not None:
            raise InputError(f"settings[{number}]: {odd!r} is no name of an argument")
        try:
            if signature is not None:
                signature.bind(**row)
        except TypeError as error:
            name = getattr(function, "__name__", "function")
            raise InputError(
                f"settings[{number}] = {row}: {error}; the function is {name}{signature}"
            ) from None


def _here(
    function: Callable[..., Any], rows: list[dict[str, Any]]
) -> Iterator[tuple[int, Outcome]]:
    for number, row in enumerate(rows):
        before = Interrupts.total
        outcome = _outcome(function, row)
        if Interrupts.total > before:  # a fit that was stopped halfway is no value
            return
        yield number, outcome


def _there(workers: int | None, cluster: Any) -> Parts:
    """One setting at each worker at a time; one that ends its worker fails alone."""

    def parts(
        function: Callable[..., Any], rows: list[dict[str, Any]]
    ) -> Iterator[tuple[int, Outcome]]:
        sent = _sent("function", function)
        pieces = [(sent, _sent(f"settings[{i}] = {row}", row)) for i, row in enumerate(rows)]
        with client_of(workers, cluster) as client:
            for number, found in divided(client, _at_worker, pieces, ahead=1, died=_died):
                yield number, found if isinstance(found, tuple) else _received(found)

    return parts


def _outcome(function: Callable[..., Any], setting: dict[str, Any]) -> Outcome:
    try:
        return function(**setting), "", ""
    except Exception as error:
        return _failed(error)


def _failed(error: BaseException, note: str = "") -> Outcome:
    text = " ".join(str(error).split())
    return None, f"{type(error).__name__}: {text}{note}", format_exc()


def _died(error: Exception) -> Outcome:
    text = "the process that computed it died each time (out of memory, or a crash)"
    return None, f"{type(error).__name__}: {text}", ""


def _at_worker(function: bytes, setting: bytes) -> bytes | Outcome:
    """The outcome, sent back in one piece, so that one that cannot be sent is an error."""
    from distributed.protocol.pickle import dumps, loads  # pyright: ignore[reportMissingImports]

    try:
        called, row = loads(function), loads(setting)
    except Exception as error:
        note = (
            "; a worker cannot load the function or its setting: install the module there, or "
            'give it with client.upload_file("module.py")'
        )
        return _failed(error, note)
    found = _outcome(called, row)
    try:
        return dumps(found)
    except Exception as error:
        return _failed(error, "; the value cannot be sent back: return numbers, arrays or results")


def _received(found: bytes) -> Outcome:
    from distributed.protocol.pickle import loads  # pyright: ignore[reportMissingImports]

    try:
        return loads(found)
    except Exception as error:
        return _failed(error, "; the value cannot be read here: return numbers, arrays or results")


def _sent(what: str, item: Any) -> bytes:
    from distributed.protocol.pickle import dumps  # pyright: ignore[reportMissingImports]

    try:
        return dumps(item)
    except Exception as error:
        text = " ".join(str(error).split())[:200]
        raise InputError(
            f"{what} cannot be sent to workers ({text}); define the function in a module, and "
            "make in it what cannot be sent (open files, locks, generators)"
        ) from None
