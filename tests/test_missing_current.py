"""A current that the neuron was not told of."""

from __future__ import annotations

import numpy as np

import pyhodgkin as ph
from pyhodgkin import Stage
from pyhodgkin.neuron.channels import NeuralCurrent
from pyhodgkin.neuron.gates import Gate
from pyhodgkin.numerics.spikes import upward_crossings


def test_a_neural_current_with_a_gate_takes_the_place_of_a_slow_one():
    true = ph.library.get("pospischil_rs")
    clamp = ph.CurrentClamp.step(4.0, start=5.0, stop=90.0, t_end=100.0)
    trace = ph.Recording.from_solution(ph.simulate(true, clamp, saveat=0.1, backend="torch"))
    slow = Gate("x", ph.NeuralKinetics("steady_state", ph.Network.create((1, 8, 2), seed=0)))
    network = ph.Network.create((2, 8, 1), seed=1)
    blind = true.without_channel("km")
    start = blind.with_channel(NeuralCurrent("unknown", network, (slow,), scale=5.0))
    stage = Stage("clamped", "lbfgs", 80, loss=ph.Loss("huber", delta=0.003))
    result = ph.fit(start, trace, schedule=stage, backend="torch", progress=False)
    loss = np.ravel(result.history["loss"])
    assert np.all(np.isfinite(result.theta))
    assert np.nanmin(loss) < 0.3 * loss[0]
    # What it stands for flows outwards, more of it the longer the cell fires.
    spikes = [
        len(upward_crossings(s.t, s.v, 0.0, 1.0))
        for s in (
            ph.simulate(cell, clamp, saveat=0.1, backend="torch")
            for cell in (true, result.neuron, blind)
        )
    ]
    assert spikes[2] > spikes[0] and abs(spikes[1] - spikes[0]) < spikes[2] - spikes[0]
