"""Nullclines."""

from __future__ import annotations

import numpy as np
import pytest
from test_plot_families import solution_of, step

import pyhodgkin as ph
from pyhodgkin.errors import PyHodgkinError
from pyhodgkin.plot.nullclines import v_nullcline

AXON = ph.library.get("squid_axon")
INTERNEURON = ph.library.get("wang_buzsaki")  # its gate m is instantaneous


@pytest.fixture(autouse=True)
def closed_figures():
    yield
    import matplotlib.pyplot as plt

    plt.close("all")


def v_line(ax):
    return [line for line in ax.lines if "dv/dt" in str(line.get_label())]


def test_on_the_nullcline_of_v_the_currents_equal_the_stimulus():
    ax = ph.plot.phase_plane(solution_of(step(7.0))).axes[0]
    (line,) = v_line(ax)
    assert line.get_label() == "dv/dt = 0 at 7 µA/cm²"
    v, n = line.get_xdata(), line.get_ydata()
    m, h = (AXON.gate(x).kinetics.x_inf(v) for x in "mh")
    k, na, leak = (AXON.channel(c) for c in ("k", "na", "l"))
    left = 7.0 - na.g * m**3 * h * (v - na.e) - leak.g * (v - leak.e)
    assert np.allclose(n, (left / (k.g * (v - k.e))) ** 0.25, atol=1e-9) and len(v) > 50


def test_the_nullcline_with_a_frozen_gate_and_another_stimulus():
    solution = solution_of(step(7.0))
    ax = ph.plot.phase_plane(solution, "v", "n", stimulus=0.0, others={"h": 0.2}).axes[0]
    (line,) = v_line(ax)
    v, n = line.get_xdata(), line.get_ydata()
    k, na, leak = (AXON.channel(c) for c in ("k", "na", "l"))
    total = k.g * n**4 * (v - k.e) + leak.g * (v - leak.e)
    total += na.g * AXON.gate("m").kinetics.x_inf(v) ** 3 * 0.2 * (v - na.e)
    assert np.allclose(total, 0.0, atol=1e-6)
    with pytest.raises(PyHodgkinError, match="others"):
        ph.plot.phase_plane(solution, "v", "n", others={"n": 0.2})


def test_the_plane_may_be_turned():
    solution = solution_of(step(7.0))
    (a,), (b,) = (v_line(ph.plot.phase_plane(solution, *xy).axes[0]) for xy in ("vn", "nv"))
    # The range of v is that of the axis, which differs by its margins only.
    at = [np.interp(-40.0, *a.get_data()), np.interp(-40.0, *b.get_data()[::-1])]
    assert np.isclose(*at, atol=1e-4)


def test_where_there_is_no_nullcline_of_v():
    clamp = ph.VoltageClamp.step(0.0, start=10.0, stop=30.0, t_end=40.0)
    assert not v_line(ph.plot.phase_plane(solution_of(clamp)).axes[0])
    assert not v_line(ph.plot.phase_plane(solution_of(step()), "m", "h").axes[0])
    fast = solution_of(step(), neuron=INTERNEURON)
    assert not v_line(ph.plot.phase_plane(fast, "v", "m").axes[0])
    closed = AXON.with_parameters(k__g=0.0)
    assert not v_line(ph.plot.phase_plane(solution_of(step(), neuron=closed)).axes[0])


def test_the_nullcline_breaks_at_a_pole():
    v = np.linspace(-120.0, 40.0, 1601)  # through the reversal potential of k, -77 mV
    for stimulus in (-50.0, 0.0, 50.0):
        for line in v_nullcline(AXON, "n", v, stimulus):
            assert np.all(np.abs(np.diff(line[:, 1])) < 0.21)
            assert np.all((line[:, 1] >= 0) & (line[:, 1] <= 1))
