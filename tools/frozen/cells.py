"""The neurons and protocols of the cases."""

from __future__ import annotations

from functools import cache

import numpy as np

import pyhodgkin as ph

from .api import Constant, Exponential, Linoid, RateKinetics, Sigmoid, SteadyStateKinetics

T_END = 20.0


@cache
def squid() -> ph.Neuron:
    return ph.library.get("squid_axon")


def with_network(form: str, layers=(1, 4, 2), gates=("n",), seed=3, **options) -> ph.Neuron:
    """The squid axon with a small network in place of some gates."""
    cell = squid()
    for i, gate in enumerate(gates):
        prior = cell.gate(gate).kinetics if form == "residual" else None
        network = ph.Network.create(layers, seed=seed + i, zero_last=form == "residual")
        kinetics = ph.NeuralKinetics(form, network, prior=prior, **options)
        cell = cell.replace_gate(gate, kinetics)
    return cell


def composed() -> ph.Neuron:
    """Gates in every closed form; sums, products and powers of rate laws; temperature factors."""
    tau = Constant(0.5) + Exponential(2.0, -40.0, -30.0) * Sigmoid(1.0, -50.0, 20.0)
    slow = SteadyStateKinetics(Sigmoid(1.0, -35.0, 9.0), tau)
    opening = Linoid(0.02, -45.0, 9.0) * Exponential(1.0, -50.0, 60.0)
    rates = RateKinetics(opening, Exponential(0.3, -60.0, -40.0))
    powered = SteadyStateKinetics(Sigmoid(1.0, -30.0, 12.0) ** 2.0, 3.0)
    gates = (
        ph.Gate("a", slow, power=2, q10=2.5, t_ref=20.0),
        ph.Gate("b", rates, q10=3.0, t_ref=10.0),
        ph.Gate("c", powered),
        ph.Gate("s", ph.InstantaneousKinetics(Sigmoid(1.0, -20.0, 7.0)), power=2),
    )
    channels = (ph.Channel("x", 4.0, 40.0, gates), ph.Channel("l", 0.2, -60.0))
    return ph.Neuron("composed", channels, c_m=1.3, temperature=23.0)


def missing_current(gates: bool) -> ph.Neuron:
    """The squid axon's potassium current as a network, with gates of its own or without."""
    own = squid().channel("k").gates if gates else ()
    network = ph.Network.create((1 + len(own), 4, 1), seed=4)
    return squid().replace_channel("k", ph.NeuralCurrent("k", network, gates=own, scale=30.0))


def black_box(stimulus: bool = True) -> ph.Neuron:
    network = ph.Network.create((4 + stimulus, 6, 4), seed=1)
    scale = 10.0 if stimulus else None
    box = ph.NeuralRightHandSide(network, time_scale=2.0, stimulus_scale=scale)
    return ph.Neuron("box", right_hand_side=box)


def all_parts() -> ph.Neuron:
    """A network for a gate, one over published rates, and a current with a fast and a slow gate."""
    cell = with_network("steady_state", (1, 5, 2))
    prior = squid().gate("m").kinetics
    over = ph.NeuralKinetics("residual", ph.Network.create((1, 4, 2), seed=2), prior=prior)
    cell = cell.replace_gate("m", over)
    slow = ph.Gate("w", ph.NeuralKinetics("rates", ph.Network.create((1, 3, 2), seed=3)))
    fast = ph.Gate("s", ph.InstantaneousKinetics(x_inf=Sigmoid(1, -40, 6)))
    network = ph.Network.create((3, 4, 1), seed=4)
    return cell.with_channel(ph.NeuralCurrent("x", network, gates=(slow, fast), scale=2.0))


@cache
def forms() -> dict[str, ph.Neuron]:
    """One neuron for each kinetics form."""
    return {
        "rates": squid(),
        "composed": composed(),
        "neural_steady_state": with_network("steady_state"),
        "neural_unbounded_tau": with_network("steady_state", tau_max=None),
        "neural_rates": with_network("rates", (1, 5, 4, 2)),
        "neural_residual": with_network("residual", gates=("n", "m")),
        "neural_free": with_network("free", (2, 4, 1)),
        "neural_free_x": with_network("free", (1, 4, 1)),
        "neural_current": missing_current(False),
        "neural_current_gates": missing_current(True),
        "black_box": black_box(),
        "black_box_blind": black_box(False),
        "all_parts": all_parts(),
    }


@cache
def library() -> dict[str, ph.Neuron]:
    return {name: ph.library.get(name) for name in ph.library.names()}


def _held(t_end: float) -> ph.CurrentClamp:
    t = np.arange(0.0, t_end, 2.0)
    return ph.CurrentClamp.sampled(t, 5.0 + 5.0 * np.sin(0.7 * t), mode="held", t_end=t_end)


@cache
def current_protocols(t_end: float = T_END) -> dict[str, ph.CurrentClamp]:
    """One current clamp of each kind."""
    knots = np.arange(0.0, t_end + 1.0, 4.0)
    return {
        "constant": ph.CurrentClamp.constant(7.0, t_end),
        "step": ph.CurrentClamp.step(9.0, 1.0, 0.8 * t_end, t_end),
        "steps": ph.CurrentClamp.steps([0.0, 3.0, 6.05], [0.0, 12.0, -4.0], t_end),
        "ramp": ph.CurrentClamp.ramp(-3.0, 15.0, 2.0, 0.8 * t_end, t_end),
        "pulses": ph.CurrentClamp.pulses(20.0, 2.0, 6.0, 1.0, 3, t_end),
        "sine": ph.CurrentClamp.sine(8.0, 150.0, t_end),
        "chirp": ph.CurrentClamp.chirp(8.0, 20.0, 300.0, t_end),
        "noise": ph.CurrentClamp.noise(5.0, 3.0, 2.0, t_end, seed=1, dt=2.0),
        "sampled": ph.CurrentClamp.sampled(knots, 6.0 + 4.0 * np.cos(knots)),
        "held": _held(t_end),
        "sum": ph.CurrentClamp(ph.Step(3.05, 7.0, 6.0) + ph.Sine(4.0, 90.0, start=2.0), t_end),
    }


@cache
def voltage_protocols(t_end: float = T_END) -> dict[str, ph.VoltageClamp]:
    """One voltage clamp of each kind."""
    knots = np.arange(0.0, t_end + 1.0, 4.0)
    return {
        "step": ph.VoltageClamp.step(10.0, 2.0, 0.7 * t_end, t_end),
        "steps": ph.VoltageClamp.steps([0, 3.0, 6.05, 9.0], [-80.0, 20.0, -40.0, -90.0], t_end),
        "ramp": ph.VoltageClamp.ramp(-90.0, 40.0, 2.0, 0.8 * t_end, t_end),
        "sines": ph.VoltageClamp.sines([30.0, 15.0], [60.0, 210.0], t_end, centre=-40.0),
        "sampled": ph.VoltageClamp.sampled(knots, -50.0 + 40.0 * np.cos(knots)),
    }
