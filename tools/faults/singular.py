"""Singular Jacobians and equations that lose their meaning at a point."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

import pyhodgkin as ph
from pyhodgkin.rates import Constant, Exponential, Sigmoid

from .cells import FORMS, LIBRARY, protocol_of
from .outcome import Cases, Row, rows_of
from .values import solved


def rows(engine: str, every: int = 1) -> Iterator[Row]:
    """The rows of this file; of each every `every`-th case."""
    kinds = (
        ("a capacitance of zero, or next to it", capacitances),
        ("a network with an infinite slope", slopes),
        ("rates and time constants of zero", stopped),
        ("Markov schemes whose steady state is not determined", schemes),
        ("no leak, no channels open, no current", empty),
    )
    return rows_of(kinds, engine, every)


def capacitances(engine: str) -> Cases:
    """Zero is refused, in each of the ways to give it; tiny ones make the equations stiff."""
    for name in ("squid_axon", "hodgkinmodel_jl", "pospischil_lts_calcium"):
        cell = LIBRARY[name]
        protocol = protocol_of(cell)
        for c_m in (0.0, -1.0, 1e-310, 1e-30, 1e-12, 1e-6):

            def by_theta(cell=cell, protocol=protocol, c_m=c_m):
                theta = cell.theta
                theta[cell.layout["c_m"].start] = c_m
                return solved(cell, protocol, engine, theta=theta)

            def by_name(cell=cell, protocol=protocol, c_m=c_m):
                return solved(cell.with_parameters(c_m=c_m), protocol, engine)

            def in_batch(cell=cell, protocol=protocol, c_m=c_m):
                return solved(cell, protocol, engine, parameters={"c_m": [1.0, c_m, 1.0]})

            for call in (by_theta, by_name, in_batch):
                yield f"{name} c_m = {c_m} {call.__name__}", call


def slopes(engine: str) -> Cases:
    """Weights so large that a network is a step function of the voltage."""
    for name, cell in FORMS.items():
        for scale in (1e3, 1e10, 1e100, 1e300):
            for solver in ("rodas5p", "tsit5", "rodas4p"):
                theta = cell.theta
                chosen = cell.layout.select("*network*")
                theta[chosen] = np.clip(theta[chosen] * scale, -1.7e308, 1.7e308)

                def call(cell=cell, theta=theta, solver=solver, name=name):
                    protocol = protocol_of(cell, name)
                    return solved(cell, protocol, engine, theta=theta, solver=solver)

                yield f"{name} times {scale} {solver}", call


def stopped(engine: str) -> Cases:
    """Gates that do not move, that move at once, and the steady state of alpha = beta = 0."""
    squid = LIBRARY["squid_axon"]
    zero, one = Constant(0.0), Constant(1.0)
    kinds = {
        "alpha = beta = 0": lambda: ph.RateKinetics(zero, zero),
        "beta = 0": lambda: ph.RateKinetics(one, zero),
        "rates vanish at -200 mV": lambda: ph.RateKinetics(
            Exponential(1.0, 0.0, 0.05), Exponential(1.0, 0.0, 0.05)
        ),
        "tau = 0": lambda: ph.SteadyStateKinetics(Sigmoid(1.0, -40.0, 5.0), zero),
        "tau = 1e-300": lambda: ph.SteadyStateKinetics(Sigmoid(1.0, -40.0, 5.0), Constant(1e-300)),
        "tau = -1": lambda: ph.SteadyStateKinetics(Sigmoid(1.0, -40.0, 5.0), Constant(-1.0)),
        "k = 0": lambda: ph.SteadyStateKinetics(Sigmoid(1.0, -40.0, 0.0), one),
        "k = 1e-300": lambda: ph.SteadyStateKinetics(Sigmoid(1.0, -40.0, 1e-300), one),
        "x_inf = 3": lambda: ph.SteadyStateKinetics(Constant(3.0), one),
    }
    for name, make in kinds.items():
        for protocol in (protocol_of(squid), ph.VoltageClamp.step(-200.0, 2.0, 8.0, 10.0)):

            def call(make=make, protocol=protocol):
                return solved(squid.replace_gate("n", make()), protocol, engine)

            yield f"{name}, {protocol.kind} clamp", call


def schemes(engine: str) -> Cases:
    """Rates that are all zero, or are lost to rounding beside others."""
    squid = LIBRARY["squid_axon"]
    rates = {
        "zero": (0.0, 0.0, 0.0, 0.0),
        "one way": (1.0, 0.0, 1.0, 0.0),
        "parted": (1.0, 1.0, 0.0, 0.0),
        "1e-300": (1e-300,) * 4,
        "1e300": (1e300,) * 4,
        "far apart": (1e200, 1e-200, 1e-200, 1e200),
        "negative": (-1.0, 1.0, 1.0, 1.0),
    }
    for name, (a, b, c, d) in rates.items():
        moves = {("c", "o"): Constant(a), ("o", "c"): Constant(b), ("o", "i"): Constant(c),
                 ("i", "o"): Constant(d)}  # fmt: skip
        for protocol in (protocol_of(squid), ph.VoltageClamp.step(0.0, 2.0, 8.0, 10.0)):

            def call(moves=moves, protocol=protocol):
                channel = ph.MarkovChannel("k", ("c", "o", "i"), moves, "o", 10.0, -77.0)
                return solved(squid.replace_channel("k", channel), protocol, engine)

            yield f"{name}, {protocol.kind} clamp", call


def empty(engine: str) -> Cases:
    """Nothing that holds the potential."""
    squid = LIBRARY["squid_axon"]
    for level in (0.0, 1.0, 9e5, 1e300):
        none = dict.fromkeys(("na.g", "k.g", "l.g"), 0.0)

        def call(none=none, level=level):
            clamp = ph.CurrentClamp.constant(level, 10.0)
            return solved(squid, clamp, engine, parameters=none)

        yield f"no conductance, {level} µA/cm²", call
