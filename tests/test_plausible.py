"""Numbers that are hardly meant so: warned of or refused, with the number and the likely unit."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import pyhodgkin as ph
from pyhodgkin import CurrentClamp, Recording, Step, VoltageClamp
from pyhodgkin.errors import InputError, PlausibilityWarning
from pyhodgkin.protocols import PulseTrain, Ramp

N = 400
T = 0.05 * np.arange(N)
V = -65 + 10 * np.sin(T)
STEP = CurrentClamp.step(7.0, 5.0, 15.0, 20.0)
CLAMP = VoltageClamp.step(20.0, 5.0, 15.0, 20.0)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"t": T / 1000, "v": V}, r'5e-05 ms apart .*seconds.*time_unit="s"'),
        ({"t": T * 1000, "v": V, "protocol": CurrentClamp.step(7.0, 5.0, 15.0, 2e4)}, "50 ms"),
        ({"v": V / 1000}, r'median of -0.0642 mV: are these volts\?.*voltage_unit="V"'),
        ({"v": V * 1000}, r"median of -6.*mV: are these microvolts"),
        ({"protocol": CLAMP, "current": 1e-10 * V, "current_unit": "nA"}, 'current_unit="A"'),
        ({"protocol": CLAMP, "current": 1e4 * V, "current_unit": "nA"}, "is it in pA"),
        (
            {"v": V, "protocol": CurrentClamp.step(7.0, 50.0, 60.0, 100.0)},
            "changes at 50 ms, after",
        ),
    ],
)
def test_recordings_in_another_unit(fields, message):
    given = {"t": T, "protocol": STEP, **fields}
    with pytest.warns(PlausibilityWarning, match=message):
        Recording(**given)


def test_recordings_that_are_as_they_should_be():
    artefact = V.copy()
    artefact[::100] = -1500.0
    quiet = 0.3 * np.sin(T)  # a potential counted from rest
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for v in (V, artefact, quiet, np.zeros(N), 2 * np.sin(T)):
            recording = Recording(T, STEP, v=v)
            recording.window(0.0, 4.0), recording.thinned(10), recording.windows(2.0)
        for unit, size in (("pA", 800.0), ("nA", 0.5), ("uA/cm2", 1500.0), ("nA", 2e4)):
            Recording(T, CLAMP, current=size * np.sin(T), current_unit=unit)
        for name in ph.library.names():
            ph.library.get(name)


@pytest.mark.parametrize("clamp", ["current", "voltage"])
def test_the_other_clamp(tmp_path, clamp):
    """A file of the one clamp that is read as the other."""
    v, i = (V, STEP(T)) if clamp == "current" else (CLAMP(T), 3 * np.sin(T))
    rows = "\n".join(f"{a:.6g},{b:.6g},{c:.6g}" for a, b, c in zip(T, v, i, strict=True))
    path = tmp_path / "cell.csv"
    path.write_text("t (ms),v (mV),i (pA)\n" + rows)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ph.read(path, clamp=clamp)
    other = "voltage" if clamp == "current" else "current"
    with pytest.warns(PlausibilityWarning, match=f'clamp="{clamp}"'):
        ph.read(path, clamp=other)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: CurrentClamp.step(1e9, 5.0, 15.0, 20.0), "reaches 1e\\+09 uA/cm2, more than 1e"),
        (lambda: CurrentClamp.constant(-1e9, 20.0, unit="pA"), "reaches 1e\\+09 pA"),
        (lambda: CurrentClamp.steps([0, 5], [0, 1e7], 20.0, unit="nA"), "reaches 1e\\+07 nA"),
        (lambda: CurrentClamp.sampled(T, np.full(N, 1e9)), "reaches 1e\\+09"),
        (lambda: VoltageClamp.step(1e6, 5.0, 15.0, 20.0), "voltage command reaches 1e\\+06 mV"),
        (lambda: CurrentClamp.step(7.0, 150.0, None, 100.0), "starts at 150 ms .* ends at .* 100"),
        (lambda: CurrentClamp(PulseTrain(30, 5, 1, 2.0, 3), 20.0), "starts at 30 ms"),
        (lambda: VoltageClamp(Ramp(20, 30, -80.0, 20.0), 20.0), "starts at 20 ms"),
        (lambda: CurrentClamp(Step(25, 30, 1.0) + 5.0, 20.0), "starts at 25 ms"),
        (lambda: CurrentClamp.step(7.0, 15.0, 5.0, 20.0), r"stop \(5 ms\) lies before start"),
    ],
)
def test_protocols_that_are_refused(make, message):
    with pytest.raises(InputError, match=message):
        make()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: CurrentClamp.step(5e3, 5.0, 15.0, 20.0, unit="nA"), "5000 nA: .* in pA"),
        (lambda: CurrentClamp.step(1e-10, 5.0, 15.0, 20.0, unit="nA"), "below 1e-10 nA: .* in A"),
        (lambda: CurrentClamp.step(2e5, 5.0, 15.0, 20.0), "200000 uA/cm2"),
        (lambda: VoltageClamp.step(0.02, 5.0, 15.0, 20.0, holding=-0.08), "0.08 mV: .* in V"),
        (lambda: VoltageClamp.step(2e4, 5.0, 15.0, 20.0, holding=-8e4), "80000 mV: .* in uV"),
    ],
)
def test_protocols_in_another_unit(make, message):
    with pytest.warns(PlausibilityWarning, match=message):
        make()


def test_protocols_that_are_as_they_should_be():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        CurrentClamp.constant(0.0, 20.0), VoltageClamp.constant(0.0, 20.0)
        CurrentClamp.steps([0, 5], [0, 9e4], 20.0, unit="pA"), CurrentClamp(Step(25, 30, 0.0), 20.0)
        CurrentClamp.step(5000.0, 5.0, 5.02, 20.0), VoltageClamp.step(200.0, 5.0, 15.0, 20.0)
        CurrentClamp(Step(5, 8, 1.0) + Step(25, 30, 1.0), 20.0)


def test_the_beginning_of_a_recording_is_not_judged_anew():
    """A fit sees growing parts of a recording, which may end before its command changes."""
    from pyhodgkin.fitting.prepared_recordings import cut

    t = np.arange(0.0, 50.0, 0.1)
    recording = ph.Recording(t, ph.CurrentClamp.step(1.0, 10.0, 40.0, 50.0), v=np.sin(t) - 65.0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert cut(recording, 5.0).t[-1] == pytest.approx(5.0)
