"""Gates whose kinetics are networks: from the outputs of a stack to rates a(v) and s(v)."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ...neuron.gates import Gate
from ...neuron.kinetics import NeuralKinetics
from .networks import NetworkStack

Members = list[tuple[str, Gate]]
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
        self.shift = self._column([k.v_shift for k in kinetics])
        self.scale = self._column([1.0 / k.v_scale for k in kinetics])
        self._moved: dict[tuple[torch.dtype, torch.device], list[Tensor]] = {}

    @staticmethod
    def _column(values: list[float]) -> Tensor:
        return torch.tensor(values, dtype=torch.float64)[:, None, None]

    def like(self, v: Tensor, *tensors: Tensor) -> list[Tensor]:
        """`tensors` (float64, made once) in the dtype and on the device of `v`."""
        return [x.to(dtype=v.dtype, device=v.device) for x in tensors]

    def unpack(self, theta: Tensor) -> Params:
        return self.stack.unpack(self.prefix, theta)

    def input(self, v: Tensor) -> tuple[Tensor, Tensor]:
        """Scaled voltage (N, K, 1, Q) and its derivative (N, 1, 1, 1)."""
        shift, scale = self.like(v, self.shift, self.scale)
        return ((v - shift) * scale).unsqueeze(2), scale.unsqueeze(2)


class NeuralGates(_Scaled):
    """Gates of the forms that cannot leave [0, 1]; see `NeuralKinetics`."""

    def __init__(
        self,
        prefix: str,
        members: Members,
        starts: dict[str, int],
        programs: dict[str, Any],
        composed: Callable[..., Any],
    ) -> None:
        super().__init__(prefix, members, starts)
        kinetics = _kinetics(members)
        self.form = kinetics[0].form
        self.bounded_tau = kinetics[0].tau_max is not None
        self.tau_min = self._column([k.tau_min for k in kinetics])
        self.log_span = self._column(
            [math.log(k.tau_max / k.tau_min) if k.tau_max else 0.0 for k in kinetics]
        )
        self.bound = self._column([k.bound for k in kinetics]).unsqueeze(2)
        self.priors = (
            [composed(path, gate, programs) for path, gate in members]
            if self.form == "residual"
            else []
        )

    def __call__(self, v: Tensor, p: Params, values: Tensor) -> Rates:
        z, _ = self.input(v)
        out = self.stack(self.prefix, z, p)
        if self.form == "steady_state":
            return self._from_steady_state(out)
        (bound,) = self.like(v, self.bound)
        rates = torch.exp(bound * torch.tanh(out / bound))
        alpha, beta = rates[:, :, 0], rates[:, :, 1]
        if self.priors:
            prior = [gate(values) for gate in self.priors]
            alpha = alpha * torch.stack([a for a, _ in prior])
            beta = beta * torch.stack([s - a for a, s in prior])
        return alpha, alpha + beta

    def with_slopes(self, v: Tensor, p: Params, values: Tensor, slopes: Tensor) -> Slopes:
        """Rates and their derivatives with respect to v."""
        z, dz = self.input(v)
        out, (dout,) = self.stack.with_tangents(self.prefix, z, [dz], p)
        if self.form == "steady_state":
            return self._slopes_from_steady_state(out, dout)
        (bound,) = self.like(v, self.bound)
        t = torch.tanh(out / bound)
        rates = torch.exp(bound * t)
        drates = rates * (1.0 - t * t) * dout
        alpha, beta, da, db = rates[:, :, 0], rates[:, :, 1], drates[:, :, 0], drates[:, :, 1]
        if self.priors:
            prior = [gate.with_slopes(values, slopes) for gate in self.priors]
            pa, ps, dpa, dps = (torch.stack(x) for x in zip(*prior, strict=True))
            da, db = da * pa + alpha * dpa, db * (ps - pa) + beta * (dps - dpa)
            alpha, beta = alpha * pa, beta * (ps - pa)
        return alpha, alpha + beta, da, da + db

    def _from_steady_state(self, out: Tensor) -> Rates:
        x_inf, n2 = torch.sigmoid(out[:, :, 0]), out[:, :, 1]
        tau_min, span = self.like(out, self.tau_min, self.log_span)
        if self.bounded_tau:
            s = torch.exp(-span * torch.sigmoid(n2)) / tau_min
        else:
            s = 1.0 / (tau_min + torch.exp(n2.clamp(-40.0, 60.0)))
        return x_inf * s, s

    def _slopes_from_steady_state(self, out: Tensor, dout: Tensor) -> Slopes:
        a, s = self._from_steady_state(out)
        x_inf, n2 = torch.sigmoid(out[:, :, 0]), out[:, :, 1]
        tau_min, span = self.like(out, self.tau_min, self.log_span)
        if self.bounded_tau:
            w = torch.sigmoid(n2)
            ds = -s * span * w * (1.0 - w) * dout[:, :, 1]
        else:
            # d tau/dv · s is 1 - tau_min·s of the slope of n2: no exp that could overflow twice.
            ds = -s * (1.0 - tau_min * s) * dout[:, :, 1]
        dx = x_inf * (1.0 - x_inf) * dout[:, :, 0]
        return a, s, dx * s + x_inf * ds, ds


class FreeGates(_Scaled):
    """Gates with dx/dt = N(v, x) or N(x): nothing keeps them in [0, 1]."""

    def __init__(
        self, prefix: str, members: Members, starts: dict[str, int], temperature: float | None
    ) -> None:
        super().__init__(prefix, members, starts)
        self.sees_v = self.stack.layers[0] == 2
        self.q10 = self._column([gate.rate_factor(temperature) for _, gate in members])

    def __call__(self, v: Tensor, x: Tensor, p: Params) -> Tensor:
        """dx/dt (N, K, Q) at `v` (K, Q) and `x` (N, K, Q)."""
        (q10,) = self.like(v, self.q10)
        return self.stack(self.prefix, self._inputs(v, x), p)[:, :, 0] * q10

    def with_slopes(self, v: Tensor, x: Tensor, p: Params) -> tuple[Tensor, Tensor, Tensor]:
        """dx/dt and its derivatives with respect to v and x."""
        inputs, (q10,) = self._inputs(v, x), self.like(v, self.q10)
        one = torch.ones_like(inputs[:, :, :1])
        zero = torch.zeros_like(one)
        if not self.sees_v:
            out, (dx,) = self.stack.with_tangents(self.prefix, inputs, [one], p)
            return out[:, :, 0] * q10, torch.zeros_like(dx[:, :, 0]), dx[:, :, 0] * q10
        scale = self.input(v)[1]
        directions = [torch.cat([scale * one, zero], 2), torch.cat([zero, one], 2)]
        out, (dv, dx) = self.stack.with_tangents(self.prefix, inputs, directions, p)
        return out[:, :, 0] * q10, dv[:, :, 0] * q10, dx[:, :, 0] * q10

    def _inputs(self, v: Tensor, x: Tensor) -> Tensor:
        x = x.unsqueeze(2)
        return torch.cat([self.input(v)[0], x], 2) if self.sees_v else x
