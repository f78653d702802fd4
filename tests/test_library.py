"""The published neurons do what is published of them (solved by scipy, see scipy_solve)."""

from __future__ import annotations

import json
from math import pi

import numpy as np
import pytest
from neurons import PLAIN
from scipy_solve import solve, spike_times

import pyhodgkin as ph
from pyhodgkin import CurrentClamp, VoltageClamp, library
from pyhodgkin.errors import InputError, UnknownNameError
from pyhodgkin.neuron.library import MODELS
from pyhodgkin.protocols import PulseTrain, Step

# Without those that are no neuron, repeat another one, or have no rest.
OTHERS = ("herg_beattie", "hodgkinmodel_jl", "brette_coba_hh")
CELLS = [name for name in PLAIN if name not in OTHERS]


def step(amplitude: float, start: float = 0.0, stop: float | None = None, t_end: float = 500.0):
    return CurrentClamp.step(amplitude, start, stop, t_end)


def rate(neuron, amplitude: float, t_end: float = 1000.0) -> float:
    """Firing rate (Hz) from the last interval between spikes; 0 with fewer than two."""
    spikes = spike_times(neuron, step(amplitude, t_end=t_end))
    return 0.0 if len(spikes) < 2 else 1000.0 / (spikes[-1] - spikes[-2])


def test_names_and_rows():
    assert library.names()[0] == "squid_axon" and len(library.names()) == 14
    rows = library.describe()
    assert [row["name"] for row in rows] == library.names()
    assert all(row["doi"].startswith("10.") and row["summary"] for row in rows)
    assert {"currents", "states", "v_rest"} <= set(rows[0])


def test_every_model_is_documented():
    for name, model in MODELS.items():
        assert model().name == name
        text = model.__doc__ or ""
        assert "doi 10." in text and "Examples" in text and "References" in text


def test_get_with_changes():
    cell = library.get("squid_axon", temperature=18.5, na__g=100.0, c_m=0.5, v_rest=-60.0)
    assert (cell.temperature, cell.parameter("na.g")) == (18.5, 100.0)
    assert (cell.c_m, cell.v_rest) == (0.5, -60.0)
    assert library.get("pospischil_rs", temperature=26.0).temperature == 26.0


def test_unknown_names_come_with_the_nearest():
    with pytest.raises(UnknownNameError, match=r'unknown model "wang_buzaki".*"wang_buzsaki"'):
        library.get("wang_buzaki")
    with pytest.raises(UnknownNameError, match=r'unknown parameter "na\.gg".*"na\.g"'):
        library.get("squid_axon", na__gg=1.0)


@pytest.mark.parametrize("name", CELLS)
def test_rest_is_stable(name):
    cell = library.get(name)
    states, spikes = solve(cell, step(0.0), t=np.linspace(0, 500, 101), rtol=1e-8)
    assert len(spikes) == 0
    # The 1952 rest is a rounded one: -65 mV by convention, -64.97 mV in truth.
    assert abs(states[:, 0] - cell.v_rest).max() < (0.06 if name == "squid_axon" else 0.002)


@pytest.mark.parametrize("name", CELLS)
def test_a_sensible_current_makes_it_spike_and_gates_stay_in_the_unit_interval(name):
    current = 0.8 if name in ("pospischil_ib", "pospischil_lts") else 12.0
    states, spikes = solve(library.get(name), step(current, 10.0, t_end=120.0), np.arange(120.0))
    assert len(spikes) >= 1
    assert states[:, 1:].min() >= 0.0 and states[:, 1:].max() <= 1.0


@pytest.mark.parametrize("run", ["step10", "rebound", "warm18p5", "train"])
def test_squid_axon_is_the_reference(run, reference_data):
    reference = np.load(reference_data / "hh1952_reference.npz")
    facts = json.loads((reference_data / "hh1952_reference.json").read_text())["runs"][run]
    pulses = facts["pulses_delay_dur_uA_cm2"]
    waveform = Step(pulses[0][0], pulses[0][0] + pulses[0][1], pulses[0][2])
    if len(pulses) > 1:
        (start, width, amplitude), period = pulses[0], pulses[1][0] - pulses[0][0]
        waveform = PulseTrain(start, period, width, amplitude, len(pulses))
    cell = library.get("squid_axon", temperature=facts["celsius"])
    states, spikes = solve(cell, CurrentClamp(waveform, 100.0), reference["t_ms"], rtol=1e-10)
    assert abs(states[:, 0] - reference[f"{run}_V"]).max() < 0.002
    np.testing.assert_allclose(spikes, facts["spike_times_0mV_ms"], atol=1e-4)
    for i, gate in enumerate(cell.states):
        if f"{run}_{gate}" in reference:
            assert abs(states[:, i] - reference[f"{run}_{gate}"]).max() < 1e-5


def test_hodgkinmodel_jl_ends_where_its_own_test_ends():
    """Exact end state of the seed's regression test, I = -9 there."""
    exact = [-73.6586406485893, 0.6805097267842956, 0.0206926786471278, 0.1540255754599079]
    cell = library.get("hodgkinmodel_jl")
    states, _ = solve(cell, step(9.0, t_end=50.0), rtol=1e-12, atol=1e-13, method="DOP853")
    np.testing.assert_allclose(states[-1], exact, rtol=1e-7)


def test_wang_buzsaki_fires_from_any_low_rate_up_to_400_hz():
    """Figure 1 of the paper: threshold at 0.16 µA/cm², no lowest rate, 400 Hz at 20 µA/cm²."""
    cell = library.get("wang_buzsaki")
    assert len(spike_times(cell, step(0.15, t_end=500.0))) == 0
    assert 5.0 < rate(cell, 0.2) < 12.0
    assert rate(cell, 1.0, 200.0) == pytest.approx(60.0, abs=2.0)
    assert rate(cell, 20.0, 50.0) == pytest.approx(405.0, abs=10.0)


# Spike times of the authors' scripts run by Open Source Brain in NEURON at dt = 0.001 ms:
# current (nA), side of the cylinder (µm), pulse, start (mV), times (ms), tolerance (ms). The
# tolerance is that of NEURON's first order; calcium currents there have a Nernst potential.
PUBLISHED = {
    "pospischil_rs": (
        (0.75, 96, 300, 700, 1000, -70), {},
        [320.554, 348.522, 387.944, 456.69, 592.105], [0.01, 0.01, 0.05, 0.2, 0.5],
    ),
    "pospischil_fs": (
        (0.5, 67, 300, 700, 500, -70), {},
        [317.023, 337.195, 357.367, 377.539, 397.711, 417.882, 438.054, 458.226, 478.398, 498.569],
        [0.02] * 10,
    ),
    "pospischil_ib": (
        (0.15, 96, 500, 2500, 700, -84), {"cal__e": 120.26},
        [617.725, 624.632, 631.101, 637.786, 644.909, 652.671, 661.42, 672.085], [0.06] * 8,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PUBLISHED)
def test_pospischil_cells_spike_when_the_authors_scripts_do(name):
    (current, side, start, stop, t_end, v), changes, published, tolerance = PUBLISHED[name]
    amplitude = current * 1e-3 / (pi * side**2 * 1e-8)  # nA on a cylinder to µA/cm²
    cell = library.get(name, **changes)
    spikes = spike_times(cell, step(amplitude, start, stop, t_end), cell.initial_state(v))
    assert len(spikes) == len(published)
    assert np.all(abs(spikes - published) < tolerance)


def test_regular_spiking_adapts_and_fast_spiking_does_not():
    slow = np.diff(spike_times(library.get("pospischil_rs"), step(2.6, t_end=300.0)))
    fast = np.diff(spike_times(library.get("pospischil_fs"), step(3.6, t_end=200.0)))
    assert slow[-1] > 2.0 * slow[0] and np.all(np.diff(slow) > 0)
    assert fast.max() / fast.min() < 1.001


def test_intrinsic_burst_is_followed_by_single_spikes():
    spikes = spike_times(library.get("pospischil_ib"), step(0.518, t_end=1000.0))
    intervals = np.diff(spikes)
    assert intervals[:6].max() < 12.0 and intervals[-1] > 200.0


def test_low_threshold_cell_bursts_and_rebounds():
    cell = library.get("pospischil_lts")
    burst = spike_times(cell, step(0.518, t_end=200.0))
    assert burst[1] - burst[0] < 20.0
    # Held near -62 mV, the end of a hyperpolarising step lets it fire; not without the current.
    held = library.get("pospischil_lts", l__e=-60.0)
    protocol = step(-0.259, 500.0, 1000.0, 1150.0)
    assert np.sum(spike_times(held, protocol) > 1000.0) >= 1
    without = held.without_channel("cat")
    assert np.sum(spike_times(without, protocol) > 1000.0) == 0


def test_the_cell_of_coba_hh_fires_by_itself_and_not_when_inhibited():
    """It has no stable rest; its gates are those of `traub_miles` 4 mV higher."""
    cell, other = library.get("brette_coba_hh"), library.get("traub_miles")
    with pytest.raises(InputError, match="fires by itself"):
        cell.rest()
    assert 10.0 < rate(cell, 0.0) < 17.0 and rate(cell, -0.3) == 0.0
    v = np.linspace(-90.0, 20.0, 12)
    for gate in cell.gates:
        kinetics = other.gate(gate.name).kinetics
        np.testing.assert_allclose(gate.kinetics.x_inf(v + 4.0), kinetics.x_inf(v), rtol=1e-12)
        np.testing.assert_allclose(gate.kinetics.tau(v + 4.0), kinetics.tau(v), rtol=1e-12)
    # 6 and 67 nS of the published network on 20,000 µm².
    whole = cell.whole_cell(unit="pA")
    assert (whole.c_m, whole.channel("l").g) == (200.0, 10.0)


def test_traub_miles_fires_from_any_low_rate():
    cell = library.get("traub_miles")
    assert len(spike_times(cell, step(0.1, t_end=500.0))) == 0
    assert 3.0 < rate(cell, 0.13) < 7.0
    assert rate(cell, 1.5, 200.0) == pytest.approx(55.0, abs=5.0)


def test_connor_stevens_fires_slowly_only_with_its_a_current():
    """The A current makes a type I cell of one that cannot fire below 80 Hz."""
    cell = library.get("connor_stevens")
    assert rate(cell, 8.2, 1000.0) < 5.0 < rate(cell, 8.5, 500.0) < 15.0
    assert rate(cell, 20.0, 200.0) > 100.0
    bare = library.get("connor_stevens", l__e=-70.0).without_channel("a")
    assert rate(bare, 7.0, 300.0) == 0.0 and rate(bare, 8.0, 300.0) > 75.0


def test_herg_activates_slowly_and_recovers_fast():
    cell = library.get("herg_beattie")
    protocol = VoltageClamp.steps([0, 100, 1100], [-80.0, 20.0, -50.0], 1400.0)
    t = np.array([99.0, 110.0, 1099.0, 1125.0, 1399.0])
    states, _ = solve(cell, protocol, t)
    a, r = states[:, 1], states[:, 2]
    current = cell.parameter("kr.g") * a * r * (states[:, 0] + 88.4)
    assert a[0] < 1e-3 and a[1] < 0.1 and a[2] > 0.5  # activation takes hundreds of ms
    assert r[2] < 0.1 and r[3] > 0.2  # inactivated at +20 mV, recovered soon after
    assert current[3] > 2.0 * current[2]  # the hook of the tail current


def test_herg_rates_have_the_published_names():
    a, r = (library.get("herg_beattie").gate(name).kinetics for name in "ar")
    v = np.array([-120.0, -88.4, 0.0, 40.0])
    np.testing.assert_allclose(a.alpha(v), 2.26e-4 * np.exp(0.0699 * v), rtol=1e-12)
    np.testing.assert_allclose(a.beta(v), 3.45e-5 * np.exp(-0.05462 * v), rtol=1e-12)
    np.testing.assert_allclose(r.beta(v), 0.0873 * np.exp(8.91e-3 * v), rtol=1e-12)
    np.testing.assert_allclose(r.alpha(v), 5.15e-3 * np.exp(-0.03158 * v), rtol=1e-12)


def test_library_is_reached_from_the_package():
    assert ph.library.get("squid_axon") == library.get("squid_axon")
