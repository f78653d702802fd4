"""Random neurons, protocols and recordings for property tests.

``PYHODGKIN_EXAMPLES=10000`` sets how many examples each property is tried on; the default is small.
"""

from __future__ import annotations

import os

import numpy as np
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

import pyhodgkin as ph
from pyhodgkin.rates import Constant, Exponential, Linoid, Sigmoid

EXAMPLES = int(os.environ.get("PYHODGKIN_EXAMPLES", "0"))


def examples(default: int):
    """Settings of a property: `default` examples, or as many as are asked for."""
    checks = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
    return settings(
        max_examples=EXAMPLES or default, deadline=None, derandomize=not EXAMPLES,
        suppress_health_check=checks, print_blob=True,
    )  # fmt: skip


def between(low: float, high: float) -> st.SearchStrategy[float]:
    return st.floats(low, high, allow_nan=False).map(lambda x: round(x, 3))


@st.composite
def rates(draw) -> ph.RateKinetics:
    """Opening rates that rise with v and closing rates that fall, or the other way round."""
    sign = draw(st.sampled_from([1.0, -1.0]))

    def one(k: float):
        v0 = draw(between(-70.0, -20.0))
        a = draw(between(0.02, 2.0))
        form = draw(st.sampled_from([Exponential, Sigmoid, Linoid]))
        return form(a if form is not Linoid else 0.1 * a, v0, abs(k) if form is Linoid else k)

    return ph.RateKinetics(one(sign * draw(between(8.0, 40.0))),
                           one(-sign * draw(between(8.0, 40.0))))  # fmt: skip


@st.composite
def steady_states(draw) -> ph.SteadyStateKinetics:
    k = draw(between(4.0, 20.0)) * draw(st.sampled_from([1.0, -1.0]))
    x_inf = Sigmoid(1.0, draw(between(-70.0, -20.0)), k)
    bell = Sigmoid(1.0, draw(between(-70.0, -20.0)), draw(between(5.0, 30.0)))
    return ph.SteadyStateKinetics(x_inf, Constant(draw(between(0.1, 5.0))) + bell)


@st.composite
def networks(draw) -> ph.NeuralKinetics:
    form = draw(st.sampled_from(["steady_state", "rates", "residual"]))
    network = ph.Network.create((1, draw(st.integers(1, 8)), 2), seed=draw(st.integers(0, 999)))
    prior = draw(rates()) if form == "residual" else None
    limits = {"bound": 3.0} if form != "steady_state" else {}
    return ph.NeuralKinetics(form, network, prior=prior, **limits)


kinetics = st.one_of(rates(), steady_states(), networks())


@st.composite
def neurons(draw, most: int = 3) -> ph.Neuron:
    """A leak, and up to `most` channels with up to two gates each."""
    channels = [ph.leak(draw(between(0.05, 1.0)), draw(between(-75.0, -50.0)))]
    for c in range(draw(st.integers(1, most))):
        gates = tuple(
            ph.Gate(f"x{c}{g}", draw(kinetics), power=draw(st.integers(1, 4)))
            for g in range(draw(st.integers(1, 2)))
        )
        reversal = draw(st.sampled_from([-90.0, -77.0, 50.0, 55.0]))
        channels.append(ph.Channel(f"c{c}", draw(between(0.0, 60.0)), reversal, gates))
    return ph.Neuron("random", tuple(channels), c_m=draw(between(0.3, 3.0)),
                     v_rest=draw(between(-80.0, -50.0)))  # fmt: skip


@st.composite
def waveforms(draw, size: float, t_end: float):
    start = draw(between(0.0, 0.5 * t_end))
    stop = start + draw(between(0.5, 0.5 * t_end))
    level = draw(between(-size, size))
    kind = draw(st.sampled_from(["step", "ramp", "sine", "train", "noise"]))
    if kind == "step":
        return ph.Step(start, stop, level)
    if kind == "ramp":
        return ph.Ramp(start, stop, 0.0, level)
    if kind == "sine":
        return ph.Sine(level, draw(between(5.0, 200.0)))
    if kind == "train":
        return ph.PulseTrain(start=start, width=1.0, period=3.0, count=2, amplitude=level)
    return ph.OrnsteinUhlenbeck(0.0, abs(level) + 0.1, 2.0, 0.5, t_end, draw(st.integers(0, 99)))


@st.composite
def current_clamps(draw, t_end: float = 12.0, size: float = 15.0) -> ph.CurrentClamp:
    parts = draw(st.lists(waveforms(size, t_end), min_size=1, max_size=2))
    return ph.CurrentClamp(sum(parts[1:], parts[0]), t_end)


@st.composite
def voltage_clamps(draw, t_end: float = 12.0) -> ph.VoltageClamp:
    parts = draw(st.lists(waveforms(60.0, t_end), min_size=1, max_size=2))
    holding = draw(between(-100.0, -40.0))
    return ph.VoltageClamp(sum(parts[1:], parts[0]) + holding, t_end)


clamps = st.one_of(current_clamps(), voltage_clamps())


@st.composite
def recordings(draw) -> ph.Recording:
    """Numbers of any kind under any protocol, with what may be known of a recording."""
    protocol = draw(clamps)
    n = draw(st.integers(2, 40))
    t = np.linspace(0.0, draw(between(1.0, 12.0)), n)
    data = np.array(draw(st.lists(between(-1e3, 1e3), min_size=n, max_size=n)))
    mask = np.array(draw(st.lists(st.booleans(), min_size=n, max_size=n)))
    mask[draw(st.integers(0, n - 1))] = True
    facts: dict = {"mask": mask, "name": draw(st.text("abc /,;\"'µé\n", max_size=8))}
    if draw(st.booleans()):
        facts |= {"temperature": draw(between(5.0, 40.0)), "cell": "c1", "electrode": "e"}
    if draw(st.booleans()):
        facts["series_resistance"] = draw(between(1.0, 50.0))
    if protocol.kind == "current":
        return ph.Recording(t, protocol, v=data, **facts)
    unit = draw(st.sampled_from(["uA/cm2", "nA", "pA"]))
    return ph.Recording(t, protocol, current=data, current_unit=unit, **facts)
