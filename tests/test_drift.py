"""Drift of the rest between recordings: found before the stimulus, the same in fit and evaluate."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import pyhodgkin as ph
from pyhodgkin.errors import InputError, RecordingError
from pyhodgkin.recordings.drift import baseline

CURRENTS = (-6.0, 3.0, 9.0)  # pA


def cell(unit: str = "pA") -> ph.Neuron:
    return ph.library.get("squid_axon").whole_cell(area=1000.0, unit=unit)


def drifted(noise: float = 0.05) -> list[ph.Recording]:
    """Sweeps of a cell with a current that nobody knows of."""
    out = []
    for i, more in enumerate(CURRENTS):
        clamp = ph.CurrentClamp.step(
            (-20.0, 60.0, 90.0)[i], 60.0, 90.0, 100.0, baseline=0.0, unit="pA"
        )
        hidden = replace(clamp, waveform=clamp.waveform + more)
        neuron = cell()
        rest = ph.simulate(neuron, ph.CurrentClamp(more, 200.0, unit="pA"), backend="torch").v[-1]
        start = neuron.initial_state(float(rest))
        solution = ph.simulate(neuron, hidden, y0=start, saveat=0.05, backend="torch")
        seen = ph.Recording.from_solution(solution, noise=noise, seed=i, name=f"sweep {i}")
        out.append(replace(seen, protocol=clamp))
    return out


def test_the_current_of_each_recording_is_what_its_rest_needs():
    passive = ph.Neuron("passive", (ph.leak(5.0, -70.0),), c_m=100.0, v_rest=-70.0)
    sweeps = []
    for more in CURRENTS:
        clamp = ph.CurrentClamp.step(30.0, 50.0, 150.0, 250.0, unit="pA")
        hidden = replace(clamp, waveform=clamp.waveform + more)
        y0 = passive.initial_state(-70.0 + more / 5.0)
        solution = ph.simulate(passive, hidden, y0=y0, saveat=0.1, backend="torch")
        sweeps.append(replace(ph.Recording.from_solution(solution), protocol=clamp))
    drift = ph.drift_of(sweeps)
    found = [drift.current(r) for r in sweeps]
    assert found == pytest.approx(np.array(CURRENTS) - np.median(CURRENTS), abs=0.05)
    clean = [ph.without_drift(r, drift) for r in sweeps]
    predicted = ph.evaluate(passive.with_parameters(l__e=-69.4), clean, backend="torch")
    assert predicted.mean("recordings")["rmse"] < 0.02
    for before, after in zip(sweeps, clean, strict=True):
        assert np.array_equal(before.v, after.v)
        assert after.setup["drift_current"] == pytest.approx(drift.current(before))


def test_a_holding_current_is_no_drift():
    clamps = [
        ph.CurrentClamp.step(30.0, 50.0, 100.0, 200.0, baseline=b, unit="pA") for b in (0.0, 10.0)
    ]
    t = np.arange(0.0, 200.0, 0.1)
    held = [ph.Recording(t, c, v=np.full(2000, -70.0 + 2.0 * k)) for k, c in enumerate(clamps)]
    drift = ph.Drift(5.0, -350.0)
    assert [drift.current(r) for r in held] == pytest.approx([0.0, 0.0])


def test_it_is_not_taken_out_twice_nor_where_there_is_no_rest():
    first = drifted()[0]
    drift = ph.Drift(5.0, -300.0)
    with pytest.raises(RecordingError, match="already"):
        ph.without_drift(ph.without_drift(first, drift), drift)
    early = ph.Recording(first.t, ph.CurrentClamp.step(9.0, 5.0, 50.0, 100.0, unit="pA"), v=first.v)
    with pytest.raises(RecordingError, match="20 ms"):
        ph.without_drift(early, drift)
    with pytest.raises(InputError, match="conductance"):
        ph.Drift(-1.0, 0.0)
    with pytest.raises(InputError, match="drift is a str"):
        ph.fit(cell(), drifted(), trainable="k.g", drift="yes", backend="torch")


def test_a_cell_that_spikes_by_itself_would_rest_where_its_spikes_begin():
    t = np.arange(0.0, 200.0, 0.1)
    v = np.interp(t % 50.0, [0.0, 1.0, 2.0, 50.0], [-45.0, 20.0, -65.0, -45.0])
    clamp = ph.CurrentClamp.step(9.0, 150.0, 180.0, 200.0, unit="pA")
    found, current = baseline(ph.Recording(t, clamp, v=v))
    assert -48.0 < found < -45.0 and current == 0.0


def test_fit_and_evaluate_treat_recordings_alike(tmp_path):
    sweeps = drifted()
    start = cell().with_parameters(k__g=0.9 * cell().channel("k").g)
    quick = ph.Stage("clamped", "lbfgs", 5)
    how = {"trainable": "k.g", "schedule": quick, "backend": "torch", "progress": False}
    result = ph.fit(start, sweeps[:2], heldout=sweeps[2], drift=True, **how)
    assert result.drift is not None and any("rest drifts" in line for line in result.log)
    loaded = ph.load_fit(result.save(tmp_path / "run")) if hasattr(ph, "load_fit") else result
    assert loaded.drift == result.drift
    evaluation = ph.evaluate(result, sweeps[:2], heldout=sweeps[2], backend="torch")
    by_hand = [ph.without_drift(r, result.drift) for r in sweeps]
    expected = ph.evaluate(result.neuron, by_hand, backend="torch")
    found = [row["rmse"] for row in evaluation.rows()]
    assert found == pytest.approx([row["rmse"] for row in expected.rows()])
    assert found[:2] == pytest.approx(list(result.train_error.rmse[result.best]), rel=0.01)
    with pytest.raises(RecordingError, match="trained on"):
        ph.evaluate(result, [], heldout=sweeps[0], backend="torch")
    both = ph.evaluate([start, result], sweeps[2], backend="torch")
    raw = ph.evaluate(start, sweeps[2], backend="torch").rows()[0]["rmse"]
    assert [row["rmse"] for row in both.rows()] == pytest.approx([raw, found[2]])
    left = ph.fit(start, sweeps[:2], heldout=sweeps[2], drift=False, **how)
    assert left.drift is None
    assert ph.fit(start, iter(sweeps[:2]), **how).drift is None  # a schedule of one's own
