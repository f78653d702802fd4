"""The right-hand side and the Jacobian of a neuron under a protocol, as functions of (t, y)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import ArrayLike

from ...errors import InputError
from ...neuron.neuron import Neuron
from ...numerics.arrays import FloatArray
from ...protocols import Protocol
from ..options import SolveOptions
from .solve import Problem
from .stimulus import Pieces

RightHandSide = Callable[[float, FloatArray], FloatArray]


@dataclass(frozen=True)
class Piece:
    """The equations between two times at which the stimulus, or its slope, jumps.

    Parameters
    ----------
    t_span : (float, float)
        Begin and end, ms.
    fun : callable
        ``fun(t, y)``, the derivatives (S,) of the states (S,), per ms.
    jac : callable
        ``jac(t, y)``, the Jacobian (S, S) of `fun` by `y`.
    command : callable
        The stimulus at `t`; under voltage clamp the membrane potential, mV.
    """

    t_span: tuple[float, float]
    fun: RightHandSide
    jac: RightHandSide
    command: Callable[[float], float]


@dataclass(frozen=True)
class Equations:
    """A neuron under a protocol as an initial value problem.

    Parameters
    ----------
    states : tuple of str (S,)
        Names of the states: v (mV) and then the gates.
    y0 : array (S,)
        Start.
    pieces : tuple of Piece
        In order; a solver starts anew at the begin of each. Under voltage clamp v is a state whose
        derivative is the slope of the command, and has to be put to `Piece.command` there.
    """

    states: tuple[str, ...]
    y0: FloatArray
    pieces: tuple[Piece, ...]


def equations(
    neuron: Neuron,
    protocol: Protocol,
    theta: ArrayLike | None = None,
    y0: ArrayLike | None = None,
) -> Equations:
    """The equations of a neuron, for solvers of another library.

    Parameters
    ----------
    neuron : Neuron
    protocol : CurrentClamp or VoltageClamp
    theta : array (P,), optional
        Parameters in the order of ``neuron.layout``; default the neuron's own.
    y0 : array (S,), optional
        Start in the order of ``neuron.states``. Default: `v_rest` with the gates at their steady
        state, under voltage clamp at the first command.

    Returns
    -------
    Equations

    Raises
    ------
    InputError
        For shapes that do not fit the neuron.

    Examples
    --------
    >>> import pyhodgkin as ph
    >>> squid = ph.library.get("squid_axon")
    >>> clamp = ph.CurrentClamp.step(10.0, start=5.0, stop=45.0, t_end=50.0)
    >>> found = ph.scipy.equations(squid, clamp)
    >>> found.states, [piece.t_span for piece in found.pieces]
    (('v', 'n', 'm', 'h'), [(0.0, 5.0), (5.0, 45.0), (45.0, 50.0)])
    >>> piece = found.pieces[1]
    >>> float(piece.fun(5.0, found.y0)[0].round(2)), piece.jac(5.0, found.y0).shape
    (10.03, (4, 4))
    """
    values = np.asarray(neuron.theta if theta is None else theta, dtype=np.float64)
    if values.shape != (neuron.layout.size,):
        raise InputError(f"theta has shape {values.shape}; give ({neuron.layout.size},)")
    end = np.array([protocol.t_end])
    problem = Problem.build(neuron, [protocol], (1, 1), end, SolveOptions(max_steps=2**62))
    system = problem.system
    parameters = system.unpack(torch.as_tensor(values)[None])
    if y0 is None:
        start = problem.start(parameters, torch.full((1, 1), neuron.v_rest, dtype=torch.float64))
        begin = start.numpy()[system.to_public.numpy(), 0, 0]
    else:
        begin = np.array(y0, dtype=np.float64)
        if begin.shape != (len(neuron.states),) or not np.isfinite(begin).all():
            raise InputError(
                f"y0 has shape {begin.shape}; give {len(neuron.states)} finite numbers, in the "
                f"order {', '.join(neuron.states)}"
            )
    arrays = {name: x.numpy() for name, x in parameters.items()}
    edges = [0.0, *(float(t) for t in protocol.segments.breakpoints if 0.0 < t < end[0])]
    spans = zip(edges, [*edges[1:], float(end[0])], strict=True)
    pieces = tuple(_piece(problem, arrays, span) for span in spans)
    return Equations(neuron.states, begin, pieces)


def _piece(problem: Problem, parameters: dict, span: tuple[float, float]) -> Piece:
    system, stimulus = problem.system, problem.stimulus
    public, own = system.to_public.numpy(), system.from_public.numpy()
    first = np.full((1, 1), span[0])
    held: Pieces = stimulus.pieces(stimulus.first(first))  # type: ignore[arg-type]

    def at(t: float, y: FloatArray) -> tuple:
        rows = np.asarray(y, dtype=np.float64)[own, None, None]
        return rows, stimulus.drive(held, np.full((1, 1), t)), parameters  # type: ignore[arg-type]

    def fun(t: float, y: FloatArray) -> FloatArray:
        with np.errstate(all="ignore"):
            return np.asarray(system.rhs(*at(t, y)))[public, 0, 0]

    def jac(t: float, y: FloatArray) -> FloatArray:
        with np.errstate(all="ignore"):
            matrix = np.asarray(system.linearize(*at(t, y))[1].dense())[:, :, 0, 0]
        return matrix[np.ix_(public, public)]

    def command(t: float) -> float:
        return float(np.asarray(stimulus.command(held, np.full((1, 1), t)))[0, 0])  # type: ignore[arg-type]

    return Piece(span, fun, jac, command)
