"""Parameters of a calcium pool and of a Markov scheme recovered from recordings."""

from __future__ import annotations

import numpy as np
import pytest
from neurons import ENGINES

import pyhodgkin as ph

T = np.linspace(0.0, 12.0, 61)


def pool_cell() -> ph.Neuron:
    """A passive cell with a calcium current and a potassium current that its calcium opens."""
    from pyhodgkin.rates import Hill, Sigmoid

    s = ph.Gate("s", ph.InstantaneousKinetics(Sigmoid(1.0, -40.0, 6.0)))
    w = ph.Gate("w", ph.SteadyStateKinetics(Hill(1.0, half=1e-3, n=2.0), 1.0))
    channels = (
        ph.NernstChannel("cal", 0.3, 2.0, (s,)),
        ph.Channel("kca", 3.0, -90.0, (w,)),
        ph.leak(0.3, -65.0),
    )
    pool = ph.CalciumPool.shell(0.1, 1e-4, 4.0, "cal")
    return ph.Neuron("pool", channels, temperature=22.0, calcium=pool, current_unit="uA/cm2")


@pytest.mark.parametrize("backend", ENGINES)
def test_the_decay_of_a_pool(backend):
    cell = pool_cell()
    clamp = ph.CurrentClamp.step(8.0, start=1.0, stop=8.0, t_end=12.0)
    truth = ph.simulate(cell, clamp, saveat=T, backend=backend, rtol=1e-8, atol=1e-10)
    recording = ph.Recording(T, clamp, v=truth.v)
    start = cell.with_parameters(calcium__tau=7.0)
    result = ph.fit(
        start, recording, trainable=["calcium.tau"], backend=backend, progress=False,
        schedule=ph.Stage("simulation", "levenberg", 10, trainable="calcium.tau"),
    )  # fmt: skip
    assert result.neuron.calcium.tau == pytest.approx(4.0, rel=1e-3)


@pytest.mark.parametrize("backend", ENGINES)
def test_a_rate_of_a_scheme_in_voltage_clamp(backend):
    cell = ph.library.get("herg_beattie_markov")
    steps = ph.VoltageClamp(ph.Steps([0.0, 2.0, 8.0], [-80.0, 40.0, -50.0]), 12.0)
    truth = ph.simulate(cell, steps, saveat=T, backend=backend, rtol=1e-8, atol=1e-10)
    current = np.asarray(truth.currents["kr"])
    recording = ph.Recording(T, steps, current=current, current_unit="nA")
    start = cell.with_parameters(kr__k3__a=0.05, kr__k4__k=-25.0)
    names = ["kr.k3.a", "kr.k4.k"]
    result = ph.fit(
        start, recording, trainable=names, backend=backend, progress=False,
        schedule=ph.Stage("simulation", "lbfgs", 30, trainable=names),
    )  # fmt: skip
    found = result.neuron.channel("kr")
    assert found.rate("k3").curve.a == pytest.approx(0.0873, rel=1e-2)
    assert found.rate("k4").curve.k == pytest.approx(-1 / 0.03158, rel=1e-2)


@pytest.mark.slow
def test_the_default_schedule_simulates():
    cell = pool_cell()
    clamp = ph.CurrentClamp.step(8.0, start=1.0, stop=4.0, t_end=5.0)
    t = np.linspace(0.0, 5.0, 26)
    truth = ph.simulate(cell, clamp, saveat=t, backend="torch")
    recording = ph.Recording(t, clamp, v=truth.v)
    start = cell.with_parameters(calcium__tau=5.0)
    result = ph.fit(start, recording, trainable=["calcium.tau"], backend="torch", progress=False)
    assert not any("clamped" in stage for stage in result.history["stage"])
    assert result.neuron.calcium.tau == pytest.approx(4.0, rel=0.05)
