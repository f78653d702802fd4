"""A cell with a dendrite as one compartment: the axial current learned from v alone."""

from __future__ import annotations

import numpy as np
import pytest
from ball_and_stick import SOMA, noise, recorded

import pyhodgkin as ph
from pyhodgkin.fitting.initialize.current_regression import settable_currents

TAUS = (0.1, 0.3, 1.0, 3.0, 10.0)


def test_it_is_zero_until_it_is_trained():
    cell = ph.with_axial_current(SOMA, hidden=(6, 6))
    assert [c.name for c in cell.channels[-2:]] == ["axial", "axial_active"]
    clamp = ph.CurrentClamp.step(10.0, start=1.0, stop=None, t_end=6.0)
    ours, plain = (ph.simulate(n, clamp, saveat=0.1, backend="torch").v for n in (cell, SOMA))
    np.testing.assert_allclose(ours, plain, atol=0.02)


def test_its_filters_are_of_the_time_constants_given():
    cell = ph.with_axial_current(SOMA, taus=TAUS, hidden=0, name="dendrite")
    [current] = [c for c in cell.channels if c.name == "dendrite"]
    assert [float(g.kinetics.tau(-60.0)) for g in current.gates] == list(TAUS)
    x = [g.kinetics.x_inf(np.array([-150.0, -25.0, 100.0])) for g in current.gates]
    np.testing.assert_allclose(x, np.tile([0.0, 0.5, 1.0], (len(TAUS), 1)), atol=1e-12)


@pytest.mark.parametrize("given", [{"taus": []}, {"taus": [1.0, 0.0]}, {"event_taus": [-2.0]},
                                   {"active_taus": [float("nan")]}])  # fmt: skip
def test_time_constants_are_positive(given):
    with pytest.raises(ph.errors.InputError, match="ms, above zero"):
        ph.with_axial_current(SOMA, **given)


def test_what_a_regression_can_set():
    cell = ph.with_axial_current(SOMA, taus=TAUS, hidden=4)
    layout = cell.layout
    assert settable_currents(cell, layout.select("networks")) == ("axial", "axial_active")
    assert settable_currents(cell, layout.select(["axial.*"])) == ()  # its filters are trained too
    assert settable_currents(cell, layout.select(["axial.network.*"])) == ("axial",)


@pytest.mark.slow
def test_a_passive_dendrite_is_learned_by_default():
    """A soma with five dendritic compartments, as one that spikes when the whole cell does."""
    train, test = (recorded(noise(seed, 120.0)) for seed in (1, 2))
    start = ph.with_axial_current(SOMA, taus=TAUS, hidden=0)
    result = ph.fit(start, train, fit_initial=False, progress=False, backend="torch")
    assert any(line.startswith("regression: axial set to") for line in result.log)
    found, plain = (
        ph.evaluate(n, [], heldout=[test], backend="torch").scores[0] for n in (result.neuron, SOMA)
    )
    assert found.rmse < 3.0 < 10.0 < plain.rmse
    assert found.spikes_predicted == found.spikes_measured > 2
