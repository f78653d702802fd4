"""The neurons of `exports.py`: those of the library, each form of kinetics, calcium, schemes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

import pyhodgkin as ph

STEPS = {"pospischil_rs": 5.0, "pospischil_fs": 5.0, "pospischil_ib": 2.0, "pospischil_lts": 2.0,
         "pospischil_lts_calcium": 2.0, "pinsky_rinzel_isopotential": 2.0, "wang_buzsaki": 2.0,
         "traub_miles": 5.0, "brette_coba_hh": 5.0, "connor_stevens": 15.0, "hodgkinmodel_jl": 9.0,
         "herg_beattie": 0.01, "herg_beattie_markov": 0.01}  # fmt: skip
# Channels without a cell: their current under a voltage clamp is compared as well.
CLAMPED = ("herg_beattie", "herg_beattie_markov")


def learned() -> dict[str, ph.Neuron]:
    """A squid axon with a network in n of each form, trained on the published curves where the
    form has curves, a learned current, and formulas and tables.
    """
    axon = ph.library.get("squid_axon")
    rates = axon.gate("n").kinetics
    v, found = np.linspace(-100.0, 60.0, 321), {}
    other = ph.RateKinetics(ph.rates.Linoid(0.01, -50.0, 10.0),
                            ph.rates.Exponential(0.125, -60.0, -80.0))  # fmt: skip
    wide, narrow = (
        ph.Network.create((1, 16, 16, 2), seed=1),
        ph.Network.create((1, 8, 8, 2), seed=2),
    )
    start = {
        "steady_state": ph.NeuralKinetics("steady_state", wide),
        "rates": ph.NeuralKinetics("rates", wide),
        "residual": ph.NeuralKinetics("residual", narrow, prior=other),
    }
    for form, kinetics in start.items():
        trained = ph.distill(kinetics, rates, v=v).kinetics
        found[f"network_{form}"] = axon.replace_gate("n", trained)
    free = ph.Network.create((2, 8, 1), seed=3, activation="silu")
    free = free.with_arrays([*free.arrays()[:-2], 0.05 * free.arrays()[-2], free.arrays()[-1]])
    found["network_free"] = axon.replace_gate("n", ph.NeuralKinetics("free", free))
    gate = ph.Gate("w", ph.SteadyStateKinetics(ph.rates.Sigmoid(1.0, -40.0, 8.0), 20.0))
    current = ph.NeuralCurrent("x", ph.Network.create((2, 6, 1), seed=4, activation="softplus"),
                               (gate,), scale=2.0)  # fmt: skip
    found["network_current"] = axon.with_channel(current)
    found["formulas_and_tables"] = _formulas(axon)
    return {name: replace(neuron, name=name) for name, neuron in found.items()}


def _formulas(axon: ph.Neuron) -> ph.Neuron:
    """A minimum, a choice and tables in n and m."""
    n = ph.RateKinetics(
        ph.rates.formula("min(0.5, a*exp((v + 55)/k))", a=0.1, k=20.0),
        ph.rates.formula("0.1 if v < -50 else 0.1*exp(-(v + 50)/80)"),
    )
    m, v = axon.gate("m").kinetics, np.linspace(-110.0, 60.0, 86)
    tables = ph.SteadyStateKinetics(
        ph.rates.Tabulated(v, m.x_inf(v)), ph.rates.Tabulated(v, m.tau(v), scale="log")
    )
    return axon.replace_gate("n", n).replace_gate("m", tables)


def coupled() -> dict[str, ph.Neuron]:
    """A squid axon with all that calcium does, and with a scheme one of whose rates is learned."""
    axon = replace(ph.library.get("squid_axon"), temperature=10.0)
    formula, Hill = ph.rates.formula, ph.rates.Hill
    s = ph.Gate("s", ph.InstantaneousKinetics(ph.rates.Sigmoid(1.0, -30.0, 6.0)))
    r = ph.Gate("r", ph.SteadyStateKinetics(ph.rates.Sigmoid(1.0, -35.0, 5.0), 1.0), power=2)
    w = ph.Gate("w", ph.SteadyStateKinetics(Hill(1.0, half=2e-3, n=2.0), 3.0))
    both = formula("ca/(ca + kd*exp(-v/25))", kd=2e-3)
    b = ph.Gate("b", ph.SteadyStateKinetics(both, formula("1 + 4*exp(-ca/1e-3)")))
    calcium = replace(
        axon,
        channels=(*axon.channels, ph.NernstChannel("cat", 0.2, 2.0, (s,)),
                  ph.GHKChannel("cal", 2e-5, 2.0, (r,)), ph.Channel("sk", 0.5, -90.0, (w,)),
                  ph.Channel("bk", 1.0, -90.0, (b,))),
        calcium=ph.CalciumPool.shell(depth=0.2, ca_inf=1e-4, tau=8.0, sources=("cat", "cal")),
    )  # fmt: skip
    factor = ph.Network.create((1, 6, 1), seed=5)
    up = ph.Rate("up", ph.rates.Linoid(0.01, -55.0, 10.0), factor, bound=2.0)
    down = ph.Rate("down", ph.rates.Exponential(0.125, -65.0, -80.0))
    moves = {("C2", "C1"): (2, "up"), ("C1", "C2"): "down", ("C1", "O"): "up",
             ("O", "C1"): (2, "down"), ("O", "I"): 0.02, ("I", "O"): 0.05}  # fmt: skip
    k = ph.MarkovChannel("k", ("C2", "C1", "O", "I"), moves, "O", 30.0, -77.0,
                         rates=(up, down), q10=3.0, t_ref=6.3)  # fmt: skip
    scheme = replace(axon, channels=tuple(k if c.name == "k" else c for c in axon.channels))
    found = {"calcium_in_all_forms": calcium, "markov_and_network": scheme}
    return {name: replace(neuron, name=name) for name, neuron in found.items()}


def neurons() -> dict[str, ph.Neuron]:
    """All of them by name."""
    return {name: ph.library.get(name) for name in ph.library.names()} | learned() | coupled()
