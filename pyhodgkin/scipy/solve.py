"""A solve by SciPy, with the result of `simulate`."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..backends.torch.equations import Equations, Piece, equations
from ..errors import SolveError
from ..libraries import library
from ..neuron.neuron import Neuron
from ..numerics.arrays import FloatArray
from ..protocols import Protocol
from ..protocols.sample_times import sample_times
from ..solution.solution import Solution
from ..status import Status

SPACING = 0.05  # of samples, ms


def solve_ivp(
    neuron: Neuron,
    protocol: Protocol,
    *,
    saveat: ArrayLike | float | None = None,
    theta: ArrayLike | None = None,
    y0: ArrayLike | None = None,
    method: str = "LSODA",
    rtol: float = 1e-6,
    atol: float = 1e-8,
    throw: bool = True,
    **options: Any,
) -> Solution:
    """Solve a neuron with ``scipy.integrate.solve_ivp``, to compare with the engines.

    Each piece of the stimulus is solved by itself, with the exact Jacobian.

    Parameters
    ----------
    neuron : Neuron
    protocol : CurrentClamp or VoltageClamp
    saveat : float or array (T,), optional
        Spacing or times of the samples, ms; as in `simulate`.
    theta, y0 : array, optional
        As in `equations`.
    method : str
        Of SciPy: ``"LSODA"``, ``"BDF"``, ``"Radau"``, ``"RK45"``, ``"DOP853"``, …
    rtol, atol : float
        Of SciPy. It measures errors of mV and of gates by one `atol`.
    throw : bool
        Raise `SolveError` when SciPy gives up; else its samples are NaN from there on.
    **options
        Others of SciPy, for instance ``max_step`` (ms).

    Returns
    -------
    Solution

    Raises
    ------
    BackendUnavailableError
        If SciPy is not installed.
    SolveError
        If the solve fails.

    Examples
    --------
    >>> import pyhodgkin as ph
    >>> squid = ph.library.get("squid_axon")
    >>> clamp = ph.CurrentClamp.step(10.0, start=5.0, stop=45.0, t_end=50.0)
    >>> found = ph.scipy.solve_ivp(squid, clamp, rtol=1e-8, atol=1e-10)
    >>> ours = ph.simulate(squid, clamp, rtol=1e-8, atol=1e-10, backend="torch")
    >>> bool(abs(found.v - ours.v).max() < 1e-3)
    True
    """
    integrate = library("scipy.integrate")
    problem = equations(neuron, protocol, theta, y0)
    t = sample_times(saveat, [protocol], SPACING)
    y = np.full((len(t), len(problem.states)), np.nan)
    clamped = protocol.kind == "voltage"
    at, evaluations, status, message = problem.y0, 0, Status.SUCCESS, ""
    for k, piece in enumerate(problem.pieces):
        inside = _samples(problem, k, t)
        if clamped:
            at = np.concatenate([[piece.command(piece.t_span[0])], at[1:]])
        how = {"method": method, "rtol": rtol, "atol": atol, **options}
        if method in ("LSODA", "BDF", "Radau"):
            how.setdefault("jac", piece.jac)
        found = integrate.solve_ivp(piece.fun, piece.t_span, at, dense_output=True, **how)
        evaluations += int(found.nfev)
        reached = t[inside] <= found.t[-1]
        rows = np.flatnonzero(inside)[reached]
        if len(rows):
            y[rows] = found.sol(t[rows]).T
        if clamped:
            y[rows, 0] = [piece.command(s) for s in t[rows]]
        at = found.y[:, -1]
        if not found.success or not np.isfinite(at).all():
            status = Status.STEP_UNDERFLOW if np.isfinite(at).all() else Status.NONFINITE
            message = str(found.message)
            break
    if throw and status != Status.SUCCESS:
        raise SolveError(f"{neuron.name}: SciPy's {method} gave up: {message}")
    values = None if theta is None else np.asarray(theta, dtype=np.float64)[None]
    stats = {"n_f_evals": np.array(evaluations)}
    return Solution(t, y, neuron, protocol, stats=stats, status=status, theta=values)


def _samples(problem: Equations, k: int, t: FloatArray) -> np.ndarray:
    """Which samples lie in piece `k`: from its begin, at the last piece to its end too."""
    piece: Piece = problem.pieces[k]
    begin, end = piece.t_span
    last = k == len(problem.pieces) - 1
    return (t >= begin) & ((t <= end) if last else (t < end))
