"""Liquid junction potential: v = v_recorded - potential, in recordings, readers, command line."""

import numpy as np
import pytest

import pyhodgkin as ph
from pyhodgkin import CurrentClamp, Recording, VoltageClamp, read
from pyhodgkin.errors import PlausibilityWarning, RecordingError

T = np.arange(100) * 0.1
LEVELS = np.where(T >= 2.0, 20.0, -66.0)


def clamped(protocol=None, **fields):
    protocol = protocol or VoltageClamp.step(20.0, start=2.0, stop=None, t_end=9.9, holding=-66.0)
    return Recording(T, protocol, current=np.zeros(100), current_unit="pA", **fields)


@pytest.mark.parametrize(
    "protocol",
    [
        VoltageClamp.step(20.0, start=2.0, stop=None, t_end=9.9, holding=-66.0),
        VoltageClamp.sampled(T, LEVELS, mode="command"),
        VoltageClamp.sines([10.0, 5.0], [100.0, 300.0], t_end=9.9, centre=-60.0),
        VoltageClamp(-66.0, 9.9),
    ],
)
def test_commands_of_every_form_are_shifted(protocol):
    before = clamped(protocol)
    after = before.with_junction_potential(14.0)
    np.testing.assert_allclose(after.command, before.command - 14.0, rtol=0, atol=1e-12)
    np.testing.assert_array_equal(after.protocol.breakpoints, before.protocol.breakpoints)
    np.testing.assert_array_equal(after.current, before.current)
    assert after.junction_potential == 14.0 and before.junction_potential is None
    assert "junction potential 14 mV subtracted" in repr(after)


def test_measured_potentials_are_shifted():
    before = Recording(T, CurrentClamp(3.0, 9.9, "pA"), v=LEVELS)
    after = before.with_junction_potential(-5.0)
    np.testing.assert_array_equal(after.v, LEVELS + 5.0)
    assert after.protocol == before.protocol


def test_it_is_subtracted_from_all_of_a_set():
    both = ph.RecordingSet([clamped(name="a"), clamped(name="b")]).with_junction_potential(9.0)
    assert [r.junction_potential for r in both] == [9.0, 9.0]


def test_it_is_subtracted_once():
    once = clamped().with_junction_potential(14.0)
    with pytest.raises(RecordingError, match="14 mV has been subtracted already"):
        once.with_junction_potential(14.0)
    assert once.window(2.0, 5.0).junction_potential == 14.0


@pytest.mark.parametrize("given", [np.nan, "x", True])
def test_it_must_be_a_number(given):
    with pytest.raises(RecordingError, match=r"junction_potential = .* finite number \(mV\)"):
        clamped().with_junction_potential(given)


def test_volts_are_told():
    with pytest.warns(PlausibilityWarning, match=r"0\.014 mV.*in mV"):
        clamped().with_junction_potential(0.014)
    with pytest.warns(PlausibilityWarning, match="140 mV"):
        clamped().with_junction_potential(140.0)


def test_read_subtracts_it(tmp_path):
    path = tmp_path / "cell.csv"
    rows = [f"{t:.1f},{v},{0.5 * v}" for t, v in zip(T, LEVELS, strict=True)]
    path.write_text("t (ms),v (mV),i (pA)\n" + "\n".join(rows) + "\n")
    (clamp,) = read(path, clamp="voltage", junction_potential=14.0)
    np.testing.assert_allclose(clamp.command, LEVELS - 14.0)
    (free,) = read(path, clamp="current", junction_potential=14.0)
    np.testing.assert_allclose(free.v, LEVELS - 14.0)
    np.testing.assert_allclose(free.command, 0.5 * LEVELS)
    # A protocol that the caller gives is what the amplifier was told, as that of a file is.
    given = VoltageClamp.step(20.0, start=2.0, stop=None, t_end=10.0, holding=-66.0)
    (own,) = read(path, clamp="voltage", protocol=given, junction_potential=14.0)
    np.testing.assert_allclose(own.command, LEVELS - 14.0)


def test_the_command_line_takes_it(tmp_path, capsys):
    from pyhodgkin.cli.app import main

    axon = ph.library.get("squid_axon")
    seen = VoltageClamp.step(0.0, start=1.0, stop=6.0, t_end=8.0)
    trace = ph.simulate(axon, seen, saveat=0.1, backend="torch")
    true = Recording.from_solution(trace, current_unit="uA/cm2", name="cell")
    told = VoltageClamp(seen.waveform + 14.0, 8.0)
    recorded = Recording(true.t, told, current=true.current, current_unit="uA/cm2", name="cell")
    recorded.to_csv(tmp_path / "cell.csv")
    out = tmp_path / "judged"
    command = ["evaluate", "squid_axon", str(tmp_path / "cell.csv"), "--backend", "torch"]
    assert main([*command, "--junction-potential", "14", "--out", str(out)]) == 0
    (line,) = [x for x in capsys.readouterr().out.splitlines() if "cell" in x and "uA" in x][:1]
    assert all(float(x) < 1e-2 for x in line.split() if x.replace(".", "").isdigit()), line


def test_a_fit_of_corrected_and_other_recordings_says_so():
    from pyhodgkin.recordings.facts import notes

    one, other = clamped(), clamped().with_junction_potential(14.0)
    assert notes([one, one]) == notes([other, other]) == []
    (text,) = notes([one, other])
    assert "1 of 2 recordings are corrected" in text and "14 mV" in text


def test_a_fit_of_several_cells_or_electrodes_says_so():
    from pyhodgkin.recordings.facts import notes

    cells = [clamped(cell=name, electrode=name + "0") for name in "ab"]
    (text,) = notes(cells)
    assert "2 cells (a, b)" in text
    assert notes(cells, per_cell="k.g") == []
    (text,) = notes([clamped(electrode=name) for name in "xy"])
    assert "2 electrodes (x, y)" in text


def test_a_csv_file_keeps_the_facts(tmp_path):
    mask = np.ones(100, dtype=bool)
    mask[[3, 4, 99]] = False
    first = clamped(name="a", cell="c1", electrode="e1", series_resistance=9.5, mask=mask)
    second = clamped(name="b", temperature=0.0).with_junction_potential(14.0)
    path = tmp_path / "cells.csv"
    ph.RecordingSet([first, second]).to_csv(path)
    again = read(path)
    assert [r.setup for r in again] == [first.setup, second.setup]
    assert [r.cell for r in again] == ["c1", ""] and again["b"].temperature == 0.0
    np.testing.assert_array_equal(again["a"].mask, mask)
    assert again["b"].mask.all()
    with pytest.raises(RecordingError, match="14 mV has been subtracted already"):
        read(path, junction_potential=14.0)
    assert read(path, sweeps="b")[0].junction_potential == 14.0
    # What was not noted is not invented, and what is not known is refused.
    clamped(name="plain").to_csv(path)
    assert "facts" not in path.read_text() and read(path)[0].setup == {}
    first.to_csv(path)
    for wrong in ("electrodes", "t"):
        damaged = tmp_path / "damaged.csv"
        damaged.write_text(path.read_text().replace('"electrode"', f'"{wrong}"'))
        with pytest.raises(RecordingError, match=f"{wrong} is no fact of a sweep"):
            read(damaged)
