"""NWB files as rigs write them: stopped sweeps, bias currents, several electrodes, times, facts."""

import numpy as np
import pytest
from nwb_files import RATE, N, Rig, step

from pyhodgkin import CurrentClamp, read
from pyhodgkin.errors import RecordingError, RecordingWarning

V = step(-0.06, baseline=-0.07)  # volts
I = step(1e-10)  # amperes  # noqa: E741
NUMBER = [{"sweep_number": np.uint32(k)} for k in range(8)]


def stopped(values, at=1500):
    return np.where(np.arange(len(values)) < at, values, np.nan)


# -- sweeps that were stopped -----------------------------------------------------------------


@pytest.mark.parametrize("clamp", ["current", "voltage"])
@pytest.mark.parametrize("what", ["response", "stimulus", "both"])
def test_a_stopped_sweep_is_read_up_to_its_stop(tmp_path, clamp, what):
    rig = Rig()
    rig.add("good", V, I, clamp, **NUMBER[0])
    v, i = V, I
    is_v = {"response": clamp == "current", "stimulus": clamp == "voltage", "both": True}[what]
    is_i = {"response": clamp == "voltage", "stimulus": clamp == "current", "both": True}[what]
    rig.add("cut", stopped(v) if is_v else v, stopped(i) if is_i else i, clamp, **NUMBER[1])
    path = rig.write(tmp_path / "cell.nwb")
    with pytest.warns(RecordingWarning, match="cut: .*stops .NaN. after 1500 of 2000 samples"):
        found = read(path, convert_current="pA")
    good, cut = found
    assert len(good) == N and good.mask.all()
    observed, command = (1e3 * V, 1e12 * I) if clamp == "current" else (1e12 * I, 1e3 * V)
    np.testing.assert_allclose(good.data, observed, rtol=1e-14)
    np.testing.assert_allclose(good.command, command, rtol=1e-14)
    assert len(cut) == 1500 and cut.mask.all()
    np.testing.assert_array_equal(cut.data, good.data[:1500])
    np.testing.assert_array_equal(cut.command, good.command[:1500])
    assert cut.protocol.t_end == pytest.approx(149.9)


def test_a_sweep_that_is_missing_altogether_is_left_out(tmp_path):
    rig = Rig()
    rig.add("good", V, I, **NUMBER[0])
    rig.add("empty", np.full(N, np.nan), I, **NUMBER[1])
    path = rig.write(tmp_path / "cell.nwb")
    with pytest.warns(RecordingWarning, match="empty is left out"):
        assert read(path).names == ("good",)
    with pytest.raises(RecordingError, match="no sweep that was chosen has data"):
        with pytest.warns(RecordingWarning):
            read(path, sweeps="empty")


def test_gaps_in_the_middle(tmp_path):
    rig = Rig()
    v, i = V.copy(), I.copy()
    v[700:710], i[700] = np.nan, np.nan
    rig.add("gap", v, I, **NUMBER[0])
    rig.add("unknown command", V, i, **NUMBER[1])
    path = rig.write(tmp_path / "cell.nwb")
    with pytest.warns(RecordingWarning, match="10 samples in the middle .* are masked"):
        (gap,) = read(path, sweeps=0)
    assert gap.n_used == N - 10 and not gap.mask[700:710].any()
    np.testing.assert_array_equal(gap.v[gap.mask], 1e3 * V[gap.mask])
    with pytest.raises(RecordingError, match=r"unknown command: .*NaN in the middle, at 70 ms.*ex"):
        read(path, sweeps=1)


def test_a_late_beginning(tmp_path):
    rig = Rig()
    v = V.copy()
    v[:100] = np.nan
    rig.add("late", v, I)
    with pytest.warns(RecordingWarning, match="NaN up to 10 ms"):
        (late,) = read(rig.write(tmp_path / "cell.nwb"))
    assert len(late) == N - 100 and late.t[0] == 0 and late.t_offset == pytest.approx(10.0)
    np.testing.assert_allclose(late.protocol.breakpoints, [10.0, 90.0])


# -- the command ------------------------------------------------------------------------------


def test_bias_current_is_part_of_the_command(tmp_path):
    rig = Rig()
    rig.add("held", V, I, response={"bias_current": -50e-12}, **NUMBER[0])
    rig.add("free", V, I, response={"bias_current": np.nan}, **NUMBER[1])
    rig.add("unknown", V, None, response={"bias_current": -20e-12}, **NUMBER[2])
    path = rig.write(tmp_path / "cell.nwb")
    held, free = read(path, convert_current="pA", exclude="unknown")
    np.testing.assert_allclose(held.command, 1e12 * I - 50, atol=1e-9)
    np.testing.assert_allclose(free.command, 1e12 * I, atol=1e-9)
    assert held.bias_current == pytest.approx(-50) and free.bias_current is None
    assert "bias current -50 pA in the command" in repr(held)
    # The scale is for a wrong gain of the stimulus, not for what the amplifier reported.
    twice = read(path, convert_current="pA", sweeps="held", current_scale=2.0)[0]
    np.testing.assert_allclose(twice.command, 2e12 * I - 50, atol=1e-9)
    with pytest.warns(RecordingWarning, match="bias current of -20 pA.*whole command"):
        (own,) = read(path, sweeps="unknown", protocol=CurrentClamp(5.0, 200.0, "pA"))
    assert own.command[0] == 5.0 and own.bias_current is None


def test_no_current_is_no_current(tmp_path):
    rig = Rig()
    rig.file.add_acquisition(rig.series("IZeroClampSeries", "rest", V))
    (rest,) = read(rig.write(tmp_path / "cell.nwb"), convert_current="pA")
    assert rest.protocol.unit == "pA" and not rest.command.any()
    assert not rest.protocol.breakpoints.size and rest.bias_current is None


def test_a_response_without_a_stimulus_is_refused_with_the_way_out(tmp_path):
    rig = Rig()
    rig.add("known", V, I, **NUMBER[0])
    rig.add("unknown", V, None, starting_time=9.0, **NUMBER[1])
    path = rig.write(tmp_path / "cell.nwb")
    with pytest.raises(RecordingError, match=r"unknown holds no command.*protocol=.*exclude="):
        read(path)
    assert read(path, exclude="unknown").names == ("known",)


# -- pairs ------------------------------------------------------------------------------------


def test_a_sweep_number_alone_pairs_nothing(tmp_path):
    """Two electrodes share sweep numbers; the second has its stimulus, the first has none."""
    rig = Rig()
    rig.add("a", V, None, electrode="first", **NUMBER[3])
    rig.add("b", V, 2 * I, electrode="second", **NUMBER[3])
    path = rig.write(tmp_path / "cell.nwb")
    with pytest.raises(RecordingError, match="a holds no command current: no stimulus of its elec"):
        with pytest.warns(RecordingWarning, match="2 electrodes"):
            read(path)
    (b,) = read(path, electrode="second", convert_current="pA")
    assert (b.name, b.electrode) == ("b", "second") and b.command.max() == pytest.approx(200)


def test_numbers_repeat_over_electrodes_and_time(tmp_path):
    rig = Rig()
    for k, (electrode, start) in enumerate(
        [("first", 0.0), ("second", 0.0), ("first", 5.0), ("second", 5.0)]
    ):
        rig.add(f"r{k}", V, (k + 1) * I, electrode=electrode, starting_time=start, **NUMBER[7])
    path = rig.write(tmp_path / "cell.nwb")
    with pytest.warns(RecordingWarning, match=r"2 electrodes \(first, second\).*electrode="):
        found = read(path, convert_current="pA")
    assert [r.command.max() for r in found] == pytest.approx([100, 200, 300, 400])
    assert [r.electrode for r in found] == ["first", "second", "first", "second"]
    assert [r.t_offset for r in found] == [0, 0, 5000, 5000]
    assert read(path, electrode="second", sweeps=1)[0].name == "r3"
    with pytest.raises(RecordingError, match='unknown electrode "secnod"; did you mean'):
        read(path, electrode="secnod")


def test_without_numbers_the_time_pairs(tmp_path):
    rig = Rig()
    for k in range(3):
        rig.add(f"r{k}", V, (k + 1) * I, starting_time=10.0 * k)
    found = read(rig.write(tmp_path / "cell.nwb"), convert_current="pA")
    assert [r.command.max() for r in found] == pytest.approx([100, 200, 300])


def test_sweeps_are_in_the_order_of_their_time(tmp_path):
    rig = Rig()
    for k in (2, 10, 1):
        rig.add(f"r{k}", V, I, starting_time=float(k))
    for k in (7, 6):
        rig.add(f"n{k}", V, I, starting_time=20.0, **NUMBER[k])
    assert read(rig.write(tmp_path / "cell.nwb")).names == ("r1", "r2", "r10", "n6", "n7")


def test_a_broken_series_that_is_not_chosen_does_not_matter(tmp_path):
    h5py = pytest.importorskip("h5py")
    rig = Rig()
    for k in range(3):
        rig.add(f"r{k}", V, I, starting_time=float(k))
    path = rig.write(tmp_path / "cell.nwb")
    with h5py.File(path, "a") as file:
        file["acquisition/r1/starting_time"].attrs["rate"] = 0.0
        file["acquisition/r2/data"].attrs["conversion"] = np.nan
    assert read(path, sweeps="r0").names == ("r0",)
    assert read(path, exclude=["r1", "r2"]).names == ("r0",)
    with pytest.raises(RecordingError, match="r1"):
        read(path, sweeps="r1")
    with pytest.raises(RecordingError, match=r"r2.*conversion nan"):
        read(path, sweeps="r2")


def test_a_stimulus_may_be_linked_to_a_template(tmp_path):
    rig = Rig()
    template = rig.series("CurrentClampStimulusSeries", "template", I * 1e12, conversion=1e-12)
    rig.file.add_stimulus_template(template)
    rig.add("r", V, template, stimulus={"conversion": 1e-12})
    (found,) = read(rig.write(tmp_path / "cell.nwb"), convert_current="pA")
    np.testing.assert_allclose(found.command, 1e12 * I, rtol=1e-12)


def test_a_template_alone_has_no_scale(tmp_path):
    rig = Rig()
    template = rig.series("CurrentClampStimulusSeries", "template", I)
    rig.file.add_stimulus_template(template)
    response, _ = rig.add("r", V, None)
    rig.file.add_intracellular_recording(
        electrode=rig.electrode(), response=response, stimulus_template=template
    )
    path = rig.write(tmp_path / "cell.nwb")
    with pytest.raises(RecordingError, match='the template "template", without the scale'):
        read(path)


def test_a_junction_potential_in_a_table_is_told(tmp_path):
    rig = Rig()
    response, stimulus = rig.add("r", V, I)
    rig.file.add_intracellular_recording(
        electrode=rig.electrode(), response=response, stimulus=stimulus
    )
    rig.file.intracellular_recordings.add_column(
        name="liquid_junction_potential_mV", description="measured", data=[14.0]
    )
    path = rig.write(tmp_path / "cell.nwb")
    with pytest.warns(RecordingWarning, match=r"liquid_junction_potential_mV: 14\.0.*nothing is"):
        read(path)


def test_what_is_ambiguous_is_refused(tmp_path):
    rig = Rig()
    for k in range(2):
        rig.add(f"r{k}", V, (k + 1) * I)  # all at time 0, no numbers
    with pytest.raises(RecordingError, match="several stimuli have its electrode and time: r0 st"):
        read(rig.write(tmp_path / "cell.nwb"))
    rig = Rig()
    rig.add("r0", V, I)
    rig.add("r1", V, None)
    with pytest.raises(RecordingError, match='"r0 stimulus" fits r1 as well'):
        read(rig.write(tmp_path / "other.nwb"))


def test_a_stimulus_of_another_time_is_not_taken(tmp_path):
    rig = Rig()
    rig.add("r", V, I, stimulus={"starting_time": 30.0}, **NUMBER[0])
    with pytest.raises(RecordingError, match="sweep number 0 overlaps its time"):
        read(rig.write(tmp_path / "cell.nwb"))


def test_the_table_says_which_belong_together(tmp_path):
    """Against numbers, times and order; parts of a series by their indices."""
    rig = Rig()
    electrode = rig.electrode()
    made = [rig.add(f"r{k}", V - 1e-3 * k, (k + 1) * I, **NUMBER[k]) for k in range(2)]
    for (response, _), (_, stimulus) in zip(made, made[::-1], strict=True):
        rig.file.add_intracellular_recording(
            electrode=electrode, response=response, stimulus=stimulus
        )
    rig.file.add_intracellular_recording(
        electrode=electrode,
        response=made[0][0],
        response_start_index=100,
        response_index_count=300,
        stimulus=made[0][1],
        stimulus_start_index=100,
        stimulus_index_count=300,
    )
    rig.file.add_intracellular_recording(electrode=electrode, stimulus=made[0][1])
    found = read(rig.write(tmp_path / "cell.nwb"), convert_current="pA")
    assert found.names == ("r0", "r1", "r0[100:400]")
    assert [r.command.max() for r in found] == pytest.approx([200, 100, 100])
    assert len(found[2]) == 300 and found[2].t_offset == pytest.approx(10.0)
    np.testing.assert_allclose(found[2].protocol.breakpoints, [10.0])


def test_a_row_without_a_stimulus(tmp_path):
    rig = Rig()
    response, _ = rig.add("r", V, None)
    rig.file.add_intracellular_recording(electrode=rig.electrode(), response=response)
    path = rig.write(tmp_path / "cell.nwb")
    with pytest.raises(RecordingError, match="table of recordings gives it no stimulus"):
        read(path)
    assert read(path, protocol=CurrentClamp(0.0, 200.0))[0].command.max() == 0


def test_a_plain_time_series_is_a_stimulus_by_its_unit(tmp_path):
    rig = Rig()
    rig.add("r", V, None)
    series = rig.pynwb.TimeSeries(name="s", data=1e12 * I, unit="pA", rate=RATE)
    rig.file.add_stimulus(series)
    (found,) = read(rig.write(tmp_path / "cell.nwb"), convert_current="pA")
    np.testing.assert_allclose(found.command, 1e12 * I, rtol=1e-12)
