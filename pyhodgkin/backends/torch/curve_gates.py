"""Gates whose kinetics are closed-form curves: rates a = alpha and s = alpha + beta."""

from __future__ import annotations

from torch import Tensor

from ...neuron.gates import Gate
from ...neuron.kinetics import NeuralKinetics
from .arrays import Index, of
from .curves import CurveProgram

Members = list[tuple[str, Gate]]


class RateGates:
    """Gates whose rates are single rate laws: one gather from the leaf table."""

    def __init__(self, alphas: list[int], betas: list[int]) -> None:
        self.n = len(alphas)
        self.rows = Index(alphas + betas)

    def alpha_beta(self, values: Tensor) -> tuple[Tensor, Tensor]:
        """Opening and closing rates (G, K, Q) from the values of the leaves."""
        rates = of(values).take(values, self.rows)
        return rates[: self.n], rates[self.n :]

    def __call__(self, values: Tensor) -> tuple[Tensor, Tensor]:
        """a and s (G, K, Q)."""
        alpha, beta = self.alpha_beta(values)
        return alpha, alpha + beta

    def with_slopes(self, values: Tensor, slopes: Tensor) -> tuple[Tensor, ...]:
        """a, s and their derivatives with respect to v."""
        return (*self(values), *self(slopes))


class ComposedGates:
    """Gates whose rates, or steady state and time constant, are composed curves."""

    def __init__(self, roles: list[str], programs: list[tuple[CurveProgram, CurveProgram]]) -> None:
        self.roles, self.programs = roles, programs

    def alpha_beta(self, values: Tensor) -> tuple[Tensor, Tensor]:
        """Opening and closing rates (G, K, Q) from the values of the leaves."""
        a, s = self(values)
        return a, s - a

    def __call__(self, values: Tensor) -> tuple[Tensor, Tensor]:
        """a and s (G, K, Q)."""
        pairs = []
        for role, programs in zip(self.roles, self.programs, strict=True):
            first, second = (program.value(values) for program in programs)
            rates = role == "rates"
            pairs.append((first, first + second) if rates else (first / second, 1.0 / second))
        a, s = (of(values).stack(x) for x in zip(*pairs, strict=True))
        return a, s

    def with_slopes(self, values: Tensor, slopes: Tensor) -> tuple[Tensor, ...]:
        """a, s and their derivatives with respect to v."""
        rows = []
        for role, programs in zip(self.roles, self.programs, strict=True):
            (f, df), (g, dg) = (p.value_and_slope(values, slopes) for p in programs)
            if role == "rates":
                rows.append((f, f + g, df, df + dg))
            else:
                s = 1.0 / g
                ds = -dg * s * s
                rows.append((f * s, s, df * s + f * ds, ds))
        return tuple(of(values).stack(x) for x in zip(*rows, strict=True))


CurveGates = RateGates | ComposedGates


def is_simple(path: str, gate: Gate, programs: dict[str, CurveProgram]) -> bool:
    """Whether both rates are single rate laws."""
    role, pair = _programs(path, gate, programs)
    return role == "rates" and all(program.row is not None for program in pair)


def curve_gates(members: Members, programs: dict[str, CurveProgram]) -> CurveGates | None:
    """The closed-form kinetics of `members`, or the priors of their networks; None for none."""
    if not members:
        return None
    found = [_programs(path, gate, programs) for path, gate in members]
    if all(is_simple(path, gate, programs) for path, gate in members):
        return RateGates(
            [pair[0].rows[0] for _, pair in found], [pair[1].rows[0] for _, pair in found]
        )
    return ComposedGates([role for role, _ in found], [pair for _, pair in found])


def _programs(
    path: str, gate: Gate, programs: dict[str, CurveProgram]
) -> tuple[str, tuple[CurveProgram, CurveProgram]]:
    kinetics = gate.kinetics
    if isinstance(kinetics, NeuralKinetics):
        assert kinetics.prior is not None
        kinetics, path = kinetics.prior, f"{path}.prior"
    first, second = ("alpha", "beta") if kinetics.kind == "rates" else ("x_inf", "tau")
    return kinetics.kind, (programs[f"{path}.{first}"], programs[f"{path}.{second}"])
