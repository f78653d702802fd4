"""Which channel, clamp, unit and command of an Axon Binary Format file is read."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from abf_files import abf1, abf2, epoch, output

from pyhodgkin import read
from pyhodgkin.errors import RecordingError, RecordingWarning
from pyhodgkin.protocols import CurrentClamp

pytest.importorskip("pyabf")

N = 640
STEP = [epoch(0, 0, 1, 100.0, 200)]
COMMAND = np.zeros(N)
COMMAND[10:210] = 100.0
RNG = np.random.default_rng(0)
V = -65.0 + 0.1 * RNG.standard_normal(N)
BOTH = [("Vm", "mV"), ("I_com", "pA")]


def quiet(path, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return read(path, **options)


def pair(folder, second, inputs=BOTH, **more):
    """A file of the potential and a second channel."""
    data = np.stack([V, second])[None]
    return abf2(folder / "cell.abf", data, inputs=inputs, **{"epochs": STEP, **more})


# -- the output ------------------------------------------------------------------------------------


def test_the_output_is_the_one_whose_unit_fits_the_clamp(tmp_path):
    outputs = [
        output("Cmd 0", "mV", enabled=False),
        output("P_com", "mmHg"),
        output("ME1", "nA", holding=0.5),
    ]
    epochs = [epoch(0, 0, 1, -20.0, 50), epoch(1, 0, 1, 3.0, 50), epoch(2, 0, 1, 2.5, 50)]
    data = np.stack([V, 2 * V])[None]
    path = abf2(
        tmp_path / "cell.abf",
        data,
        inputs=[("10_Vm", "mV"), ("P_in", "mmHg")],
        outputs=outputs,
        epochs=epochs,
    )
    (recording,) = quiet(path)
    assert (recording.observed, recording.current_unit) == ("v", "nA")
    assert sorted(set(recording.command)) == [0.5, 2.5]


def test_a_current_clamped_cell_is_not_called_voltage_clamped(tmp_path):
    outputs = [output("Cmd 0", "mV", enabled=False), output("ME1", "nA")]
    data = np.stack([0.001 * COMMAND, V])[None]
    path = abf2(
        tmp_path / "cell.abf",
        data,
        inputs=[("Imemb", "nA"), ("10_Vm", "mV")],
        outputs=outputs,
        epochs=[epoch(1, 0, 1, 0.1, 200)],
    )
    with pytest.raises(
        RecordingError, match=r"is that of ME1 in nA: current clamp. Give channel=1"
    ):
        read(path)
    for options in ({"channel": 1}, {"channel": "10_Vm"}, {"clamp": "current"}, {"voltage": 1}):
        (recording,) = quiet(path, **options)
        assert recording.observed == "v" and recording.command.max() == pytest.approx(0.1)


def test_several_outputs_are_not_chosen_among(tmp_path):
    outputs = [output("Cmd 0", "pA"), output("Cmd 1", "pA")]
    epochs = [epoch(0, 0, 1, 10.0, 50), epoch(1, 0, 1, 20.0, 50)]
    path = abf2(tmp_path / "cell.abf", V[None, None], outputs=outputs, epochs=epochs)
    with pytest.raises(RecordingError, match='give command="Cmd 0" or command="Cmd 1"'):
        read(path)
    assert quiet(path, command="Cmd 1")[0].command.max() == 20.0
    epochs[1]["level"] = 10.0  # the same waveform
    path = abf2(tmp_path / "cell.abf", V[None, None], outputs=outputs, epochs=epochs)
    assert quiet(path)[0].command.max() == 10.0


@pytest.mark.parametrize("more", [{"outputs": [output(unit="pA", enabled=False)]}, {"mode": 3}])
def test_a_file_without_a_waveform_is_read_at_its_holding_level_and_says_so(tmp_path, more):
    more = {"outputs": [output(unit="pA", holding=-12.0)], **more}
    more["outputs"][0]["holding"] = -12.0
    path = abf2(tmp_path / "cell.abf", V[None, None], epochs=STEP, **more)
    with pytest.warns(RecordingWarning, match=r"the holding level of Cmd 0, -12 pA, throughout"):
        (recording,) = read(path)
    assert set(recording.command) == {-12.0}
    protocol = CurrentClamp(0.0, 64.0, "pA")
    assert quiet(path, protocol=protocol)[0].protocol is protocol


def test_outputs_that_are_held_at_different_levels(tmp_path):
    outputs = [output(f"Cmd {i}", "pA", enabled=False, holding=10.0 * i) for i in range(2)]
    path = abf2(tmp_path / "cell.abf", V[None, None], outputs=outputs)
    with pytest.warns(RecordingWarning, match="level of Cmd 0, 0 pA"):  # of the channel's number
        read(path)
    path = abf2(tmp_path / "cell.abf", V[None, None], inputs=[("V", "mV", 4)], outputs=outputs)
    with pytest.raises(
        RecordingError, match=r'command="Cmd 0" \(0 pA\) or command="Cmd 1" \(10 pA'
    ):
        read(path)
    with pytest.warns(RecordingWarning, match="level of Cmd 1, 10 pA"):
        assert read(path, command="Cmd 1")[0].command[0] == 10.0


def test_a_holding_level_that_was_changed_by_hand_is_refused(tmp_path):
    path = abf2(tmp_path / "cell.abf", V[None, None], mode=3, changes=2)
    with pytest.raises(RecordingError, match="changed by hand while recording"):
        read(path)


def test_a_file_without_a_fitting_output_is_refused(tmp_path):
    path = abf2(tmp_path / "cell.abf", V[None, None], outputs=[output(unit="mmHg")])
    with pytest.raises(RecordingError, match=r"no output in a unit of current; give command="):
        read(path)


# -- a recorded monitor ----------------------------------------------------------------------------


def test_a_monitor_that_agrees_is_not_spoken_of(tmp_path):
    path = pair(tmp_path, 0.99 * COMMAND + 1.0 + RNG.standard_normal(N))
    np.testing.assert_array_equal(quiet(path)[0].command, COMMAND)
    path = pair(tmp_path, 0.001 * COMMAND, inputs=[("Vm", "mV"), ("Im", "nA")])
    np.testing.assert_array_equal(quiet(path)[0].command, COMMAND)


def test_a_monitor_that_shows_another_waveform_is_not_passed_over(tmp_path):
    late = np.roll(COMMAND, 150)
    path = pair(tmp_path, late)
    with pytest.raises(
        RecordingError, match=r"channel 1 \(I_com, pA\) differs from it by up to 100"
    ):
        read(path)
    np.testing.assert_array_equal(quiet(path, command=1)[0].command, late)
    np.testing.assert_array_equal(quiet(path, command="I_com")[0].command, late)
    np.testing.assert_array_equal(quiet(path, current="I_com", clamp="current")[0].command, late)
    with pytest.warns(RecordingWarning, match="differs from it by up to 100 pA"):
        (recording,) = read(path, command="Cmd 0")
    np.testing.assert_array_equal(recording.command, COMMAND)


def test_a_monitor_that_is_a_little_off_is_told(tmp_path):
    path = pair(tmp_path, 1.1 * COMMAND)
    with pytest.warns(RecordingWarning, match="differs from it by up to 10 pA, in 30 %"):
        read(path)


def test_a_silent_command_beside_a_moving_channel_is_refused(tmp_path):
    outputs = [output(unit="pA", enabled=False)]
    path = pair(tmp_path, COMMAND + RNG.standard_normal(N), outputs=outputs)
    with pytest.raises(RecordingError, match=r"only its holding level, 0 pA; .*Give command=1"):
        read(path)
    assert quiet(path, command=1)[0].command.max() > 95


def test_channels_that_are_no_monitor_do_not_stop_the_reading(tmp_path):
    inputs = [("Im", "pA"), ("IN 2", "mV")]
    outputs = [output(unit="mV", holding=-70.0)]
    for second, text in ((3000.0 + V, "no potential"), (np.zeros(N), "stays at 0 mV while")):
        path = pair(tmp_path, second, inputs=inputs, outputs=outputs)
        with pytest.warns(RecordingWarning, match=text):
            (recording,) = read(path)
        assert recording.command.max() == 100.0


# -- names -----------------------------------------------------------------------------------------


def test_channels_are_named_by_quantity(tmp_path):
    path = pair(tmp_path, COMMAND)
    (recording,) = quiet(path, voltage="Vm", current="I_com", clamp="current")
    np.testing.assert_array_equal(recording.command, COMMAND)
    outputs = [output(unit="mV", enabled=False)]
    data = np.stack([COMMAND, V])[None]
    inputs = [("Im", "pA"), ("Vmon", "mV")]
    path = abf2(tmp_path / "vc.abf", data, inputs=inputs, outputs=outputs)
    (recording,) = quiet(path, clamp="voltage", current="Im", voltage="Vmon")
    assert recording.observed == "current"
    np.testing.assert_allclose(recording.command, V, rtol=1e-6)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"voltage": "Vn"}, r"voltage='Vn': the file has channels 0 \(Vm, mV\), 1 .*mean \"Vm\""),
        ({"channel": 2}, "channel=2: the file has channels 0"),
        ({"channel": True}, "channel=True: the file has channels 0"),
        ({"command": "I_comm"}, "command='I_comm': the file has channels"),
        ({"command": 0}, "is what is observed, it cannot be the command too"),
        ({"voltage": 0, "current": 1}, "give clamp= with voltage= and current="),
        ({"clamp": "current", "channel": 1, "voltage": 0}, "channel=1 and voltage=0 differ"),
        ({"current": 1, "clamp": "current", "protocol": CurrentClamp(0.0, 64.0, "pA")}, "replaces"),
        ({"command": 1, "protocol": CurrentClamp(0.0, 64.0, "pA")}, "command=1 is about the"),
    ],
)
def test_names_that_the_file_does_not_have(tmp_path, options, message):
    with pytest.raises(RecordingError, match=message):
        read(pair(tmp_path, COMMAND), **options)


def test_channels_of_one_quantity_in_different_units_are_not_chosen_among(tmp_path):
    path = pair(tmp_path, COMMAND, inputs=[("stim", "V"), ("Vm", "mV")])
    with pytest.raises(RecordingError, match=r"0 \(stim, V\), 1 \(Vm, mV\) may be the voltage"):
        read(path)


# -- units -----------------------------------------------------------------------------------------


def both_in_pa(folder, scale=1.0, **more):
    return abf2(
        folder / "cell.abf", scale * V[None, None], inputs=[("IN 0", "pA")], epochs=STEP, **more
    )


def test_header_units_are_overridden_by_the_caller(tmp_path):
    path = both_in_pa(tmp_path)
    with pytest.raises(RecordingError, match="give voltage_unit= as well"):
        read(path, clamp="current")
    for more in ({}, {"current_unit": "pA"}, {"protocol": CurrentClamp(0.0, 64.0, "pA")}):
        with pytest.warns(RecordingWarning, match=r"header states pA for channel 0 .* taken as mV"):
            (recording,) = read(path, clamp="current", voltage_unit="mV", **more)
        assert recording.observed == "v"
        np.testing.assert_allclose(recording.v, V, rtol=1e-6)
    path = abf2(tmp_path / "cell.abf", V[None, None], inputs=[("Vm", "V")], epochs=STEP)
    with pytest.warns(RecordingWarning, match=r"header states V for .* taken as mV"):
        (recording,) = read(path, voltage_unit="mV")
    np.testing.assert_allclose(recording.v, V, rtol=1e-6)
    with pytest.warns(RecordingWarning, match=r"header states pA for output Cmd 0; .* as nA"):
        (recording,) = read(path, voltage_unit="mV", current_unit="nA")
    assert (recording.current_unit, recording.command.max()) == ("nA", 100.0)


def test_the_amplifier_contradicts_the_unit(tmp_path):
    path = both_in_pa(tmp_path, telegraph=(24, 1, 0.0))
    with pytest.raises(RecordingError, match="the amplifier reported current clamp"):
        read(path)


def test_a_potential_scaled_as_a_current_is_scaled_back(tmp_path):
    """The file states 1 V/pA; a MultiClamp 700 puts out the potential with 0.01 V/mV."""
    path = both_in_pa(tmp_path, scale=0.01, telegraph=(24, 1, 0.0))
    with pytest.warns(RecordingWarning, match="its numbers are multiplied by 100"):
        (recording,) = read(path, clamp="current", voltage_unit="mV")
    np.testing.assert_allclose(recording.v, V, rtol=1e-6)
    with pytest.warns(RecordingWarning):
        (recording,) = read(path, clamp="current", voltage_unit="mV", voltage_scale=50.0)
    np.testing.assert_allclose(recording.v, 0.5 * V, rtol=1e-6)


# -- what the header knows of the cell ---------------------------------------------------------


def test_capacitance_and_temperature_come_with_the_recording(tmp_path):
    inputs, outputs = [("Im", "pA"), ("bath", "deg C")], [output(unit="mV", pn=1)]
    path = pair(tmp_path, 0 * V + 34.5, inputs=inputs, outputs=outputs, telegraph=(24, 0, 23.5))
    with pytest.warns(RecordingWarning, match=r"leak currents were subtracted .*P/N"):
        (recording,) = read(path)
    assert recording.whole_cell_capacitance == 23.5 and recording.temperature == 34.5
    with pytest.warns(RecordingWarning):
        assert read(path, temperature=20.0)[0].temperature == 20.0
    path = pair(tmp_path, np.linspace(10, 40, N), inputs=inputs, outputs=[output(unit="mV")])
    assert quiet(path)[0].temperature is None


def test_events_of_variable_length_of_version_1_are_refused(tmp_path):
    path = abf1(tmp_path / "cell.abf", np.zeros((1, N)), [(8, "h", (1,))])
    with pytest.raises(RecordingError, match="events of variable length in the older version"):
        read(path)
