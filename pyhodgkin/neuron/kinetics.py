"""How a gate moves: rate laws, steady state and time constant, or a network of the voltage."""

# A curve is called with v, as a method is, so a field may stand in for the method of its name.
# pyright: reportIncompatibleMethodOverride=false
from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import ArrayLike

from ..errors import InputError, unknown
from ..numerics.arrays import FloatArray
from ..numerics.cached import cached_property
from .calcium_curves import kinetics_at_calcium, uses_calcium
from .networks import Network
from .neural_forms import LAWS, NEURAL_FORMS, NUMPY, Numbers
from .rates import Curve, as_curve, logistic


@dataclass(frozen=True)
class Kinetics:
    """Base of the kinetics of a gate: dx/dt = alpha(v)(1 - x) - beta(v) x."""

    kind: ClassVar[str] = ""
    roles: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        for role in self.roles:
            object.__setattr__(self, role, as_curve(getattr(self, role)))

    @property
    def is_linear(self) -> bool:
        """Whether dx/dt is linear in x, with coefficients that are functions of the voltage."""
        return not self.uses_calcium

    @cached_property
    def uses_calcium(self) -> bool:
        """Whether it depends on the calcium concentration."""
        return any(map(uses_calcium, self.curves().values()))

    def at_calcium(self, ca: ArrayLike) -> Kinetics:
        """The same kinetics at a known calcium concentration (mM), as functions of v alone.

        Examples
        --------
        >>> from pyhodgkin.neuron.calcium_curves import Hill
        >>> w = SteadyStateKinetics(x_inf=Hill(1.0, half=1e-3, n=2), tau=50.0)
        >>> w.at_calcium([0.0, 1e-3]).x_inf(-60.0).round(9)
        array([0. , 0.5])
        """
        return kinetics_at_calcium(self, ca)

    def curves(self) -> dict[str, Curve]:
        """The closed-form curves inside, by role."""
        return {role: getattr(self, role) for role in self.roles}

    def with_curves(self, curves: dict[str, Curve]) -> Kinetics:
        """The same kinetics with other curves."""
        return replace(self, **curves)  # type: ignore[arg-type]

    def x_inf(self, v: ArrayLike) -> FloatArray:
        """Steady state at `v` (mV)."""
        alpha, beta = self.alpha(v), self.beta(v)
        return alpha / (alpha + beta)

    def tau(self, v: ArrayLike) -> FloatArray:
        """Time constant (ms) at `v` (mV), before any temperature factor."""
        return 1.0 / (self.alpha(v) + self.beta(v))

    def alpha(self, v: ArrayLike) -> FloatArray:
        """Opening rate (1/ms) at `v` (mV), before any temperature factor."""
        return self.x_inf(v) / self.tau(v)

    def beta(self, v: ArrayLike) -> FloatArray:
        """Closing rate (1/ms) at `v` (mV), before any temperature factor."""
        return (1.0 - self.x_inf(v)) / self.tau(v)


@dataclass(frozen=True)
class RateKinetics(Kinetics):
    """Opening and closing rates as curves of the voltage: dx/dt = alpha(v)(1 - x) - beta(v) x.

    Parameters
    ----------
    alpha, beta : Curve
        1/ms, before any temperature factor.

    Examples
    --------
    >>> from pyhodgkin.neuron.rates import Exponential, Linoid
    >>> n = RateKinetics(alpha=Linoid(0.01, -55, 10), beta=Exponential(0.125, -65, -80))
    >>> round(float(n.x_inf(-65.0)), 4), round(float(n.tau(-65.0)), 3)
    (0.3177, 5.459)
    """

    # field() keeps the inherited method of that name from being taken for a default value.
    alpha: Curve = field()
    beta: Curve = field()
    kind: ClassVar[str] = "rates"
    roles: ClassVar[tuple[str, ...]] = ("alpha", "beta")


@dataclass(frozen=True)
class SteadyStateKinetics(Kinetics):
    """Steady state and time constant as curves of the voltage: dx/dt = (x_inf(v) - x)/tau(v).

    Parameters
    ----------
    x_inf : Curve
        In [0, 1].
    tau : Curve or float
        ms, before any temperature factor.

    Examples
    --------
    >>> from pyhodgkin.neuron.rates import Sigmoid
    >>> SteadyStateKinetics(x_inf=Sigmoid(1, -35, 10), tau=4.0).tau([0.0])
    array([4.])
    """

    x_inf: Curve = field()
    tau: Curve = field()
    kind: ClassVar[str] = "steady_state"
    roles: ClassVar[tuple[str, ...]] = ("x_inf", "tau")

    if TYPE_CHECKING:

        def __init__(self, x_inf: Curve, tau: Curve | float) -> None: ...


@dataclass(frozen=True)
class InstantaneousKinetics(Kinetics):
    """A gate that is always at its steady state: no state variable of its own.

    Parameters
    ----------
    x_inf : Curve
        In [0, 1].

    Examples
    --------
    >>> from pyhodgkin.neuron.rates import Sigmoid
    >>> float(InstantaneousKinetics(x_inf=Sigmoid(1, -40, 8)).x_inf(-40.0))
    0.5
    """

    x_inf: Curve = field()
    kind: ClassVar[str] = "instantaneous"
    roles: ClassVar[tuple[str, ...]] = ("x_inf",)

    def tau(self, v: ArrayLike) -> FloatArray:
        return np.zeros_like(np.asarray(v, dtype=np.float64))


@dataclass(frozen=True)
class NeuralKinetics(Kinetics):
    """A network of the scaled voltage (v - v_shift)/v_scale in place of the rate laws.

    Parameters
    ----------
    form : {"steady_state", "rates", "residual", "free"}
        How the outputs N1, N2 of the network become kinetics. The first three cannot leave
        [0, 1]:

        - ``"steady_state"``: x_inf = 1/(1 + exp(-N1)); tau = tau_min·(tau_max/tau_min)^s with
          s = 1/(1 + exp(-N2)), or tau_min + exp(N2) when `tau_max` is None;
        - ``"rates"``: alpha = exp(B tanh(N1/B)), beta = exp(B tanh(N2/B)), B = `bound`;
        - ``"residual"``: the rates of `prior` times exp(B tanh(N/B)): a network that is zero
          starts at the prior;
        - ``"free"``: dx/dt = N(v, x), or N(x) when the network has one input. Nothing keeps x
          in [0, 1]: for comparison with unconstrained neural ODEs only.

        `pyhodgkin.neuron.neural_forms.register` adds others.
    network : Network
        1 input and 2 outputs; for ``"free"`` 1 or 2 inputs and 1 output.
    prior : RateKinetics or SteadyStateKinetics, optional
        The published kinetics, for ``"residual"``.
    v_shift, v_scale : float
        mV; the voltage is scaled before it enters the network.
    tau_min, tau_max : float
        Range of the time constant, ms.
    bound : float
        Largest natural logarithm of a rate (``"rates"``) or of its ratio to the prior.

    Examples
    --------
    >>> gate = NeuralKinetics("steady_state", Network.create((1, 8, 2), seed=1))
    >>> bool(np.all((gate.x_inf([-90, 0, 40]) > 0) & (gate.tau([-90, 0, 40]) > 0)))
    True
    """

    form: str
    network: Network
    prior: Kinetics | None = None
    v_shift: float = -40.0
    v_scale: float = 50.0
    tau_min: float = 0.02
    tau_max: float | None = 500.0
    bound: float = 10.0
    kind: ClassVar[str] = "neural"

    def __post_init__(self) -> None:
        if self.form not in NEURAL_FORMS and self.form not in LAWS:
            raise unknown("form of NeuralKinetics", self.form, (*NEURAL_FORMS, *LAWS))
        n_in, n_out = self.network.layers[0], self.network.layers[-1]
        free = self.form == "free"
        fits = (n_in, n_out) == (1, 2) if not free else n_in in (1, 2) and n_out == 1
        if not fits:
            wanted = "1 input, 2 outputs" if not free else "1 or 2 inputs and 1 output"
            raise InputError(
                f'NeuralKinetics(form="{self.form}"): network has {n_in} inputs and {n_out} '
                f"outputs; it needs {wanted}"
            )
        if (self.form == "residual") != (self.prior is not None):
            raise InputError('NeuralKinetics: give `prior` with form="residual", and only then')
        if self.prior is not None and self.prior.kind not in ("rates", "steady_state"):
            raise InputError("NeuralKinetics: prior must be RateKinetics or SteadyStateKinetics")
        if self.v_scale <= 0 or self.bound <= 0 or self.tau_min < 0:
            raise InputError("NeuralKinetics: v_scale (mV), bound > 0 and tau_min (ms) >= 0")
        if self.tau_max is not None and not 0 < self.tau_min < self.tau_max:
            raise InputError(
                f"NeuralKinetics: tau_min = {self.tau_min:g} ms, tau_max = {self.tau_max:g} ms; "
                "they must satisfy 0 < tau_min < tau_max"
            )

    @property
    def is_linear(self) -> bool:
        return self.form != "free" and not self.uses_calcium

    def curves(self) -> dict[str, Curve]:
        prior = {} if self.prior is None else self.prior.curves()
        return {f"prior.{role}": curve for role, curve in prior.items()}

    def with_curves(self, curves: dict[str, Curve]) -> NeuralKinetics:
        if self.prior is None:
            return self
        inner = {role.removeprefix("prior."): curve for role, curve in curves.items()}
        return replace(self, prior=self.prior.with_curves(inner))

    def outputs(self, v: ArrayLike) -> tuple[FloatArray, FloatArray]:
        """The two outputs of the network at `v` (mV)."""
        if self.form == "free":
            raise InputError('form="free" has no steady state or time constant of the voltage')
        z = (np.asarray(v, dtype=np.float64)[..., None] - self.v_shift) / self.v_scale
        out = self.network(z)
        return out[..., 0], out[..., 1]

    def x_inf(self, v: ArrayLike) -> FloatArray:
        if self.form == "steady_state":
            return logistic(self.outputs(v)[0])
        return super().x_inf(v)

    def tau(self, v: ArrayLike) -> FloatArray:
        if self.form != "steady_state":
            return super().tau(v)
        n2 = self.outputs(v)[1]
        if self.tau_max is None:
            return self.tau_min + np.exp(n2)
        return self.tau_min * np.exp(np.log(self.tau_max / self.tau_min) * logistic(n2))

    def _rate(self, v: ArrayLike, which: int) -> FloatArray:
        if self.form in LAWS:
            tau_max = np.nan if self.tau_max is None else self.tau_max
            numbers = Numbers(self.tau_min, tau_max, self.bound)
            return LAWS[self.form](*self.outputs(v), numbers, NUMPY)[which]
        factor = np.exp(self.bound * np.tanh(self.outputs(v)[which] / self.bound))
        if self.prior is None:
            return factor
        return factor * (self.prior.alpha(v) if which == 0 else self.prior.beta(v))

    def alpha(self, v: ArrayLike) -> FloatArray:
        return super().alpha(v) if self.form == "steady_state" else self._rate(v, 0)

    def beta(self, v: ArrayLike) -> FloatArray:
        return super().beta(v) if self.form == "steady_state" else self._rate(v, 1)


KINETICS: dict[str, type[Kinetics]] = {
    c.kind: c for c in (RateKinetics, SteadyStateKinetics, InstantaneousKinetics, NeuralKinetics)
}
