"""Neurons whose curves are tables, formulas and choices, for tests of every engine."""

from __future__ import annotations

import numpy as np

import pyhodgkin as ph
from pyhodgkin.rates import Exponential, Sigmoid, Tabulated, formula, gaussian, piecewise

EVEN = np.linspace(-120.0, 80.0, 81)
UNEVEN = np.sort(np.random.default_rng(0).uniform(-120.0, 80.0, 57))


def bell(v):
    return 1.0 + 5.0 * np.exp(-(((v + 50.0) / 20.0) ** 2))


def cell(name: str, **gates: ph.Gate) -> ph.Neuron:
    """A channel of 1 mS/cm² for each gate, half of them depolarising, and a leak."""
    channels = [
        ph.Channel(f"of_{gate}", 1.0, -80.0 if i % 2 else 50.0, (own,))
        for i, (gate, own) in enumerate(gates.items())
    ]
    return ph.Neuron(name, (*channels, ph.leak(0.3, -60.0)), v_rest=-62.0)


def steady(name, x_inf, tau, **options) -> ph.Gate:
    return ph.Gate(name, ph.SteadyStateKinetics(x_inf, tau), **options)


TABLES = cell(
    "tables",
    m=steady(
        "m", Tabulated(EVEN, Sigmoid(1, -40, 7)(EVEN)), Tabulated(UNEVEN, bell(UNEVEN), scale="log")
    ),
    n=steady(
        "n",
        Tabulated(UNEVEN, Sigmoid(1, -30, 9)(UNEVEN)) * Sigmoid(1, -90, 9),
        0.5 * Tabulated(EVEN, bell(EVEN)),
        power=2,
    ),
    i=ph.Gate("i", ph.InstantaneousKinetics(Tabulated(EVEN, Sigmoid(1, -50, -5)(EVEN)))),
    r=ph.Gate(
        "r",
        ph.RateKinetics(
            Tabulated(EVEN, Exponential(0.2, -50, 30)(EVEN), scale="log", outside="linear"),
            Tabulated(UNEVEN, Exponential(0.2, -50, -30)(UNEVEN), outside="linear"),
        ),
    ),
)
SMOOTH = cell(
    "smooth",
    m=steady("m", Sigmoid(1, -40, 7), gaussian(3.0, -60.0, 30.0, offset=0.5)),
    n=steady(
        "n",
        formula("1/(1 + exp(-(v - vh)/k))**0.5", vh=-30.0, k=9.0),
        formula("2 + tanh((v + 40)/q)*0.3 + a", a=0.1, q=20.0),
        power=2,
    ),
    r=ph.Gate(
        "r",
        ph.RateKinetics(
            formula("0.5*linoid((v + 40)/k)", k=10.0), formula("log(1 + exp(-(v + 65)/b))", b=20.0)
        ),
    ),
    i=ph.Gate("i", ph.InstantaneousKinetics(formula("0.1**a/(1 + exp((v + 50)/5))", a=0.2))),
)
KINKS = cell(
    "kinks",
    m=steady(
        "m",
        Sigmoid(1, -11, 12),
        formula(
            "(1.25 + (175.03*exp(0.026*(v + 10)) if v + 10 < -50 else a*exp(-0.026*(v + 10))))/q",
            a=13.0,
            q=2.95,
        ),
    ),
    n=steady(
        "n",
        formula("min(0.9, 1/(1 + exp((v - vh)/7)))", vh=-60.0),
        formula("max(0.5, 1 - 0.01*v, abs(v + 50)*s)", s=0.05),
    ),
    r=steady(
        "r", Sigmoid(1, -50, 6), piecewise((formula("2 + 0.01*v"), -62.0), (1.38, -55.0), 1.4)
    ),
)
CURVED = {"tables": TABLES, "smooth": SMOOTH, "kinks": KINKS}
