"""Optimizers by name: those of the package, and those that are registered from outside."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..errors import InputError
from ..numerics.arrays import FloatArray
from ..registry import Registry
from .adamw import AdamW, Optimizer
from .cmaes import CMAES, Values
from .lbfgs import LBFGS
from .levenberg_marquardt import Curvature, Curvatures, LevenbergMarquardt
from .separate import Blocks, SeparateLevenbergMarquardt


@dataclass(frozen=True)
class Setting:
    """What an optimizer is made from, at the beginning of a stage.

    Parameters
    ----------
    phi : array (K, p)
        Where the K starts begin: parameters without units.
    lr : float
        Learning rate of the stage.
    decay : array (p,) or float
        Weight decay of each parameter.
    memory : int
        Steps that a quasi-Newton method keeps.
    curvature : callable
        (k, phi (p,)) to the `QuadraticModel` of start k, for methods of second order.
    curvatures : callable, optional
        The same for several starts at once.
    blocks : Blocks, optional
        Where phi is made of blocks that nothing connects.
    values : callable, optional
        (k, points (M, p)) to the losses (M,) of start k there, for searches without a gradient.
    """

    phi: FloatArray
    lr: float
    decay: FloatArray | float
    memory: int
    curvature: Curvature
    curvatures: Curvatures | None = None
    blocks: Blocks | None = None
    values: Values | None = None


def _levenberg(setting: Setting) -> Optimizer:
    if setting.blocks is not None:
        return SeparateLevenbergMarquardt(setting.phi, setting.blocks)
    return LevenbergMarquardt(setting.phi, setting.curvature, setting.curvatures)


def _values(setting: Setting) -> Values:
    if setting.values is None:
        raise InputError("cmaes: a Setting without `values`, which it compares its points by")
    return setting.values


Factory = Callable[[Setting], Optimizer]
OPTIMIZERS: Registry[Factory] = Registry(
    "optimizer",
    {
        "adamw": lambda setting: AdamW(setting.phi, setting.decay),
        "lbfgs": lambda setting: LBFGS(setting.phi, setting.memory, first=setting.lr),
        "cmaes": lambda setting: CMAES(setting.phi, _values(setting), setting.lr),
        "levenberg": _levenberg,
    },
)


def register(name: str, factory: Factory) -> None:
    """Let a `Stage` be trained by another optimizer, under `name`.

    Parameters
    ----------
    name : str
        As in ``Stage("simulation", name)``.
    factory : callable
        From a `Setting` to an `Optimizer`: an object with the attributes and methods of that
        protocol. Its whole state goes through `state` and `restore`, so that runs can be resumed.

    Raises
    ------
    InputError
        For a name of the package.

    Examples
    --------
    Steepest descent, as AdamW without its scaling:

    >>> import numpy as np
    >>> class Descent(AdamW):
    ...     def _accept(self, good, value, gradient, rate):
    ...         super()._accept(good, value, gradient, rate)
    ...         self.direction = np.where(good[:, None], -rate * gradient, self.direction)
    >>> register("descent", lambda setting: Descent(setting.phi))
    >>> "descent" in OPTIMIZERS
    True
    >>> unregister("descent")
    """
    if not callable(factory):
        raise InputError(f"factory is a {type(factory).__name__}; give a function of a Setting")
    OPTIMIZERS.register(name, factory)


def unregister(name: str) -> None:
    """Undo `register`."""
    OPTIMIZERS.remove(name)


def create(name: str, setting: Setting) -> Optimizer:
    """The optimizer called `name`.

    Raises
    ------
    UnknownNameError
        If there is none.
    """
    return OPTIMIZERS[name](setting)
