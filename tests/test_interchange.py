"""Recordings, solutions and fits as objects and files of other libraries, and back."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from neurons import SQUID, learned_neuron

import pyhodgkin as ph
from pyhodgkin.errors import InputError, RecordingError, RecordingWarning, UnknownNameError

pd = pytest.importorskip("pandas")
T = np.arange(0, 50, 0.1)


def sweeps(unit="pA", clamp="current"):
    rng = np.random.default_rng(0)
    made = []
    for k, level in enumerate((0.0, 50.0, 100.0)):
        mask = np.ones(len(T) - 20 * k, dtype=bool)
        mask[100 + k : 120] = False
        t = T[: len(mask)]
        facts = {
            "name": f"s{k}",
            "temperature": 22.0,
            "electrode": "e1",
            "cell": "c1",
            "mask": mask,
        }
        noise = rng.normal(size=len(t))
        if clamp == "current":
            protocol = ph.CurrentClamp.step(level, start=10.0, stop=30.0, t_end=50.0, unit=unit)
            made.append(ph.Recording(t, protocol, v=-65 + noise, bridge_balance=12.5, **facts))
        else:
            protocol = ph.VoltageClamp.step(level, start=10.0, stop=30.0, t_end=50.0)
            made.append(ph.Recording(t, protocol, current=noise, current_unit=unit,
                                     series_resistance=8.0, **facts))  # fmt: skip
    return ph.RecordingSet(made)


KINDS = [("pA", "current"), ("nA", "voltage"), ("uA/cm2", "current"), ("uA/cm2", "voltage")]


def assert_equal(a, b):
    for name in ("t", "data", "mask"):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name))
    names = (
        "protocol",
        "name",
        "current_unit",
        "temperature",
        "source",
        "t_offset",
        "cell",
        "setup",
    )
    for name in names:
        assert getattr(a, name) == getattr(b, name), name


@pytest.mark.parametrize("kind", KINDS)
def test_recordings_through_pandas(kind):
    given = sweeps(*kind)
    table = given.to_pandas()
    assert len(table) == sum(map(len, given)) and f"current_{kind[0]}" in table.columns
    for a, b in zip(given, ph.RecordingSet.from_pandas(table), strict=True):
        assert_equal(a, b)


@pytest.mark.parametrize("kind", KINDS)
def test_recordings_through_xarray_and_netcdf(kind, tmp_path):
    xarray = pytest.importorskip("xarray")
    given = sweeps(*kind)
    dataset = given.to_xarray()
    assert dataset.sizes == {"recording": 3, "sample": len(T)}
    back = [ph.RecordingSet.from_xarray(dataset)]
    if pytest.importorskip("zarr"):
        dataset.to_zarr(tmp_path / "x.zarr", consolidated=False)
        stored = xarray.open_zarr(tmp_path / "x.zarr", consolidated=False)
        back.append(ph.RecordingSet.from_xarray(stored))
    for found in back:
        for a, b in zip(given, found, strict=True):
            assert_equal(a, b)


@pytest.mark.parametrize("kind", KINDS)
def test_recordings_through_nwb(kind, tmp_path):
    pytest.importorskip("pynwb")
    given, area = sweeps(*kind), None if kind[0] != "uA/cm2" else 5000.0
    path = given.to_nwb(tmp_path / "x.nwb", area=area)
    back = ph.read(path) if area is None else ph.read(path, convert_current="uA/cm2", area=area)
    factor = {"pA": 1e-3, "nA": 1.0, "uA/cm2": 1.0}[kind[0]]
    for a, b in zip(given, back, strict=True):
        np.testing.assert_allclose(b.t, a.t, atol=1e-9)
        scales = (1.0, factor) if a.observed == "v" else (factor, 1.0)
        np.testing.assert_allclose(b.data, a.data * scales[0], rtol=1e-12)
        np.testing.assert_allclose(b.command, a.command * scales[1], rtol=1e-12, atol=1e-12)
        np.testing.assert_array_equal(a.mask, b.mask)
        assert (a.name, a.cell, a.protocol.kind) == (b.name, b.cell, b.protocol.kind)
        assert b.setup == {**a.setup, **{n: pytest.approx(x) for n, x in numbers(a).items()}}


def numbers(recording):
    return {name: x for name, x in recording.setup.items() if isinstance(x, float)}


def test_an_nwb_file_passes_the_validator_of_pynwb(tmp_path):
    pynwb = pytest.importorskip("pynwb")
    path = sweeps().to_nwb(tmp_path / "x.nwb", description="a test")
    found = pynwb.validate(path=str(path))
    errors = found[0] if isinstance(found, tuple) else found
    assert not errors
    with pynwb.NWBHDF5IO(str(path), "r") as io:
        table = io.read().intracellular_recordings
        assert len(table) == 3


def test_what_an_nwb_file_calls_invalid_is_masked_for_its_series_only(tmp_path):
    from nwb_files import Rig, step

    rig = Rig()
    first, _ = rig.add("a", -0.065 + step(0.01), step(1e-10))
    other = {"starting_time": 1.0}
    second, _ = rig.add("b", -0.065 + step(0.01), step(1e-10), response=other, stimulus=other)
    rig.file.add_invalid_time_interval(start_time=0.01, stop_time=0.02, timeseries=[first])
    rig.file.add_invalid_time_interval(start_time=1.1, stop_time=1.15, timeseries=[second])
    a, b = ph.read(rig.write(tmp_path / "x.nwb"))
    assert a.t[~a.mask][[0, -1]].tolist() == pytest.approx([10.0, 20.0])
    assert b.t[~b.mask][[0, -1]].tolist() == pytest.approx([100.0, 150.0])


def test_a_sweep_that_is_invalid_as_a_whole_is_left_out_and_told(tmp_path):
    from nwb_files import Rig, step

    rig = Rig()
    rig.add("a", -0.065 + step(0.01), step(1e-10))
    other = {"starting_time": 1.0}
    rig.add("b", -0.065 + step(0.01), step(1e-10), response=other, stimulus=other)
    rig.file.add_invalid_time_interval(start_time=0.0, stop_time=0.5)
    with pytest.warns(RecordingWarning, match="a is left out.*invalid_times"):
        assert ph.read(rig.write(tmp_path / "x.nwb")).names == ("b",)


def test_errors_of_nwb_name_the_argument_and_the_cure(tmp_path):
    pytest.importorskip("pynwb")
    with pytest.raises(RecordingError, match=r"uA/cm2.*area="):
        sweeps("uA/cm2").to_nwb(tmp_path / "x.nwb")
    assert not list(tmp_path.iterdir())
    with pytest.raises(InputError, match=r"\.nwb"):
        sweeps().to_nwb(tmp_path / "x.h5")
    uneven = ph.Recording([0, 1, 3], ph.CurrentClamp(0, 3, "pA"), v=[-65, -65, -65])
    with pytest.raises(RecordingError, match="not evenly spaced"):
        ph.RecordingSet(uneven).to_nwb(tmp_path / "x.nwb")
    path = sweeps().to_nwb(tmp_path / "x.nwb")
    before = path.read_bytes()
    with pytest.raises(InputError, match="overwrite=True"):
        sweeps().to_nwb(path)
    assert path.read_bytes() == before
    with pytest.raises(InputError, match="time zone"):
        import datetime

        sweeps().to_nwb(tmp_path / "y.nwb", session_start=datetime.datetime(2024, 1, 1))


def test_tables_that_are_not_ours_are_refused():
    xarray = pytest.importorskip("xarray")
    with pytest.raises(RecordingError, match="pyhodgkin"):
        ph.RecordingSet.from_pandas(pd.DataFrame({"t": [1.0]}))
    with pytest.raises(RecordingError, match="pyhodgkin"):
        ph.RecordingSet.from_xarray(xarray.Dataset())
    with pytest.raises(RecordingError, match="no column used"):
        table = sweeps().to_pandas()
        attrs, table = table.attrs, table.drop(columns="used")
        table.attrs = attrs
        ph.RecordingSet.from_pandas(table)
    with pytest.raises(RecordingError, match="2 recordings, and notes on 3"):
        ph.RecordingSet.from_xarray(sweeps().to_xarray().isel(recording=slice(2)))
    mixed = ph.RecordingSet([*sweeps("pA"), *sweeps("nA")])
    with pytest.raises(RecordingError, match="nA and pA"):
        mixed.to_pandas()
    with pytest.raises(InputError, match="missing or damaged"):
        ph.Solution.from_xarray(xarray.Dataset())
    with pytest.raises(InputError, match="missing or damaged"):
        ph.FitResult.from_xarray(sweeps().to_xarray())


def test_a_solution_through_xarray():
    pytest.importorskip("xarray")
    clamp = ph.CurrentClamp.step(10.0, start=1.0, stop=9.0, t_end=10.0)
    for cell, varied in ((SQUID, {"na.g": [100.0, 120.0]}), (learned_neuron(), {})):
        solution = ph.simulate(cell, clamp, parameters=varied, saveat=0.1, backend="torch")
        back = ph.Solution.from_xarray(solution.to_xarray())
        np.testing.assert_array_equal(back.y, solution.y)
        np.testing.assert_array_equal(back.theta, solution.theta)
        assert back.neuron == solution.neuron and back.protocol == solution.protocol
        np.testing.assert_array_equal(back.currents["k"], solution.currents["k"])


@pytest.fixture(scope="module")
def fitted():
    clamp = ph.CurrentClamp.step(10.0, start=1.0, stop=9.0, t_end=10.0)
    recording = ph.Recording.from_solution(
        ph.simulate(SQUID, clamp, saveat=0.1, backend="torch"), name="a"
    )
    held = replace(recording.window(0.0, 5.0), name="b", t_offset=0.0)
    start = SQUID.with_parameters(**{"k.g": 30.0})
    how = {"trainable": ["k.g", "na.g"], "backend": "torch", "progress": False}
    stage = ph.Stage("simulation", "levenberg", 3)
    return ph.fit(start, recording, heldout=[held], schedule=stage, **how)


def test_a_fit_through_xarray(fitted):
    pytest.importorskip("xarray")
    back = ph.FitResult.from_xarray(fitted.to_xarray())
    assert back.neuron == fitted.neuron and str(back) == str(fitted)
    np.testing.assert_array_equal(back.theta, fitted.theta)
    for name, values in fitted.history.items():
        np.testing.assert_array_equal(back.history[name], values)
    for a, b in zip(fitted.predictions, back.predictions, strict=True):
        np.testing.assert_array_equal(a.predicted, b.predicted)
        assert (a.name, a.heldout, a.unit) == (b.name, b.heldout, b.unit)


def test_the_tables_of_a_fit(fitted):
    table = fitted.to_pandas()
    assert table.loc["k.g", "value"] == fitted.neuron.parameter("k.g")
    assert table.loc["k.g", "start"] == 30.0 and table.loc["k.g", "unit"] == "mS/cm²"
    history = fitted.to_pandas("history")
    assert len(history) == len(fitted.history["step"]) * len(fitted.theta)
    errors = fitted.to_pandas("errors")
    assert errors.groupby("heldout").size().to_dict() == {
        False: len(fitted.theta), True: len(fitted.theta)
    }  # fmt: skip
    with pytest.raises(UnknownNameError, match="table"):
        fitted.to_pandas("history of steps")


def test_measured_and_predicted_traces_in_one_nwb_file(fitted, tmp_path):
    pytest.importorskip("pynwb")
    read = ph.read(fitted.to_nwb(tmp_path / "fit.nwb", area=1000.0))
    assert read.names == ("a", "a predicted", "b", "b predicted")
    p = fitted.predictions[0]
    np.testing.assert_allclose(read["a predicted"].v, p.predicted[fitted.best], rtol=1e-12)


def test_the_history_as_scalars_of_tensorboard(fitted, tmp_path):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(fitted.to_tensorboard(tmp_path / "runs")))
    events.Reload()
    tags = [tag for tag in events.Tags()["scalars"] if tag.startswith("loss/")]
    assert len(tags) == len(fitted.theta)
    np.testing.assert_allclose(
        [x.value for x in events.Scalars(tags[0])], fitted.history["loss"][:, 0], rtol=1e-6
    )
