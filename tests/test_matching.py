"""A neuron and what it meets in one unit of current: converted exactly, or refused with the fix."""

from dataclasses import replace

import numpy as np
import pytest
from fit_stub import StubBackend

import pyhodgkin as ph
from pyhodgkin.errors import InputError, RecordingError
from pyhodgkin.recordings.matching import bounds_of, neuron_for

AXON = ph.library.get("squid_axon")
CELL = AXON.whole_cell(area=1000.0)
BARE = replace(AXON, current_unit=None)
STEP = ph.Step(5.0, None, 10.0)
DENSITY = ph.CurrentClamp(STEP, 20.0)
PICO = ph.CurrentClamp(ph.Step(5.0, None, 100.0), 20.0, "pA")
NANO = ph.CurrentClamp(ph.Step(5.0, None, 0.1), 20.0, "nA")
CLAMP = ph.VoltageClamp.step(0.0, start=2.0, stop=8.0, t_end=10.0)


def simulated(neuron, protocol, **more):
    return ph.simulate(neuron, protocol, saveat=0.1, backend="torch", **more)


@pytest.fixture(scope="module")
def trace():
    """The axon under 10 µA/cm², which are 100 pA for 1000 µm²."""
    return simulated(AXON, DENSITY)


@pytest.fixture(scope="module")
def recordings(trace):
    """The same trace as a rig would have it, in each unit."""
    return {
        p.unit: ph.Recording(trace.t, p, v=trace.v, name=f"in {p.unit}")
        for p in (DENSITY, PICO, NANO)
    }


DENSITY_MEETS_PICO = (
    r'neuron "squid_axon" is per area \(µA/cm², mS/cm², µF/cm²\) but .* of a whole cell, in pA: '
    r"give the size of the cell, area= in µm² or capacitance= in pF"
)
PICO_MEETS_DENSITY = (
    r'neuron "squid_axon" is of a whole cell \(pA, nS, pF\) but .* per area, in µA/cm².*'
    r"if its numbers are in pA.*CurrentClamp\(…, unit=…\); else give the area of the cell, area="
)


# -- fit, evaluate, adapt, identifiability ---------------------------------------------------


def fitted(neuron, recording, **more):
    return ph.fit(neuron, recording, trainable="k.g", backend="torch", progress=False, **more)


def test_fit_converts_and_reports_the_unit_of_the_recordings(recordings):
    start = AXON.with_parameters(k__g=33.0)
    result = fitted(start, recordings["pA"], area=1000.0, bounds={"k.g": (20.0, 50.0)})
    cell = result.neuron
    assert (cell.current_unit, cell.area, cell.c_m) == ("pA", 1000.0, 10.0)
    assert cell.channel("k").g == pytest.approx(360.0, rel=1e-3)
    (line,) = [row for row in str(result).splitlines() if row.startswith("k.g")]
    assert line.endswith("nS")
    assert cell.per_area().channel("k").g == pytest.approx(36.0, rel=1e-3)
    # The same command again, now with the cell of the fit.
    again = ph.evaluate(result, recordings["pA"], area=1000.0, backend="torch").rows()[0]
    assert again["rmse"] < 0.05


def test_the_same_fit_in_every_unit(recordings):
    start, options = AXON.with_parameters(k__g=33.0), {"bounds": {"k.g": (20.0, 50.0)}}
    density = fitted(start, recordings["uA/cm2"], **options)
    pico = fitted(start, recordings["pA"], capacitance=10.0, **options)
    assert pico.theta[0] == pytest.approx(
        10.0 * density.theta[0] * (density.neuron.layout.least > -1)
        + density.theta[0] * (density.neuron.layout.least <= -1),
        rel=1e-6,
    )


def test_bounds_go_with_the_numbers_that_scale():
    names = AXON.layout.names
    bounds = {"k.*": (1.0, 50.0), "l.e": (-80.0, -40.0), "x": (0.0, 1.0)}
    found = bounds_of(bounds, names, AXON, CELL, True)
    assert found["k.g"] == (10.0, 500.0) and found["k.e"] == (1.0, 50.0)
    assert found["l.e"] == (-80.0, -40.0) and found["x"] == (0.0, 1.0)
    assert bounds_of(bounds, names, AXON, AXON, False) is bounds


def test_evaluate_converts(recordings):
    for recording in recordings.values():
        for neuron, size in ((AXON, {"area": 1000.0}), (CELL, {}), (AXON, {"capacitance": 10.0})):
            row = ph.evaluate(neuron, recording, backend="torch", **size).rows()[0]
            assert row["rmse"] < 1e-6 and row["spikes_measured"] == row["spikes_predicted"]
    rows = ph.evaluate([AXON, CELL], list(recordings.values()), area=1000.0, backend="torch").rows()
    assert len(rows) == 6 and max(row["rmse"] for row in rows) < 1e-6
    strong = np.stack([AXON.theta, AXON.with_parameters(k__g=30.0).theta])
    rows = ph.evaluate(AXON, recordings["pA"], theta=strong, area=1000.0, backend="torch").rows()
    assert rows[0]["rmse"] < 1e-6 < 0.1 < rows[1]["rmse"]


def test_adapt_and_identifiability_convert(recordings):
    start = AXON.with_parameters(k__g=33.0)
    more = {"area": 1000.0, "backend": "torch"}
    result = ph.adapt(start, recordings["pA"], trainable="k.g", bounds={"k.g": (20, 50)}, **more)
    assert result.neuron.channel("k").g == pytest.approx(360.0, rel=1e-3)
    assert result.neuron.current_unit == "pA"
    found = ph.identifiability(AXON, recordings["pA"], trainable=["k.g", "c_m"], noise=1.0, **more)
    assert found.units == ("pF", "nS") and sorted(found.values) == [10.0, 360.0]
    density = ph.identifiability(
        AXON, recordings["uA/cm2"], trainable=["k.g", "c_m"], noise=1.0, backend="torch"
    )
    np.testing.assert_allclose(found.standard_errors, 10.0 * density.standard_errors, rtol=1e-4)


VERBS = {
    "fit": lambda neuron, r, **m: fitted(neuron, r, **m),
    "evaluate": lambda neuron, r, **m: ph.evaluate(neuron, r, backend="torch", **m),
    "adapt": lambda neuron, r, **m: ph.adapt(neuron, r, backend="torch", **m),
    "identifiability": lambda neuron, r, **m: ph.identifiability(neuron, r, backend="torch", **m),
}


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_refuses(verb, recordings, tmp_path):
    call = VERBS[verb]
    with pytest.raises(InputError, match=DENSITY_MEETS_PICO) as caught:
        call(AXON, recordings["pA"])
    assert 'recording "in pA"' in str(caught.value)
    with pytest.raises(InputError, match=PICO_MEETS_DENSITY):
        call(replace(CELL, area=None), recordings["uA/cm2"])
    with pytest.raises(InputError, match="area = -1 µm²"):
        call(AXON, recordings["pA"], area=-1.0)
    current = ph.Recording(
        np.arange(0, 10, 0.1), CLAMP, current=np.zeros(100), current_unit="nA", name="clamped"
    )
    with pytest.raises(InputError, match='recording "clamped" is of a whole cell, in nA'):
        call(AXON, current)
    if verb != "evaluate":
        with pytest.raises(RecordingError, match=r"mix currents in pA and µA/cm².*convert_current"):
            call(AXON, [recordings["pA"], recordings["uA/cm2"]])


def test_a_held_out_recording_has_the_same_unit(recordings):
    with pytest.raises(RecordingError, match="mix currents"):
        fitted(AXON, recordings["uA/cm2"], heldout=recordings["pA"])


def test_nothing_is_written_where_a_mixture_is_refused(recordings, tmp_path):
    with pytest.raises(InputError):
        fitted(AXON, recordings["pA"], out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_neuron_by_hand_takes_the_unit_of_its_recordings(recordings):
    hand = AXON.with_parameters(c_m=10.0, k__g=330.0, na__g=1200.0, l__g=3.0)
    result = ph.fit(hand, recordings["pA"], trainable="k.g", backend=StubBackend(), progress=False)
    assert result.neuron.current_unit == "pA" and result.neuron.layout["k.g"].unit == "nS"
    with pytest.raises(InputError, match=PICO_MEETS_DENSITY):
        simulated(result.neuron, DENSITY)
    assert neuron_for(hand, "nA", "it").layout["k.g"].unit == "µS"
    assert neuron_for(hand, "nA", "it") is neuron_for(hand, "nA", "it")
    assert neuron_for(AXON, "uA/cm2", "it") is AXON


def test_bounds_that_do_not_hold_the_start_name_its_unit(recordings):
    with pytest.raises(InputError, match=r"\(10, 300\) must hold the start 360 nS"):
        fitted(AXON, recordings["pA"], area=1000.0, bounds={"k.g": (1.0, 30.0)})


# -- synthetic recordings, reading ------------------------------------------------------------


def test_synthetic_recordings_have_the_unit_of_their_neuron():
    recording = ph.Recording.from_solution(simulated(CELL, CLAMP))
    assert recording.current_unit == "pA"
    with pytest.raises(RecordingError, match=r"current_unit is nA but .* in pA: leave it out"):
        ph.Recording.from_solution(simulated(CELL, CLAMP), current_unit="nA")
    with pytest.raises(RecordingError, match="current_unit is missing"):
        ph.Recording.from_solution(simulated(BARE, CLAMP))
    assert ph.Recording.from_solution(simulated(BARE, CLAMP), current_unit="nA").unit == "nA"


def test_reading_to_densities(tmp_path, recordings):
    path = tmp_path / "cell.csv"
    recordings["pA"].to_csv(path)
    for size in ({"area": 1000.0}, {"capacitance": 8.0, "c_m": 0.8}):
        (read,) = ph.read(path, **size)
        assert read.current_unit == "uA/cm2"
        np.testing.assert_allclose(read.command, recordings["uA/cm2"].command, rtol=1e-12)
    recordings["uA/cm2"].to_csv(path)
    (read,) = ph.read(path, area=1000.0, convert_current="nA")
    np.testing.assert_allclose(read.command, recordings["nA"].command, rtol=1e-12)
    clamped = ph.Recording.from_solution(simulated(CELL, CLAMP))
    clamped.to_csv(path)
    (read,) = ph.read(path, area=1000.0)
    np.testing.assert_allclose(10.0 * read.current, clamped.current, rtol=1e-12)
    assert ph.evaluate(AXON, read, backend="torch").rows()[0]["relative_l2"] < 1e-3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"area": -1.0}, "area=-1.0 must be a positive number, µm²"),
        ({"area": "big"}, "area='big' must be a positive number"),
        ({"capacitance": 10.0}, r"capacitance= \(pF\) with c_m="),
        ({"c_m": 1.0}, r"capacitance= \(pF\) with c_m="),
        ({"area": 1.0, "capacitance": 10.0, "c_m": 1.0}, "give the size of the cell as area="),
        ({"area": 1.0, "convert_current": "nA"}, "both of a whole cell.*leave area="),
        ({"convert_current": "uA/cm2"}, "divide by the cell's area"),
        ({"area": 1.0, "protocol": PICO}, "leave area= or capacitance= out"),
    ],
)
def test_sizes_that_cannot_be_honoured_are_refused(tmp_path, recordings, arguments, message):
    path = tmp_path / "cell.csv"
    recordings["pA"].to_csv(path)
    with pytest.raises(RecordingError, match=message):
        ph.read(path, **arguments)
