"""Texts of extreme shape: read or refused in a time that grows with their length."""

from __future__ import annotations

import time

import pytest

import pyhodgkin as ph
from pyhodgkin.errors import RecordingError

ROWS = "\n".join(f"{0.1 * i:.1f},{-65 + i % 7},0" for i in range(40))
LONG = {
    "brackets": "t (ms),v (mV)," + "exp(" * 50_000 + "\n" + ROWS,
    "brackets and blanks": "t (ms) v (mV) " + "((" * 50_000 + "\n" + ROWS.replace(",", " "),
    "blanks": "t (ms),v (mV),a" + " \t" * 50_000 + "b\n" + ROWS,
    "words": "t (ms),v (mV)," + "trace " * 30_000 + "\n" + ROWS,
    "quoted": 't (ms),v (mV),i (pA)\n0,-65,"' + "9" * 200_000 + '"\n' + ROWS,
    "digits": "t (ms),v (mV),i (pA)\n0,-65," + "9." * 100_000 + "\n" + ROWS,
    "units": "t (ms)," + "mV/" * 50_000 + ",i (pA)\n" + ROWS,
}


@pytest.mark.parametrize("what", LONG)
def test_a_long_line_takes_no_time(tmp_path, what):
    """Patterns of names take the square of the length, and days for a line of this one."""

    path = tmp_path / "a.csv"
    path.write_text(LONG[what])
    begin = time.process_time()
    try:
        ph.read(path, clamp="current", current_unit="pA")
    except RecordingError:
        pass
    assert time.process_time() - begin < 5.0


CHART = "Interval=\t5e-05 s\nChannelTitle=\tVm\tIm\nRange=\t200.0 mV\t1000 pA\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (CHART + "0\n", r"names 3 columns \(Time \(s\), Vm \(mV\), .* has 1 in its rows"),
        (CHART.replace("\tIm", "\tIm\tIn\tIo") + "0\t-65\t0\n", "names 5 columns .* has 3"),
        (CHART.replace("Interval=\t", "Interval=") + "0\t-65\n1\t-66\n", "interval|time"),
    ],
)
def test_a_heading_of_labchart_that_does_not_fit_its_rows(tmp_path, text, said):
    path = tmp_path / "chart.txt"
    path.write_text(text)
    with pytest.raises(RecordingError, match=said):
        ph.read(path, clamp="current")


def test_a_junction_potential_in_a_long_text():
    from types import SimpleNamespace

    from pyhodgkin.readers.nwb_facts import junction_potential_text

    text = "x" * 300_000 + ". The liquid junction potential of 12 mV, not corrected"
    file = SimpleNamespace(notes=text, icephys_electrodes={}, intracellular_recordings=None)
    assert junction_potential_text(file, []) == "The liquid junction potential of 12 mV"
    file.notes = "x" * 300_000
    assert junction_potential_text(file, []) == ""
