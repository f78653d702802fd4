"""Solutions kept as npz, and as tables."""

from __future__ import annotations

import csv

import numpy as np
import pytest
from neurons import SQUID, black_box_neuron, learned_neuron

import pyhodgkin as ph
from pyhodgkin.errors import InputError

CLAMPS = [ph.CurrentClamp.step(10.0, 1.0, None, t_end) for t_end in (4.0, 6.0)]


def solved(cell=SQUID, clamp=CLAMPS, **options):
    return ph.simulate(cell, clamp, **{"saveat": 0.5, "backend": "torch", **options})


@pytest.mark.parametrize(
    "make",
    [
        lambda: solved(clamp=CLAMPS[0]),
        lambda: solved(),
        lambda: solved(clamp=CLAMPS[0], parameters={"na.g": [100.0, 120.0, 140.0]}),
        lambda: solved(clamp=ph.VoltageClamp.step(0.0, 1.0, None, 3.0)),
        lambda: solved(learned_neuron()),
        lambda: solved(black_box_neuron(), CLAMPS[0]),
    ],
)
def test_a_saved_solution_comes_back(make, tmp_path):
    solution = make()
    path = solution.save(tmp_path / "run.npz")
    back = ph.Solution.load(path)
    assert repr(back) == repr(solution) and back.neuron == solution.neuron
    assert back.protocol == solution.protocol
    for name in ("t", "y", "status", "stimulus", "success"):
        np.testing.assert_array_equal(getattr(back, name), getattr(solution, name))
    for group in ("currents", "open_probability", "gates", "stats"):
        ours, theirs = getattr(back, group), getattr(solution, group)
        assert list(ours) == list(theirs)
        for name in ours:
            np.testing.assert_array_equal(ours[name], theirs[name])
    for a, b in zip(back.spike_times(), solution.spike_times(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_what_is_no_saved_solution(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        ph.Solution.load(tmp_path / "none.npz")
    np.savez(tmp_path / "other.npz", a=np.zeros(3))
    (tmp_path / "text.npz").write_text("no")
    for name in ("other.npz", "text.npz"):
        with pytest.raises(InputError, match=f"{name} is not a solution"):
            ph.Solution.load(tmp_path / name)
    path = solved().save(tmp_path / "run.npz")
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(InputError, match="not a solution"):
        ph.Solution.load(path)
    with pytest.raises(InputError, match=r"saved as \.npz"):
        solved().save(tmp_path / "run.csv")


def test_a_table_is_read_back_as_a_recording(tmp_path):
    solution = solved(clamp=CLAMPS[0])
    solution.to_csv(tmp_path / "run.csv")
    (recording,) = ph.read(tmp_path / "run.csv", clamp="current")
    np.testing.assert_allclose(recording.v, solution.v)
    np.testing.assert_allclose(recording.t, solution.t)


def test_tables_of_a_batch(tmp_path):
    solution = solved()
    solution.to_csv(tmp_path / "run.csv")
    rows = list(csv.DictReader((tmp_path / "run.csv").open()))
    assert list(rows[0])[:4] == ["element", "t_ms", "v_mV", "current_uA/cm2"]
    counts = [sum(row["element"] == str(i) for row in rows) for i in range(2)]
    assert counts == [9, 13]
    assert all(np.isfinite(float(x)) for row in rows for x in row.values())
    table = solution.to_pandas()
    assert table.index.names == ["element", "t_ms"] and len(table) == 22
    np.testing.assert_array_equal(table.loc[1]["v_mV"], solution[1].v)
    np.testing.assert_array_equal(
        solution[0].to_pandas()["i_na_uA/cm2"], solution[0].currents["na"]
    )


def test_each_element_has_its_own_parameters():
    solution = solved(clamp=CLAMPS[0], parameters={"na.g": [100.0, 140.0]})
    assert [one.neuron.channel("na").g for one in solution] == [100.0, 140.0]


def test_varied_parameters_are_coordinates():
    pytest.importorskip("xarray")
    values = {"na.g": [100.0, 140.0], "k.n.alpha.a": [0.01, 0.011]}
    data = solved(clamp=CLAMPS[0], parameters=values).to_xarray()
    for name, expected in values.items():
        assert data[name].dims == ("batch",)
        np.testing.assert_array_equal(data[name], expected)
    assert "k.g" not in data.coords
    assert "na.g" not in solved().to_xarray().coords
