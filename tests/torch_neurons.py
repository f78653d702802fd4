"""Neurons with networks in them, one for each form, and random ones, for tests of the engine."""

from __future__ import annotations

import numpy as np
from neurons import SQUID, black_box_neuron, learned_neuron

from pyhodgkin import (
    Channel,
    Gate,
    InstantaneousKinetics,
    Network,
    NeuralCurrent,
    NeuralKinetics,
    NeuralRightHandSide,
    Neuron,
)
from pyhodgkin.neuron.kinetics import RateKinetics, SteadyStateKinetics
from pyhodgkin.neuron.rates import Constant, Exponential, Linoid, Sigmoid

N_PRIOR = SQUID.gate("n").kinetics


def with_n(form: str, layers=(1, 6, 2), seed: int = 1, **options) -> Neuron:
    """The squid axon with a network in place of the n gate."""
    activation = options.pop("activation", "tanh")
    prior = N_PRIOR if form == "residual" else None
    network = Network.create(layers, activation=activation, seed=seed)
    return SQUID.replace_gate("n", NeuralKinetics(form, network, prior=prior, **options))


def composed_neuron() -> Neuron:
    """Sums, products and powers of rate laws; gates in every closed form, warm ones among them."""
    x_inf = Sigmoid(1.0, -35.0, 9.0)
    tau = Constant(0.5) + Exponential(2.0, -40.0, -30.0) * Sigmoid(1.0, -50.0, 20.0)
    slow = SteadyStateKinetics(x_inf, tau)
    rates = RateKinetics(
        Linoid(0.02, -45.0, 9.0) * Exponential(1.0, -50.0, 60.0), Exponential(0.3, -60.0, -40.0)
    )
    powered = SteadyStateKinetics(Sigmoid(1.0, -30.0, 12.0) ** 2.0, 3.0)
    gates = (
        Gate("a", slow, power=2, q10=2.5, t_ref=20.0),
        Gate("b", rates, q10=3.0, t_ref=10.0),
        Gate("c", powered),
        Gate("s", InstantaneousKinetics(Sigmoid(1.0, -20.0, 7.0)), power=2),
    )
    channels = (Channel("x", 4.0, 40.0, gates), Channel("l", 0.2, -60.0))
    return Neuron("composed", channels, c_m=1.3, temperature=23.0)


def current_neuron(gates: bool, scale: float = 30.0) -> Neuron:
    """The squid axon's potassium current as a network, with gates of its own or without."""
    own = SQUID.channel("k").gates if gates else ()
    network = Network.create((1 + len(own), 6, 1), seed=4)
    return SQUID.replace_channel("k", NeuralCurrent("k", network, gates=own, scale=scale))


def box_neuron(stimulus: bool) -> Neuron:
    network = Network.create((4 + stimulus, 8, 4), seed=1)
    box = NeuralRightHandSide(network, time_scale=2.0, stimulus_scale=10.0 if stimulus else None)
    return Neuron("box", right_hand_side=box)


def warm_free_neuron() -> Neuron:
    """A free gate with a temperature factor."""
    kinetics = NeuralKinetics("free", Network.create((2, 5, 1), seed=2))
    gate = Gate("n", kinetics, power=4, q10=3.0, t_ref=6.3)
    cell = SQUID.replace_channel("k", Channel("k", 36.0, -77.0, (gate,)))
    return Neuron("warm_free", cell.channels, temperature=16.3)


FORMS = {
    "steady_state": with_n("steady_state"),
    "steady_state_unbounded_tau": with_n("steady_state", tau_max=None),
    "rates": with_n("rates"),
    "residual": with_n("residual"),
    "free_v_x": with_n("free", (2, 6, 1)),
    "free_x": with_n("free", (1, 6, 1)),
    "softplus": with_n("rates", (1, 5, 4, 2), activation="softplus", bound=6.0),
    "silu": with_n("steady_state", (1, 5, 4, 2), activation="silu"),
    "current": current_neuron(False),
    "current_with_gates": current_neuron(True),
    "box": box_neuron(False),
    "box_stimulus": box_neuron(True),
    "composed": composed_neuron(),
    "warm_free": warm_free_neuron(),
    "learned": learned_neuron(),
    "black_box": black_box_neuron(),
}


def random_gates(seed: int, scale: float, layers=(1, 16, 16, 2), form="steady_state") -> Neuron:
    """The squid axon with a random network, weights times `scale`, in place of all three gates."""
    cell = SQUID
    for i, name in enumerate(("n", "m", "h")):
        network = Network.create(layers, seed=1000 * i + seed)
        network = network.with_arrays([scale * array for array in network.arrays()])
        prior = SQUID.gate(name).kinetics if form == "residual" else None
        cell = cell.replace_gate(name, NeuralKinetics(form, network, prior=prior))
    return cell


def scattered_theta(cell: Neuron, n: int, spread: float = 0.05, seed: int = 0) -> np.ndarray:
    """`n` parameter sets about that of `cell`, (n, P)."""
    rng = np.random.default_rng(seed)
    return cell.theta * (1.0 + spread * rng.uniform(-1.0, 1.0, (n, cell.layout.size)))
