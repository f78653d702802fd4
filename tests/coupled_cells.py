"""Neurons with calcium pools and Markov schemes, and the same equations written by hand."""

from __future__ import annotations

from math import exp, log

import numpy as np

import pyhodgkin as ph
from pyhodgkin.rates import Constant, Exponential, Hill, Linoid, Tabulated, formula

F, R = 96485.33212, 8.314462618
KNOTS = [-100.0, -50.0, 0.0, 50.0]


def potassium_scheme(**changes) -> ph.MarkovChannel:
    """Two independent gates as a scheme of three states; one rate has a network."""
    rates = {
        "up": Exponential(0.1, 0, 25),
        "down": ph.Rate("down", Constant(0.3), ph.Network.create((1, 3, 1), seed=3), bound=2.0),
    }
    moves = {
        ("C2", "C1"): (2, "up"),
        ("C1", "C2"): "down",
        ("C1", "O"): "up",
        ("O", "C1"): (2, "down"),
    }
    numbers = {"g": 36.0, "e": -77.0, "q10": 3.0, "t_ref": 6.3} | changes
    return ph.MarkovChannel("k", ("C2", "C1", "O"), moves, "O", rates=rates, **numbers)


def every_part() -> ph.Neuron:
    """A scheme, GHK and Nernst currents, gates of calcium, of v and both, tables, networks."""
    q = ph.RateKinetics(Linoid(0.055, -27, 3.8), Exponential(0.94, -75, -17))
    learned = ph.NeuralKinetics("steady_state", ph.Network.create((1, 3, 2), seed=1), tau_max=20.0)
    chi = formula("1/(1+exp(-(v+20)/8))*ca/(ca+b)", b=1e-4)
    table = ph.SteadyStateKinetics(
        Tabulated(KNOTS, [0.1, 0.4, 0.6, 0.9]), Tabulated(KNOTS, [1, 2, 1.5, 1], scale="log")
    )
    kca = (
        ph.Gate("w", ph.SteadyStateKinetics(Hill(1.0, half=5e-4, n=2.0), 20.0)),
        ph.Gate("r", ph.InstantaneousKinetics(chi)),
        ph.Gate("tb", table),
    )
    channels = (
        potassium_scheme(),
        ph.leak(0.3, -54.0),
        ph.GHKChannel("cal", 1e-4, 2.0, (ph.Gate("q", q, power=2),)),
        ph.NernstChannel("cat", 0.1, 2.0, (ph.Gate("s", learned),)),
        ph.Channel("kca", 1.0, -90.0, kca),
    )
    pool = ph.CalciumPool.shell(1.0, 1e-4, 20.0, ("cal", "cat"))
    return ph.Neuron("every_part", channels, temperature=16.3, current_unit="uA/cm2", calcium=pool)


def lts_rhs(u):
    """dy/dt of the library's pospischil_lts_calcium under the current `u` (a function of t)."""

    def linoid(a, x, k):
        return a * k if abs(x) < 1e-9 else a * x / (1.0 - exp(-x / k))

    def rhs(t, y):
        v, m, h, n, p, gate, ca = y
        x = v + 55.0
        am, bm = linoid(0.32, x - 13, 4.0), linoid(-0.28, x - 40, -5.0)
        ah, bh = 0.128 * exp(-(x - 17) / 18), 4.0 / (1.0 + exp(-(x - 40) / 5))
        an, bn = linoid(0.032, x - 15, 5.0), 0.5 * exp(-(x - 10) / 40)
        p_inf = 1.0 / (1.0 + exp(-(v + 35) / 10))
        tau_p = 1000.0 / (3.3 * exp((v + 35) / 20) + exp(-(v + 35) / 20))
        s = 1.0 / (1.0 + exp(-(v + 59) / 6.2))
        u_inf = 1.0 / (1.0 + exp((v + 83) / 4))
        tau_u = 30.8 + (211.4 + exp((v + 115.2) / 5)) / (1.0 + exp((v + 86) / 3.2))
        tau_u /= 3.0 ** ((36.0 - 24.0) / 10)
        e_ca = 1e3 * R * (36.0 + 273.15) / (2 * F) * log(2.0 / ca)
        cat = 0.4 * s**2 * gate * (v - e_ca)
        ionic = 50 * m**3 * h * (v - 50) + 5 * n**4 * (v + 100) + 0.03 * p * (v + 100)
        ionic += cat + 0.01 * (v + 85)
        return [
            u(t) - ionic,
            am * (1 - m) - bm * m,
            ah * (1 - h) - bh * h,
            an * (1 - n) - bn * n,
            (p_inf - p) / tau_p,
            (u_inf - gate) / tau_u,
            -10.0 / (2 * F) * cat - (ca - 2.4e-4) / 5.0,
        ]

    return rhs


def pinsky_rinzel_rhs(u):
    """dy/dt of the library's pinsky_rinzel_isopotential, with the numbers of the paper."""

    def rhs(t, y):
        v, h, n, s, c, q, ca = y
        x = v + 60.0
        am = 0.32 * (13.1 - x) / (exp((13.1 - x) / 4) - 1)
        bm = 0.28 * (x - 40.1) / (exp((x - 40.1) / 5) - 1)
        m = am / (am + bm)
        an, bn = 0.016 * (35.1 - x) / (exp((35.1 - x) / 5) - 1), 0.25 * exp(0.5 - 0.025 * x)
        ah, bh = 0.128 * exp((17 - x) / 18), 4.0 / (1 + exp((40 - x) / 5))
        a_s = 1.6 / (1 + exp(-0.072 * (x - 65)))
        b_s = 0.02 * (x - 51.1) / (exp((x - 51.1) / 5) - 1)
        a_c = exp((x - 10) / 11 - (x - 6.5) / 27) / 18.975
        fast = 2 * exp((6.5 - x) / 27)
        a_c, b_c = (a_c, fast - a_c) if x <= 50 else (fast, 0.0)
        a_q, chi = min(2e-5 * ca, 0.01), min(ca / 250, 1.0)
        soma = 30 * m**2 * h * (x - 120) + 15 * n * (x + 15)
        i_ca = 10 * s**2 * (x - 140)
        dendrite = i_ca + 0.8 * q * (x + 15) + 15 * c * chi * (x + 15)
        return [
            (u(t) - 0.1 * x - 0.5 * soma - 0.5 * dendrite) / 3.0,
            ah * (1 - h) - bh * h,
            an * (1 - n) - bn * n,
            a_s * (1 - s) - b_s * s,
            a_c * (1 - c) - b_c * c,
            a_q * (1 - q) - 0.001 * q,
            -0.13 * i_ca - 0.075 * ca,
        ]

    return rhs


def every_part_rhs(u, net, gate_net):
    """dy/dt of `every_part`, with its two networks as functions of the scaled voltage."""
    table = [Tabulated(KNOTS, [0.1, 0.4, 0.6, 0.9]), Tabulated(KNOTS, [1, 2, 1.5, 1], scale="log")]
    scale = 1e3 * R * (16.3 + 273.15) / (2 * F)

    def linear(x):
        return 1.0 + 0.5 * x if abs(x) < 1e-9 else x / (1.0 - exp(-x))

    def rhs(t, y):
        v, c2, c1, q, s, w, tb, ca = y
        o, z = 1.0 - c2 - c1, (v + 40.0) / 50.0
        up = 3.0 * 0.1 * exp(v / 25)
        down = 3.0 * 0.3 * exp(2.0 * np.tanh(net(z) / 2.0))
        first, second = gate_net(z)
        tau_s = 0.02 * (20.0 / 0.02) ** (1.0 / (1.0 + exp(-second)))
        x = v / scale
        cal = 1e-4 * q**2 * 2 * F * (ca * linear(x) - 2.0 * linear(-x))
        cat = 0.1 * s * (v - scale * log(2.0 / ca))
        r = ca / (ca + 1e-4) / (1.0 + exp(-(v + 20) / 8))
        ionic = 36 * o * (v + 77) + 0.3 * (v + 54) + cal + cat + w * r * tb * (v + 90)
        return [
            u(t) - ionic,
            down * c1 - 2 * up * c2,
            2 * up * c2 - down * c1 - up * c1 + 2 * down * o,
            0.055 * 3.8 * linear((v + 27) / 3.8) * (1 - q) - 0.94 * exp(-(v + 75) / 17) * q,
            (1.0 / (1.0 + exp(-first)) - s) / tau_s,
            (ca**2 / (ca**2 + 25e-8) - w) / 20.0,
            (float(table[0](v)) - tb) / float(table[1](v)),
            -10.0 / (2 * F) * (cal + cat) - (ca - 1e-4) / 20.0,
        ]

    return rhs
