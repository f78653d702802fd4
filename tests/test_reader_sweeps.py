"""`sweeps=` and `exclude=` of read: which sweeps of a file are read, in every format."""

from datetime import datetime, timezone

import numpy as np
import pytest

from pyhodgkin import CurrentClamp, read
from pyhodgkin.errors import RecordingError

T = np.arange(50) * 0.1  # ms


def csv_file(path):
    rows = [f"{k},{t:.1f},{-70 + k},{10 * k}" for k in range(4) for t in T]
    path.write_text("sweep,t (ms),v (mV),i (pA)\n" + "\n".join(rows) + "\n")


def npz_file(path):
    levels = np.arange(4.0)[:, None] + np.zeros(len(T))
    np.savez(path, t_ms=T, v_mV=-70 + levels, i_pA=10 * levels)


def abf_file(path):
    writer = pytest.importorskip("pyabf.abfWriter")
    levels = np.arange(4.0)[:, None] + np.zeros(1000)
    writer.writeABF1(-70 + levels, str(path), 10_000.0, units="mV")


def nwb_file(path):
    pynwb = pytest.importorskip("pynwb")
    file = pynwb.NWBFile("a test", "x", datetime(2024, 1, 1, tzinfo=timezone.utc))
    device = file.create_device(name="amplifier")
    electrode = file.create_icephys_electrode(name="e", description="glass", device=device)
    for k in range(4):
        common = {"rate": 1e4, "starting_time": float(k), "electrode": electrode, "gain": 1.0}
        file.add_acquisition(
            pynwb.icephys.CurrentClampSeries(
                name=f"cell sweep {k}", data=np.full(50, (-70 + k) * 1e-3), **common
            )
        )
        file.add_stimulus(
            pynwb.icephys.CurrentClampStimulusSeries(
                name=f"stimulus {k}", data=np.full(50, 1e-11 * k), **common
            )
        )
    with pynwb.NWBHDF5IO(str(path), "w") as io:
        io.write(file)


NEEDED = {
    ".csv": {"clamp": "current"},
    ".npz": {"clamp": "current"},
    ".abf": {"protocol": CurrentClamp(0.0, 1000.0, "nA")},
    ".nwb": {},
}
WRITERS = {"csv": csv_file, "npz": npz_file, "abf": abf_file, "nwb": nwb_file}


@pytest.fixture(params=list(WRITERS))
def path(request, tmp_path):
    path = tmp_path / f"cell.{request.param}"
    WRITERS[request.param](path)
    return path


@pytest.mark.parametrize(
    ("given", "right"),
    [
        ({"sweeps": 2}, [2]),
        ({"sweeps": -1}, [3]),
        ({"sweeps": "cell sweep 1"}, [1]),
        ({"sweeps": [3, "cell sweep 0"]}, [3, 0]),
        ({"sweeps": slice(1, None)}, [1, 2, 3]),
        ({"sweeps": range(0, 4, 2)}, [0, 2]),
        ({"sweeps": np.array([0, 3])}, [0, 3]),
        ({"exclude": "cell sweep 1"}, [0, 2, 3]),
        ({"exclude": [0, -1]}, [1, 2]),
        ({"sweeps": slice(0, 3), "exclude": 1}, [0, 2]),
    ],
)
def test_chosen_sweeps(path, given, right):
    found = read(path, **NEEDED[path.suffix], **given)
    assert found.names == tuple(f"cell sweep {k}" for k in right)
    assert [r.v[7] for r in found] == pytest.approx([-70 + k for k in right], abs=0.01)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"sweeps": 4}, r'there is no sweep 4; it has 4 sweeps: 0 "cell sweep 0"'),
        ({"sweeps": -5}, "there is no sweep -5"),
        ({"sweeps": "cell sweep 9"}, r'no sweep is called "cell sweep 9"; did you mean'),
        ({"exclude": [7]}, "exclude: there is no sweep 7"),
        ({"exclude": "no"}, r"exclude: no sweep is called"),
        ({"sweeps": [0, "cell sweep 0"]}, r'names sweep 0 \("cell sweep 0"\) twice'),
        ({"sweeps": 1.5}, "holds 1.5: give positions"),
        ({"sweeps": [True]}, "holds True: give positions"),
        ({"sweeps": [1], "exclude": [1]}, "leave no sweep"),
        ({"sweeps": []}, "leave no sweep"),
    ],
)
def test_a_choice_that_cannot_be(path, given, said):
    with pytest.raises(RecordingError, match=said):
        read(path, **NEEDED[path.suffix], **given)


def test_a_broken_sweep_that_is_not_chosen_does_not_matter(tmp_path):
    path = tmp_path / "cell.npz"
    v = np.full((3, 50), -70.0)
    v[1, 20] = np.nan
    np.savez(path, t_ms=T, v_mV=v, i_pA=np.zeros((3, 50)))
    with pytest.raises(RecordingError, match="NaN"):
        read(path, clamp="current")
    assert len(read(path, clamp="current", exclude=1)) == 2
    assert len(read(path, clamp="current", sweeps=[0, 2])) == 2


def test_one_sweep_takes_a_name_and_protocols_count_those_that_are_read(tmp_path):
    path = tmp_path / "cell.csv"
    csv_file(path)
    assert read(path, clamp="current", sweeps=3, name="last").names == ("last",)
    protocols = [CurrentClamp.constant(a, 5.0) for a in (1.0, 2.0)]
    chosen = read(path, clamp="current", sweeps=[2, 0], protocol=protocols)
    assert [r.protocol for r in chosen] == protocols
    with pytest.raises(RecordingError, match="protocol has 2 entries and 3 sweeps are read"):
        read(path, clamp="current", exclude=0, protocol=protocols)
