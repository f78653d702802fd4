"""Solvers that are added from outside the package: a method as a table of its coefficients."""

from __future__ import annotations

from ..errors import InputError
from ..registry import Registry
from .tableau import ExplicitTableau, RosenbrockTableau

Tableau = ExplicitTableau | RosenbrockTableau
_OWN = ("rodas5p", "rodas4p", "tsit5", "exponential")  # of the torch engine
REGISTERED: Registry[Tableau] = Registry("solver", {}, ("auto", *_OWN))


def register_solver(name: str, tableau: Tableau) -> None:
    """Let the torch engine solve by another one-step method, under `name`.

    Step size control, dense output, breakpoints and the discrete adjoint are those of the engine.

    Parameters
    ----------
    name : str
        As it is given to the verbs, ``solver=name``.
    tableau : ExplicitTableau or RosenbrockTableau
        From `pyhodgkin.backends.tableau`. Its sums are checked, and not its order.

    Raises
    ------
    InputError
        For a name of the package, or coefficients that do not go together.

    Examples
    --------
    Heun's method of order 2, with the error estimate of Euler's inside it:

    >>> import pyhodgkin as ph
    >>> from pyhodgkin import backends
    >>> heun = ExplicitTableau(
    ...     order=2, error_order=1, c=(0.0, 1.0, 1.0), a=((), (1.0,), (0.5, 0.5)),
    ...     b_error=(0.5, -0.5, 0.0), dense=((1.0, -0.5), (0.0, 0.5), (0.0, 0.0)))
    >>> backends.register_solver("heun", heun)
    >>> clamp = ph.CurrentClamp.step(10.0, start=1.0, stop=None, t_end=5.0)
    >>> cell = ph.library.get("squid_axon")
    >>> ph.simulate(cell, clamp, solver="heun", rtol=1e-5, backend="torch").spike_times().round(2)
    array([2.9])
    >>> backends.unregister_solver("heun")
    """
    if not isinstance(tableau, (ExplicitTableau, RosenbrockTableau)):
        raise InputError(
            f"tableau is a {type(tableau).__name__}; give an ExplicitTableau or a RosenbrockTableau"
        )
    tableau.check()
    REGISTERED.register(name, tableau)


def unregister_solver(name: str) -> None:
    """Undo `register_solver`."""
    REGISTERED.remove(name)
