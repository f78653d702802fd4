"""What the tests share: engines; the library, a neuron with every kind of part, a black box."""

from __future__ import annotations

import pytest

import pyhodgkin as ph
from pyhodgkin import (
    Gate,
    InstantaneousKinetics,
    Network,
    NeuralCurrent,
    NeuralKinetics,
    NeuralRightHandSide,
    Neuron,
)
from pyhodgkin.backends.base import SolveOptions
from pyhodgkin.neuron.rates import Sigmoid

SQUID = ph.library.get("squid_axon")
# Published neurons whose gates depend on v alone; the others are in test_coupled_library.
PLAIN = [name for name in ph.library.names() if not ph.library.get(name).is_coupled]
ENGINES = ["torch", pytest.param("julia", marks=pytest.mark.julia)]


def learned_neuron() -> Neuron:
    """Every kind of part in one neuron."""
    cell = SQUID.replace_gate("n", NeuralKinetics("steady_state", Network.create((1, 5, 2))))
    cell = cell.replace_gate(
        "m", NeuralKinetics("residual", Network.create((1, 4, 2)), prior=SQUID.gate("m").kinetics)
    )
    slow = Gate("w", NeuralKinetics("rates", Network.create((1, 3, 2), seed=3)))
    fast = Gate("s", InstantaneousKinetics(x_inf=Sigmoid(1, -40, 6)))
    unknown = NeuralCurrent("x", Network.create((3, 4, 1), seed=4), gates=(slow, fast), scale=2.0)
    return cell.with_channel(unknown)


def black_box_neuron() -> Neuron:
    box = NeuralRightHandSide(Network.create((5, 8, 4), seed=1), stimulus_scale=10.0)
    return Neuron("black_box", right_hand_side=box)


ALL = {
    **{name: ph.library.get(name) for name in PLAIN},
    "learned": learned_neuron(),
    "black_box": black_box_neuron(),
}


def local_derivatives(neuron: Neuron, backend: str = "torch", **options):
    """Values and derivatives of the equations of `neuron` at single states, by an engine."""
    if backend == "julia":
        from pyhodgkin.backends.julia.local_derivatives import JuliaDerivatives

        return JuliaDerivatives(neuron)
    from pyhodgkin.backends.torch.local_derivatives import TorchDerivatives

    return TorchDerivatives(neuron, SolveOptions(**options))
