"""Networks of neurons against solutions by scipy, exact ones, and the package's other solvers."""

from __future__ import annotations

import numpy as np
import pytest
from network_references import KINETICS, gap_pair, time_course, under_conductance
from neurons import learned_neuron

import pyhodgkin as ph
from pyhodgkin.backends.compiled import why_not

SQUID = ph.library.get("squid_axon")
PASSIVE = ph.Neuron("passive", (ph.leak(0.1, -70.0),), v_rest=-70.0, current_unit="uA/cm2")


@pytest.fixture(params=["compiled", "numpy"])
def engine(request):
    if request.param == "compiled" and why_not():
        pytest.skip(why_not())
    return request.param


def quiet(t, spikes):
    """Samples that are not from 0.5 ms before to 3 ms after a spike: there 0.01 ms is 3 mV."""
    after = t[:, None] - spikes
    return ~((after > -0.5) & (after < 3.0)).any(axis=1)


def with_input(neuron, kinetics, times, weight=0.05, delay=0.0, **group):
    """One cell with a synapse from given spikes."""
    return ph.SpikingNetwork(
        groups={"cell": ph.NeuronGroup(neuron, 1, **group)},
        synapses=[ph.Synapses("in", "cell", kinetics, weight, delay, i=[0], j=[0])],
        sources={"in": ph.SpikeTimes(1, times=times)},
    )


@pytest.mark.parametrize("name", KINETICS)
def test_a_passive_cell_follows_every_kind_of_synapse(engine, name):
    """Two spikes between the steps of a grid."""
    times, delay = [1.003, 4.718], 0.417
    network = with_input(PASSIVE, KINETICS[name], times, 0.05, delay)
    found = network.simulate(20.0, dt=0.05, record={"cell": [0]}, engine=engine)
    arrivals = [t + delay for t in times]
    g = lambda u: 0.05 * sum(time_course(name, u - a) for a in arrivals)  # noqa: E731
    exact, _ = under_conductance(PASSIVE, g, KINETICS[name].e, arrivals, found.t)
    assert exact[:, 0].max() > -65.0
    np.testing.assert_allclose(found.v["cell"][0], exact[:, 0], atol=2e-4)


@pytest.mark.parametrize("name", KINETICS)
def test_the_time_course_is_the_written_one_and_peaks_at_one(name):
    t = np.linspace(-1.0, 30.0, 311)
    np.testing.assert_allclose(KINETICS[name](t), [time_course(name, u) for u in t], atol=1e-15)
    assert KINETICS[name](np.linspace(0.0, 10.0, 10_001)).max() == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize("name", KINETICS)
def test_two_coupled_cells(engine, name):
    """The first fires by a current; the second follows 1.7 ms after its synapse."""
    network = ph.SpikingNetwork(
        groups={"a": ph.NeuronGroup(SQUID, 1, current=10.0), "b": (SQUID, 1)},
        synapses=[ph.Synapses("a", "b", KINETICS[name], 0.25, 1.7, i=[0], j=[0])],
    )
    found = network.simulate(
        32.0, dt=0.0125, record={"a": [0], "b": [0]}, record_dt=0.1, engine=engine
    )
    no = lambda u: 0.0  # noqa: E731
    exact_a, spikes_a = under_conductance(SQUID, no, 0.0, [], found.t, current=10.0)
    arrivals = spikes_a + 1.7
    g = lambda u: 0.25 * sum(time_course(name, u - a) for a in arrivals)  # noqa: E731
    exact_b, spikes_b = under_conductance(SQUID, g, KINETICS[name].e, arrivals, found.t)
    assert len(spikes_a) >= 2 and len(spikes_b) >= 1
    for group, spikes in (("a", spikes_a), ("b", spikes_b)):
        np.testing.assert_allclose(found.spike_times(group, 0), spikes, atol=0.02)
    counted = quiet(found.t, np.concatenate([spikes_a, spikes_b]))
    for group, exact in (("a", exact_a), ("b", exact_b)):
        assert np.abs(found.v[group][0] - exact[:, 0])[counted].max() < 0.1


def test_the_scheme_is_of_second_order():
    network = with_input(SQUID, KINETICS["double"], [2.013, 7.3], 0.3, 0.5)
    t = np.linspace(0.0, 6.0, 61)
    arrivals = [2.513]
    g = lambda u: 0.3 * time_course("double", u - 2.513)  # noqa: E731
    exact, _ = under_conductance(SQUID, g, 0.0, arrivals, t)
    errors = []
    for dt in (0.1, 0.05, 0.025):
        found = network.simulate(6.0, dt=dt, record={"cell": [0]}, record_dt=0.1)
        errors.append(np.abs(found.v["cell"][0] - exact[:, 0]).max())
    assert errors[0] / errors[1] > 3.0 and errors[1] / errors[2] > 3.0, errors


def test_a_gap_coupled_passive_pair_is_exact(engine):
    """Sum and difference of the voltages decay with time constants of their own."""
    network = ph.SpikingNetwork(
        groups={"cells": ph.NeuronGroup(PASSIVE, 2, v0=np.array([-50.0, -70.0]))},
        gap_junctions=[ph.GapJunctions("cells", "cells", g=0.2, i=[0], j=[1])],
    )
    found = network.simulate(20.0, dt=0.025, record={"cells": "all"}, engine=engine)
    mean, half = -70.0 + 10.0 * np.exp(-0.1 * found.t), 10.0 * np.exp(-0.5 * found.t)
    np.testing.assert_allclose(found.v["cells"], [mean + half, mean - half], atol=3e-3)


def test_a_gap_coupled_pair_of_axons(engine):
    network = ph.SpikingNetwork(
        groups={"a": ph.NeuronGroup(SQUID, 1, current=8.0), "b": (SQUID, 1)},
        gap_junctions=[ph.GapJunctions("a", "b", g=0.1, i=[0], j=[0])],
    )
    found = network.simulate(
        20.0, dt=0.01, record={"a": [0], "b": [0]}, record_dt=0.1, engine=engine
    )
    exact = gap_pair(SQUID, 0.1, (8.0, 0.0), found.t)
    assert exact[:, 1].max() > -60.0
    error = np.abs(np.stack([found.v["a"][0], found.v["b"][0]], axis=1) - exact)
    assert np.median(error) < 0.002 and error.max() < 0.4


def test_a_cell_alone_is_that_of_simulate(engine):
    """Steps of current, sampled and constant ones; a breakpoint between the steps."""
    clamp = ph.CurrentClamp.step(9.0, start=2.013, stop=22.5, t_end=30.0)
    network = ph.SpikingNetwork({"cell": ph.NeuronGroup(SQUID, 1, protocol=clamp, current=1.0)})
    found = network.simulate(30.0, dt=0.025, record={"cell": [0]}, record_dt=0.5, engine=engine)
    exact = ph.simulate(
        SQUID, ph.CurrentClamp(clamp.waveform + 1.0, 30.0), saveat=found.t, backend="torch"
    )
    spikes = exact.spike_times()
    np.testing.assert_allclose(found.spike_times("cell", 0), spikes, atol=0.02)
    assert np.abs(found.v["cell"][0] - exact.v)[quiet(found.t, spikes)].max() < 0.1


@pytest.mark.parametrize(
    "neuron",
    [*map(ph.library.get, ("wang_buzsaki", "pospischil_lts", "connor_stevens")), learned_neuron()],
    ids=lambda n: n.name,
)
def test_every_kind_of_gate_and_current(engine, neuron):
    """Instantaneous gates, networks, unknown currents: as the exponential solver has them."""
    clamp = ph.CurrentClamp.constant(1.0, 10.0)
    network = ph.SpikingNetwork({"cell": ph.NeuronGroup(neuron, 1, protocol=clamp)})
    found = network.simulate(10.0, dt=0.05, record={"cell": [0]}, record_dt=1.0, engine=engine)
    same = ph.simulate(neuron, clamp, saveat=1.0, backend="torch", solver="exponential", dt=0.05)
    np.testing.assert_allclose(found.v["cell"][0], same.v, atol=1e-6)


def test_whole_cells_and_units():
    """The same network per area and of whole cells, in nS and pA."""
    area = 20_000.0
    kinetics, found = KINETICS["exponential"], []
    for neuron, factor, unit in (
        (SQUID, 1.0, "uA/cm2"),
        (SQUID.whole_cell(area=area), area * 1e-2, "pA"),
        (SQUID.whole_cell(area=area, unit="nA"), area * 1e-2, "pA"),
    ):
        weight = 0.1 * (factor if neuron.current_unit != "nA" else 1e-3 * factor)
        clamp = ph.CurrentClamp.constant(5.0 * factor, 10.0, unit=unit)
        network = with_input(neuron, kinetics, [3.0], weight, 1.0, protocol=clamp)
        found.append(network.simulate(10.0, record={"cell": [0]}, engine="numpy").v["cell"][0])
    for other in found[1:]:
        np.testing.assert_allclose(other, found[0], atol=1e-7)
