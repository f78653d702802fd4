"""Text files as acquisition programs and spreadsheets write them: read as they say, or refused."""

from __future__ import annotations

import subprocess
import sys
import warnings

import numpy as np
import pytest

from pyhodgkin import CurrentClamp, Step, read
from pyhodgkin.errors import RecordingError, RecordingWarning

N = 60
T = np.arange(N) * 0.05
V = np.round(-65 + 10 * np.sin(T), 4)
I = np.where((T >= 1) & (T < 2), 100.0, 0.0)  # noqa: E741
CLAMP = CurrentClamp(Step(1, 2, 100.0), 3.0, "pA")
HEAD = "t (ms),v (mV),i (pA)\n"


def rows(sep=",", decimal=".", end="", newline="\n", quote=""):
    def cell(x):
        return f"{quote}{x:.6g}{quote}".replace(".", decimal)

    return newline.join(sep.join(map(cell, row)) + end for row in zip(T, V, I, strict=True))


def table(header, *columns, sep=","):
    lines = (sep.join(str(x) for x in row) for row in zip(*columns, strict=True))
    return header + "\n" + "\n".join(lines) + "\n"


def written(folder, content, name="cell.csv"):
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


ATF = (
    'ATF\t1.0\n8\t5     \n"AcquisitionMode=Episodic Stimulation"\n"Comment="\n"YTop=200,10"\n'
    '"YBottom=-200,-10"\n"SyncTimeUnits=5"\n"SweepStartTimesMS=0.000,1000.000"\n'
    '"SignalsExported=IN 0,IN 1"\n"Signals="\t"IN 0"\t"IN 1"\t"IN 0"\t"IN 1"\n'
    '"Time (s)"\t"Trace #1 (mV)"\t"Trace #1 (pA)"\t"Trace #2 (mV)"\t"Trace #2 (pA)"\n'
) + "\n".join(
    f"{a / 1e3:.6g}\t{b}\t{c}\t{b + 1:.4f}\t{2 * c}" for a, b, c in zip(T, V, I, strict=True)
)
LABCHART = (
    "Interval=\t5e-05 s\nExcelDateTime=\t4.3749e+04\t10/11/19 11:08:37.485584\n"
    "TimeFormat=\tStartOfBlock\nDateFormat=\t\nChannelTitle=\tVm\tIm\n"
    "Range=\t200.0 mV\t1000 pA\nUnitName=\tmV\tpA\nTopValue=\t*\t*\n"
) + "\n".join(f"{a / 1e3:.8g}\t{b}\t{c}" for a, b, c in zip(T, V, I, strict=True))
LABCHART_COMMA = "Interval=\t0,00005 s\nChannelTitle=\tVm\tIm\nRange=\t200,0 mV\t1000 pA\n" + (
    "\n".join(
        f"{b}\t{c}".replace(".", ",") + ("\t#* drug added" if k == 7 else "")
        for k, (b, c) in enumerate(zip(V, I, strict=True))
    )
)
HEKA = "\n\n".join(
    f'Sweep_1_2_{s},  6.114596920E+04, 16:59:05.969, "x"\n'
    '"Index", "Time[s]"       , "I-mon[A]"      , "Time[s]", "V-mon[V]"\n'
    + "\n".join(
        f"{k}, {a / 1e3:.9E}, {c * 1e-12:.9E}, {a / 1e3:.9E}, {b * 1e-3:.9E}"
        for k, (a, b, c) in enumerate(zip(T, V, I, strict=True))
    )
    for s in (1, 2)
)
WIDE = table("Time (ms),Trace #1 (mV),Trace #2 (mV)", T.round(4), V, V)

SINGLE = {
    "carriage returns and line feeds": HEAD.replace("\n", "\r\n") + rows(newline="\r\n"),
    "carriage returns": HEAD.replace("\n", "\r") + rows(newline="\r"),
    "quoted names": '"t (ms)","v (mV)","i (pA)"\n' + rows(),
    "quoted numbers": '"t (ms)","v (mV)","i (pA)"\n' + rows(quote='"'),
    "quoted decimal commas": HEAD + rows(quote='"', decimal=","),
    "semicolons and decimal commas": HEAD.replace(",", ";") + rows(";", ","),
    "tabs and decimal commas": HEAD.replace(",", "\t") + rows("\t", ","),
    "spaces and decimal commas": "t_ms v_mV i_pA\n" + rows(" ", ","),
    "spaces, names with spaces": "Time (ms)  V (mV) I (pA)\n" + rows("   "),
    "delimiter line of Excel": "sep=;\n" + HEAD.replace(",", ";") + rows(";"),
    "padded by a spreadsheet": "Cell 12,,\n,,\n" + HEAD + rows() + "\n,,\n,,\n",
    "percent comments": "% a comment\n% another, with 3 cells, here\n" + HEAD + rows(),
    "title lines": "Cell 12, 2020-01-01\nsampled at 20 kHz\n" + HEAD + rows(),
    "comma at each end": HEAD.replace(")\n", "),\n") + rows(end=","),
    "comma at each end of the rows": HEAD + rows(end=","),
    "row of units": "t,v,i\nms,mV,pA\n" + rows(),
    "row of units in brackets": "Time,Vm,Im\n(ms),[mV],(pA)\n" + rows(),
    "row of units for some": "Time (ms),Vm,Im\n,mV,pA\n" + rows(),
    "units after a slash": "Time / ms,Vm / mV,Im / pA\n" + rows(),
    "units after a space": "Time ms,Vm mV,Im pA\n" + rows(),
    "by unit alone": "Time (ms),Primary (mV),Secondary (pA)\n" + rows(),
    "a column of remarks": table(
        "t (ms),v (mV),i (pA),remark", T.round(4), V, I, ["spike", ""] * (N // 2)
    ),
    "a column of row numbers": table(",t (ms),v (mV),i (pA)", range(N), T.round(4), V, I),
    "an empty line": HEAD + rows().replace("\n", "\n\n", 1),
    "minus signs": HEAD + rows().replace("-", "−"),
    "UTF-8 with a mark": (HEAD + rows()).encode("utf-8-sig"),
    "UTF-16": (HEAD + rows()).encode("utf-16"),
    "UTF-16 without a mark": (HEAD + rows()).encode("utf-16-le"),
    "UTF-16 big-endian": ("\ufeff" + HEAD + rows()).encode("utf-16-be"),
    "Latin-1": table("t (ms),v (mV),i (pA),a (µm²)", T.round(4), V, I, I).encode("latin-1"),
    "LabChart": LABCHART,
    "LabChart, no times, decimal commas": LABCHART_COMMA,
}


@pytest.mark.parametrize("kind", SINGLE)
def test_one_sweep_however_it_is_written(tmp_path, kind):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        (recording,) = read(written(tmp_path, SINGLE[kind], "cell.txt"), clamp="current")
    np.testing.assert_allclose(recording.t, T, atol=1e-9)
    np.testing.assert_allclose(recording.v, V, atol=1e-9)
    np.testing.assert_allclose(recording.command, I)
    assert recording.current_unit == "pA" and recording.name == "cell"


def test_axon_text(tmp_path):
    for name in ("cell.atf", "cell.txt"):
        first, second = read(written(tmp_path, ATF, name), clamp="current")
        np.testing.assert_allclose(first.t, T, atol=1e-9)
        np.testing.assert_allclose(first.v, V)
        np.testing.assert_allclose(second.v, V + 1)
        np.testing.assert_allclose(second.command, 2 * I)
    (only,) = read(
        tmp_path / "cell.txt", clamp="current", voltage="Trace #2 (mV)", current="Trace #2 (pA)"
    )
    np.testing.assert_allclose(only.v, V + 1)


def test_two_signals_of_axon_text_are_told_apart_by_name(tmp_path):
    path = written(tmp_path, ATF.replace("(pA)", "(mV)"), "cell.atf")
    with pytest.raises(RecordingError, match=r"several arrays that may be the voltage.*IN 0.*IN 1"):
        read(path, clamp="current", protocol=CLAMP)
    for signal, values in (("IN 0", V), ("IN 1", I)):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            sweeps = read(path, clamp="current", protocol=CLAMP, voltage=signal)
        assert len(sweeps) == 2
        np.testing.assert_allclose(sweeps[0].v, values)


def test_sweeps_below_one_another_each_with_a_heading(tmp_path):
    sweeps = read(written(tmp_path, HEKA, "cell.asc"), clamp="voltage", convert_current="pA")
    assert sweeps.names == ("cell Sweep_1_2_1", "cell Sweep_1_2_2")
    np.testing.assert_allclose(sweeps[1].current, I, atol=1e-9)
    np.testing.assert_allclose(sweeps[1].command, V, atol=1e-9)
    again = read(written(tmp_path, HEAD + rows() + "\n" + HEAD + rows()), clamp="current")
    assert again.names == ("cell sweep 0", "cell sweep 1")
    other = HEAD + rows() + "\nt (ms),i (pA),v (mV)\n" + rows()
    with pytest.raises(RecordingError, match="names in line 62 are not those of the sweep before"):
        read(written(tmp_path, other), clamp="current")


def test_one_column_a_sweep(tmp_path):
    path = written(tmp_path, WIDE)
    assert read(path, clamp="current", protocol=CLAMP).names == ("cell sweep 0", "cell sweep 1")
    numbered = written(tmp_path, WIDE.replace("Trace #", "v"))
    with pytest.raises(RecordingError, match=r"may be the voltage \(v1 \(mV\), v2 \(mV\)\)"):
        read(numbered, clamp="current", protocol=CLAMP)
    for voltage in ("v*", "v* (mV)", ["v1", "v2 (mV)"], [1, 2]):
        assert len(read(numbered, clamp="current", protocol=CLAMP, voltage=voltage)) == 2


def test_sweeps_of_several_lengths_and_many_of_them(tmp_path):
    shorter = [*map(str, V[:50]), *[""] * 10]
    text = table("Time (ms),Trace #1 (mV),Trace #2 (mV)", T.round(4), V, shorter)
    assert [len(r) for r in read(written(tmp_path, text), clamp="current", protocol=CLAMP)] == [
        60,
        50,
    ]
    many = "Time (ms)," + ",".join(f"Sweep {k} (mV)" for k in range(3000)) + "\n"
    many += "\n".join(f"{a:.6g}," + ",".join([f"{b}"] * 3000) for a, b in zip(T, V, strict=True))
    assert len(read(written(tmp_path, many), clamp="current", protocol=CLAMP)) == 3000


def test_decimal_marks_that_the_numbers_do_not_show(tmp_path):
    text = HEAD.replace(",", ";") + "0;1,234;0\n1;1,235;0\n2;1,236;0\n"
    path = written(tmp_path, text)
    with pytest.raises(RecordingError, match=r"may be a decimal comma or stand before thousands"):
        read(path, clamp="current")
    np.testing.assert_allclose(read(path, clamp="current", decimal="comma")[0].v[0], 1.234)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        np.testing.assert_allclose(read(path, clamp="current", decimal="point")[0].v[0], 1234)
    shown = HEAD.replace(",", ";") + "0;-1,065.5;0\n1;-65.25;0\n2;-65;0\n"
    np.testing.assert_allclose(
        read(written(tmp_path, shown), clamp="current")[0].v, [-1065.5, -65.25, -65]
    )
    mixed = HEAD.replace(",", ";") + "0;-65,5;0\n1;-65.25;0\n2;-65;0\n"
    with pytest.raises(RecordingError, match="others with a point"):
        read(written(tmp_path, mixed), clamp="current")
    with pytest.raises(ValueError, match='unknown decimal "comm"'):
        read(path, clamp="current", decimal="comm")


def cell(line, text):
    """The plain table with one row replaced."""
    lines = (HEAD + rows()).split("\n")
    lines[line - 1] = text
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (cell(5, "0.15,nan,0"), r'v is NaN .* 1 of 60 .*first in line 5, column "v \(mV\)"'),
        (cell(5, "0.15,inf,0"), r'line 5, column "v \(mV\)"'),
        (cell(5, "nan,-65,0"), r'time is NaN .*line 5, column "t \(ms\)"'),
        (cell(5, "0.15,,0"), r'line 5, column "v \(mV\)": the cell is empty'),
        (cell(5, ",,"), r'line 5, column "v \(mV\)": the cell is empty'),
        (cell(5, "0.15,ok,0"), r'line 5, column "v \(mV\)": "ok" is not a number'),
        (cell(5, "0.15,1_0,0"), r'"1_0" is not a number'),
        (cell(5, "0.15,5 mV,0"), r'"5 mV" is not a number'),
        (cell(2, "0,bad,0"), r'line 2, column "v \(mV\)": "bad" is not a number'),
        (cell(5, "0.15,-65,0,7"), "line 5 has 4 cells, the rows above it 3"),
        (cell(5, "0.15,-65"), "line 5 has 2 cells .*not 3"),
        (cell(5, '0.15,"-65,0'), "line 5 is not closed|not a table of numbers"),
        (cell(5, "a remark"), 'not a table|line 5 is "a remark"|names in line 5'),
        (HEAD + rows() + "\nend of data\n", 'line 62 is "end of data"'),
        (HEAD + rows() + "\n3.0,-6", "line 62 has 2 cells .*cut short"),
        (HEAD + rows() + "\n" + rows(), r"t\[60\] = 0 goes back after .* a column called sweep"),
        (HEAD + rows(decimal=","), "decimal commas need tabs or semicolons"),
        ("t (ms),v (mV),v (mV),i (pA)\n0,1,2,3\n1,2,3,4\n", 'names a column twice: "v'),
        ("t (ms),soma (mV),dendrite (mV)\n0,1,2\n1,2,3\n", r"may be the voltage \(soma"),
        ("t (s),v (mV),i (pA)\nms,mV,pA\n" + rows(), 'states "t .s." and below it the unit "ms"'),
        ("Time,v (mV),i (pA)\n12:05:01.5,1,2\n12:05:02,1,2\n", '"12:05:01.5" is not a number'),
        ("0,1,x\n1,2,3\n2,3,4\n", '"x" is not a number'),
        ("", "holds no data"),
        ("t,v,i\nms,mV,pA\n", "has a header but no rows"),
        (bytes(range(256)) * 20, "is not a text file"),
        (np.random.default_rng(0).bytes(5000), "is not a text file"),
        (b"\x1f\x8b\x08" + bytes(50), "compressed by gzip: unpack it first"),
        (b"PK\x03\x04" + bytes(50), "Excel workbook: save the sheet as csv"),
        (b"ABF2" + bytes(50), "let its name end in .abf"),
        ("IGOR\nWAVES/D v\nBEGIN\n1\n2\nEND\n", "save the waves as delimited text"),
        ('"INFORMATION"\n"x.smr"\n"CHANNEL"\t"1"\n1\n2\n', "spreadsheet text file"),
        (LABCHART.replace("5e-05 s", "1e-04 s"), "0.05 ms apart, the heading states 0.1 ms"),
    ],
)
def test_what_is_not_plain_is_refused_by_line_and_column(tmp_path, content, message):
    path = written(tmp_path, content, "cell.txt")
    with pytest.raises(RecordingError, match=message):
        read(path, clamp="current")


def test_times_with_few_digits(tmp_path):
    few = table("t (s),v (mV),i (pA)", [f"{a / 1e3:.4f}" for a in T], V, I)
    with pytest.warns(RecordingWarning, match=r"samples 0.05 ms apart.*Give dt=0.05"):
        (recording,) = read(written(tmp_path, few), clamp="current")
    np.testing.assert_allclose(recording.t, T, atol=1e-9)
    (stated,) = read(written(tmp_path, few), clamp="current", dt=0.05)
    np.testing.assert_allclose(stated.t, T, atol=1e-9)
    thirty = table("t (s),v (mV),i (pA)", [f"{k / 30e3:.5f}" for k in range(N)], V, I)
    with pytest.warns(RecordingWarning, match="0.0333333 ms"):
        (recording,) = read(written(tmp_path, thirty), clamp="current")
    np.testing.assert_allclose(recording.t, np.arange(N) / 30, atol=1e-9)
    significant = table("t (s),v (mV),i (pA)", [f"{2 + a / 1e3:.5g}" for a in T], V, I)
    with pytest.warns(RecordingWarning, match="0.05 ms"):
        (recording,) = read(written(tmp_path, significant), clamp="current")
    np.testing.assert_allclose(recording.t, T, atol=1e-9)


def test_times_that_are_uneven_stay_as_they_are(tmp_path):
    uneven = np.cumsum(np.random.default_rng(0).integers(1, 9, N)) * 0.01
    text = table("t (ms),v (mV),i (pA)", uneven.round(4), V, I)
    (recording,) = read(written(tmp_path, text), clamp="current")
    np.testing.assert_allclose(recording.t, uneven - uneven[0], atol=1e-9)
    few = table("t (ms),v (mV),i (pA)", [0, 1, 2, 4, 5], V[:5], I[:5])
    np.testing.assert_array_equal(
        read(written(tmp_path, few), clamp="current")[0].t, [0, 1, 2, 4, 5]
    )
    repeated = table("t (ms),v (mV),i (pA)", [0, 0, 1, 3, 3, 7], V[:6], I[:6])
    with pytest.raises(RecordingError, match=r"t\[1\] = 0 ms repeats.*dt= \(ms\)"):
        read(written(tmp_path, repeated), clamp="current")


def test_numbers_are_read_to_the_last_bit(tmp_path):
    values = np.random.default_rng(0).normal(size=(2000, 2)) * 1e-7
    text = table("t (ms),v (mV),i (pA)", range(2000), *(map(repr, x.tolist()) for x in values.T))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        (recording,) = read(written(tmp_path, text), clamp="current")
    np.testing.assert_array_equal(recording.v, values[:, 0])


def test_pandas_is_imported_for_text_alone():
    code = "import sys, pyhodgkin; pyhodgkin.read; print('pandas' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
