"""Gates whose kinetics are networks: from the outputs of a stack to rates a(v) and s(v)."""

from __future__ import annotations

import math

import numpy as np
from torch import Tensor

from ...neuron.kinetics import NeuralKinetics
from ...neuron.neural_forms import LAWS, NEURAL_FORMS, Dual, Functions, Numbers
from .arrays import Constants, of
from .curve_gates import Members, curve_gates
from .curves import CurveProgram
from .networks import NetworkStack

Params = dict[str, Tensor]
Rates = tuple[Tensor, Tensor]
Slopes = tuple[Tensor, Tensor, Tensor, Tensor]


def _kinetics(members: Members) -> list[NeuralKinetics]:
    return [gate.kinetics for _, gate in members if isinstance(gate.kinetics, NeuralKinetics)]


class _Scaled:
    """The stack of networks of a group of gates, and the scaling of the voltage before it."""

    def __init__(self, prefix: str, members: Members, starts: dict[str, int]) -> None:
        kinetics = _kinetics(members)
        self.prefix, self.members = prefix, members
        self.stack = NetworkStack(
            [k.network for k in kinetics],
            [starts[f"{path}.network.weight0"] for path, _ in members],
        )
        self.constants = Constants()
        self._keep("shift", [k.v_shift for k in kinetics], deep=True)
        self._keep("scale", [1.0 / k.v_scale for k in kinetics], deep=True)

    def _keep(self, name: str, values: list[float], deep: bool = False) -> None:
        """A constant (N, 1, 1), or (N, 1, 1, 1) to go with what comes out of the stack."""
        self.constants[name] = np.reshape(values, (-1, 1, 1, 1) if deep else (-1, 1, 1))

    def unpack(self, theta: Tensor) -> Params:
        return self.stack.unpack(self.prefix, theta)

    def input(self, v: Tensor) -> tuple[Tensor, Tensor]:
        """Scaled voltage (N, K, 1, Q) and its derivative (N, 1, 1, 1)."""
        c = self.constants.like(v)
        return (v[:, None] - c["shift"]) * c["scale"], c["scale"]


class NeuralGates(_Scaled):
    """Gates of the forms that cannot leave [0, 1]; see `NeuralKinetics`."""

    def __init__(
        self,
        prefix: str,
        members: Members,
        starts: dict[str, int],
        programs: dict[str, CurveProgram],
    ) -> None:
        super().__init__(prefix, members, starts)
        kinetics = _kinetics(members)
        self.form = kinetics[0].form
        self.bounded_tau = kinetics[0].tau_max is not None
        self._keep("tau_min", [k.tau_min for k in kinetics])
        spans = [math.log(k.tau_max / k.tau_min) if k.tau_max else 0.0 for k in kinetics]
        self._keep("minus_span", [-x for x in spans])
        self._keep("tau_max", [k.tau_max or math.nan for k in kinetics])
        self.registered = self.form not in NEURAL_FORMS
        self._keep("bound", [k.bound for k in kinetics], deep=True)
        self.prior = curve_gates(members, programs) if self.form == "residual" else None

    def __call__(self, v: Tensor, p: Params, values: Tensor) -> Rates:
        z, _ = self.input(v)
        out = self.stack(self.prefix, z, p)
        if self.registered:
            alpha, beta = LAWS[self.form](out[:, :, 0], out[:, :, 1], *self._for_law(out))
            return alpha, alpha + beta
        if self.form == "steady_state":
            return self._from_steady_state(out)
        bound = self.constants.like(v)["bound"]
        xp = of(v)
        rates = xp.exp(bound * xp.tanh(out / bound))
        alpha, beta = rates[:, :, 0], rates[:, :, 1]
        if self.prior is not None:
            prior_alpha, prior_beta = self.prior.alpha_beta(values)
            alpha, beta = alpha * prior_alpha, beta * prior_beta
        return alpha, alpha + beta

    def with_slopes(self, v: Tensor, p: Params, values: Tensor, slopes: Tensor) -> Slopes:
        """Rates and their derivatives with respect to v."""
        z, dz = self.input(v)
        out, (dout,) = self.stack.with_tangents(self.prefix, z, [dz], p)
        if self.registered:
            n1, n2 = (Dual(out[:, :, i], dout[:, :, i]) for i in range(2))
            alpha, beta = LAWS[self.form](n1, n2, *self._for_law(out))
            return alpha.value, (alpha + beta).value, alpha.slope, (alpha + beta).slope
        if self.form == "steady_state":
            return self._slopes_from_steady_state(out, dout)
        bound = self.constants.like(v)["bound"]
        xp = of(v)
        t = xp.tanh(out / bound)
        rates = xp.exp(bound * t)
        drates = rates * (1.0 - t * t) * dout
        alpha, beta, da, db = rates[:, :, 0], rates[:, :, 1], drates[:, :, 0], drates[:, :, 1]
        if self.prior is not None:
            pa, ps, dpa, dps = self.prior.with_slopes(values, slopes)
            da, db = da * pa + alpha * dpa, db * (ps - pa) + beta * (dps - dpa)
            alpha, beta = alpha * pa, beta * (ps - pa)
        return alpha, alpha + beta, da, da + db

    def _for_law(self, out: Tensor) -> tuple[Numbers, Functions]:
        c = self.constants.like(out)
        return Numbers(c["tau_min"], c["tau_max"], c["bound"][:, 0]), Functions(of(out))

    def _from_steady_state(self, out: Tensor) -> Rates:
        xp = of(out)
        x_inf, n2 = xp.sigmoid(out[:, :, 0]), out[:, :, 1]
        c = self.constants.like(out)
        if self.bounded_tau:
            s = xp.exp(c["minus_span"] * xp.sigmoid(n2)) / c["tau_min"]
        else:
            s = 1.0 / (c["tau_min"] + xp.exp(xp.clip(n2, -40.0, 60.0)))
        return x_inf * s, s

    def _slopes_from_steady_state(self, out: Tensor, dout: Tensor) -> Slopes:
        a, s = self._from_steady_state(out)
        xp = of(out)
        x_inf, n2 = xp.sigmoid(out[:, :, 0]), out[:, :, 1]
        c = self.constants.like(out)
        if self.bounded_tau:
            w = xp.sigmoid(n2)
            ds = s * c["minus_span"] * w * (1.0 - w) * dout[:, :, 1]
        else:
            # d tau/dv · s is 1 - tau_min·s of the slope of n2: no exp that could overflow twice.
            ds = -s * (1.0 - c["tau_min"] * s) * dout[:, :, 1]
        dx = x_inf * (1.0 - x_inf) * dout[:, :, 0]
        return a, s, dx * s + x_inf * ds, ds


class FreeGates(_Scaled):
    """Gates with dx/dt = N(v, x) or N(x): nothing keeps them in [0, 1]."""

    def __init__(
        self, prefix: str, members: Members, starts: dict[str, int], temperature: float | None
    ) -> None:
        super().__init__(prefix, members, starts)
        self.sees_v = self.stack.layers[0] == 2
        self._keep("q10", [gate.rate_factor(temperature) for _, gate in members])

    def __call__(self, v: Tensor, x: Tensor, p: Params) -> Tensor:
        """dx/dt (N, K, Q) at `v` (K, Q) and `x` (N, K, Q)."""
        q10 = self.constants.like(v)["q10"]
        return self.stack(self.prefix, self.inputs(v, x), p)[:, :, 0] * q10

    def with_slopes(self, v: Tensor, x: Tensor, p: Params) -> tuple[Tensor, Tensor, Tensor]:
        """dx/dt and its derivatives with respect to v and x."""
        inputs, q10 = self.inputs(v, x), self.constants.like(v)["q10"]
        xp = of(v)
        one = xp.ones_like(inputs[:, :, :1])
        zero = xp.zeros_like(one)
        if not self.sees_v:
            out, (dx,) = self.stack.with_tangents(self.prefix, inputs, [one], p)
            return out[:, :, 0] * q10, xp.zeros_like(dx[:, :, 0]), dx[:, :, 0] * q10
        scale = self.input(v)[1]
        directions = [xp.cat([scale * one, zero], 2), xp.cat([zero, one], 2)]
        out, (dv, dx) = self.stack.with_tangents(self.prefix, inputs, directions, p)
        return out[:, :, 0] * q10, dv[:, :, 0] * q10, dx[:, :, 0] * q10

    def inputs(self, v: Tensor, x: Tensor) -> Tensor:
        """What the networks see (N, K, in, Q)."""
        x = x[:, :, None]
        return of(v).cat([self.input(v)[0], x], 2) if self.sees_v else x
