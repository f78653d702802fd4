"""Commands of Axon Binary Format files: epochs, user lists, stimulus files, holding levels."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from abf_files import abf1, abf2, epoch, output

from pyhodgkin import read
from pyhodgkin.errors import RecordingError, RecordingWarning

pytest.importorskip("pyabf")

N = 128  # samples of a sweep: two are held at each end
ZEROS = np.zeros((3, 1, N))


def commands(path, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return [r.command for r in read(path, **options)]


# Before: 10. Level: 30. Period 4, width 2, holding -70; the epoch lasts 10 samples.
SHAPES = {
    1: [30] * 10,
    2: [12, 14, 16, 18, 20, 22, 24, 26, 28, 30],
    3: [30, 30, 10, 10, 30, 30, 10, 10, 30, 30],
    4: [10, 20, 30, 20, 10, 20, 30, 20, 10, 10],
    5: [10, 20, 30, 20, 10, 20, 30, 20, 10, 10],
    6: [-70, -70, -70, -70, -70, 30, 30, 30, 30, 30],
    7: [30, -10, 10, 10, 30, -10, 10, 10, 30, -10],
}


@pytest.mark.parametrize("kind", SHAPES)
def test_epochs_of_every_type(tmp_path, kind):
    path = abf2(
        tmp_path / "cell.abf",
        ZEROS,
        outputs=[output(unit="pA", holding=-70.0)],
        epochs=[
            epoch(0, 0, 1, 10.0, 4),
            epoch(0, 1, kind, 30.0, 10, period=4, width=2),
            epoch(0, 2, 1, 5.0, 3),
        ],
    )
    expected = [-70] * 2 + [10] * 4 + SHAPES[kind] + [5] * 3 + [-70] * (N - 19)
    for command in commands(path):
        np.testing.assert_allclose(command, expected, atol=1e-12)


def test_a_pulse_that_does_not_fit_whole_is_left_out(tmp_path):
    for kind, rest in ((3, 30), (7, 30)):
        epochs = [epoch(0, 0, kind, 30.0, 9, period=4, width=2)]
        path = abf2(tmp_path / "cell.abf", ZEROS, epochs=epochs)
        command = commands(path)[0]
        assert command[2] == rest and command[6] == rest and command[10] == 0.0


def test_one_sample_pulses_are_one_sample_wide(tmp_path):
    epochs = [epoch(0, 0, 3, 30.0, 40, period=10, width=1)]
    path = abf2(tmp_path / "cell.abf", ZEROS, epochs=epochs)
    (protocol, *_) = [r.protocol for r in read(path)]
    pulses = protocol.segments
    np.testing.assert_allclose(pulses.breakpoints[:4], [0.2, 0.3, 1.2, 1.3], atol=1e-12)
    assert float(protocol(np.array([0.25]))[0]) == 30.0
    assert float(protocol(np.array([0.35]))[0]) == 0.0


def test_levels_and_durations_change_from_sweep_to_sweep(tmp_path):
    epochs = [
        epoch(0, 0, 1, 10.0, 4, level_step=5.0, samples_step=2),
        epoch(0, 1, 0, 99.0, 50),  # off
        epoch(0, 2, 1, 20.0, 3, level_step=-1.0),
    ]
    path = abf2(tmp_path / "cell.abf", ZEROS, epochs=epochs)
    for k, command in enumerate(commands(path)):
        expected = np.zeros(N)
        expected[2 : 6 + 2 * k] = 10 + 5 * k
        expected[6 + 2 * k : 9 + 2 * k] = 20 - k
        np.testing.assert_array_equal(command, expected)


def test_the_last_level_is_kept_between_sweeps_where_the_protocol_says_so(tmp_path):
    epochs = [epoch(0, 0, 2, 10.0, 8, level_step=10.0)]
    outputs = [output(unit="pA", holding=2.0, keep=1)]
    path = abf2(tmp_path / "cell.abf", ZEROS, outputs=outputs, epochs=epochs)
    for k, command in enumerate(commands(path)):
        before = 2.0 if k == 0 else 10.0 * k
        level = 10.0 * (k + 1)
        np.testing.assert_array_equal(command[:2], before)
        np.testing.assert_allclose(command[2:10], before + (level - before) * np.arange(1, 9) / 8)
        np.testing.assert_array_equal(command[10:], level)


def test_a_train_before_each_sweep_is_told_and_sets_the_level(tmp_path):
    outputs = [output(unit="pA", holding=2.0, train=-30.0)]
    path = abf2(tmp_path / "cell.abf", ZEROS, outputs=outputs, epochs=[epoch(0, 0, 1, 10.0, 4)])
    with pytest.warns(RecordingWarning, match="pulses of Cmd 0 before each sweep"):
        command = read(path)[0].command
    assert list(command[:7]) == [-30.0, -30.0, 10.0, 10.0, 10.0, 10.0, 2.0]


@pytest.mark.parametrize("number", [0, 1])
def test_alternating_outputs_are_silent_every_other_sweep(tmp_path, number):
    outputs = [output(unit="pA", enabled=number == 0), output("Cmd 1", "pA", enabled=number == 1)]
    epochs = [epoch(number, 0, 1, 10.0, 4)]
    path = abf2(tmp_path / "cell.abf", ZEROS, outputs=outputs, epochs=epochs, alternating=1)
    heights = [np.ptp(c) for c in commands(path)]
    assert heights == ([10.0, 0.0, 10.0] if number == 0 else [0.0, 10.0, 0.0])


def test_a_sweep_of_few_samples_is_held_for_one(tmp_path):
    path = abf2(tmp_path / "cell.abf", np.zeros((1, 1, 40)), epochs=[epoch(0, 0, 1, 7.0, 3)])
    assert list(commands(path)[0][:6]) == [0.0, 7.0, 7.0, 7.0, 0.0, 0.0]


# -- user lists ----------------------------------------------------------------------------------

EPOCHS = [epoch(0, 0, 1, 10.0, 4), epoch(0, 1, 3, 30.0, 12, level_step=7.0, period=4, width=2)]


@pytest.mark.parametrize(("version", "epochs"), [((2, 0, 0, 0), 10), ((2, 9, 0, 0), 50)])
@pytest.mark.parametrize(
    ("block", "text", "expected"),
    [
        (1, "5, -5,20", [[5, 5, 0, 0], [-5, -5, 0, 0], [20, 20, 0, 0]]),
        (2, "2,0, 3", [[30, 30, 0, 0], [0, 0, 0, 0], [44, 44, 10, 0]]),
        (3, "4,6,3,", [[30, 30, 10, 10], [37, 37, 10, 10], [44, 44, 10, 44]]),
        (4, "1,2,3", [[30, 10, 10, 10], [37, 37, 10, 10], [44, 44, 44, 10]]),
    ],
)
def test_user_lists_replace_what_the_epoch_table_says(
    tmp_path, version, epochs, block, text, expected
):
    parameter = 11 + block * epochs + 1  # of the second epoch
    path = abf2(
        tmp_path / "cell.abf",
        ZEROS,
        epochs=EPOCHS,
        lists=[(0, parameter, text)],
        version=version,
    )
    expected = np.array(expected, dtype=float)
    if block == 1:
        expected = np.where(expected == 0, 10.0, expected)
    for command, start in zip(commands(path), expected, strict=True):
        np.testing.assert_array_equal(command[2:6], 10.0)
        np.testing.assert_array_equal(command[6:10], start)


def test_a_short_user_list_repeats_its_last_value_or_all(tmp_path):
    for repeat, third in ((0, -5.0), (1, 5.0)):
        path = abf2(tmp_path / "cell.abf", ZEROS, epochs=EPOCHS, lists=[(0, 22, "5,-5", repeat)])
        assert [c[6] for c in commands(path)] == [5.0, -5.0, third]


def test_user_lists_that_cannot_be_applied_are_refused(tmp_path):
    path = abf2(tmp_path / "cell.abf", ZEROS, epochs=EPOCHS, lists=[(0, 6, "1,2,3")])
    with pytest.raises(RecordingError, match=r"user list of Cmd 0 varies parameter 6 .*protocol="):
        read(path)
    path = abf2(tmp_path / "cell.abf", ZEROS, epochs=EPOCHS, lists=[(0, 12, "0001,0010,0000")])
    assert [c[6] for c in commands(path)] == [30.0, 37.0, 44.0]  # digital outputs only


def test_user_list_of_version_1(tmp_path):
    fields = [
        (2296, "4h", (1, 0, 1, 0)),
        (2308, "2h", (1, 3)),
        (2348, "2f", (10.0, 30.0)),
        (2508, "2i", (4, 12)),
        (2136, "2i", (0, 4)),
        (2216, "2i", (0, 2)),
        (1394, "f", (-3.0,)),
        (3360, "h", (1,)),
        (3368, "h", (22,)),
        (3376, "256s", (b"5, -5,20",)),
    ]
    path = abf1(tmp_path / "cell.abf", np.full((3, N), -65.25), fields)
    for command, level in zip(commands(path), (5.0, -5.0, 20.0), strict=True):
        expected = [-3, -3, 10, 10, 10, 10, *[level, level, 10, 10] * 3, -3]
        np.testing.assert_array_equal(command[:19], expected)
    np.testing.assert_allclose(read(path)[0].v, -65.25, atol=1e-4)


def test_the_waveform_of_headers_before_version_1_6(tmp_path):
    fields = [
        (1438, "h", (1,)),
        (1440, "h", (1,)),  # the active output
        (1444, "2h", (1, 2)),
        (1464, "2f", (10.0, 30.0)),
        (1504, "2f", (1.0, 0.0)),
        (1544, "2h", (4, 4)),
        (1394, "2f", (7.0, -3.0)),
    ]
    path = abf1(tmp_path / "cell.abf", np.full((2, N), -65.25), fields, old=True)
    for k, command in enumerate(commands(path)):
        start = 10.0 + k
        ramp = start + (30.0 - start) * np.array([0.25, 0.5, 0.75, 1.0])
        np.testing.assert_allclose(command[:11], [-3, -3, *[start] * 4, *ramp, -3])


# -- what cannot be told ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"epochs": [epoch(0, 0, 8, 1.0, 4)]}, "epoch A is of unknown type 8"),
        ({"epochs": [epoch(0, 2, 3, 1.0, 4)]}, "epoch C is a train with a period of 0"),
        ({"epochs": [epoch(0, 0, 1, 1.0, 127)]}, "take 129 samples or more, the sweep has 128"),
        ({"epochs": EPOCHS, "per_run": 2}, "sweep 2: the protocol in the header has 2 sweeps"),
        ({"epochs": EPOCHS, "compressed": 1}, "its samples are compressed"),
    ],
)
def test_headers_that_do_not_say_what_was_applied(tmp_path, changes, message):
    path = abf2(tmp_path / "cell.abf", ZEROS, **changes)
    with pytest.raises(RecordingError, match=message):
        read(path)
    if "per_run" in changes:
        assert len(read(path, sweeps=[0, 1])) == 2


def test_times_are_those_of_the_header(tmp_path):
    path = abf2(tmp_path / "cell.abf", ZEROS, epochs=EPOCHS, interval=2481.0)
    t = read(path)[0].t
    np.testing.assert_allclose(t, 2.481 * np.arange(N), rtol=1e-7)
    path = abf1(
        tmp_path / "old.abf", np.zeros((1, N)), [(2296, "4h", (1, 0, 1, 0))], interval=33.25
    )
    np.testing.assert_allclose(read(path)[0].t, 0.03325 * np.arange(N), rtol=1e-7)
    path = abf1(tmp_path / "old.abf", np.zeros((1, N)), [(126, "f", (200.0,))])
    with pytest.raises(RecordingError, match="split clock"):
        read(path)


# -- stimulus files --------------------------------------------------------------------------------


def atf(path, columns, signals="IN 0"):
    head = ["ATF\t1.0", f"2\t{1 + len(columns)}", '"Comment="', f'"SignalsExported={signals}"']
    head.append("\t".join(['"Time (s)"', *(f'"Trace #{i + 1} (mV)"' for i in range(len(columns)))]))
    rows = zip(1e-4 * np.arange(N), *columns, strict=True)
    path.write_text("\n".join([*head, *("\t".join(map(repr, map(float, r))) for r in rows)]))


def stimulus(path, **more):
    outputs = [output(unit="mV", source=2, holding=-70.0, file="C:\\stim\\Wave.atf", **more)]
    return abf2(path, ZEROS, inputs=[("IN 0", "pA")], outputs=outputs)


def test_stimulus_files_are_scaled_and_held_at_both_ends(tmp_path):
    first, second = np.arange(N) * 1.0, 100.0 - np.arange(N)
    atf(tmp_path / "wave.atf", [first, second])
    path = stimulus(tmp_path / "cell.abf", scale=0.5, offset=-60.0)
    expected = [first, second, second]  # past the end the last one is played again
    for command, wave in zip(commands(path), expected, strict=True):
        np.testing.assert_array_equal(command[[0, 1, -2, -1]], -70.0)
        np.testing.assert_allclose(command[2:-2], -60.0 + 0.5 * wave[2:-2])
    for number, wave in ((-1, second), (1, first), (2, second)):
        path = stimulus(tmp_path / "cell.abf", episode=number)
        np.testing.assert_allclose(commands(path)[0][2:-2], wave[2:-2])


def test_a_stimulus_file_in_abf(tmp_path):
    data = np.stack([np.zeros(N), np.arange(N) * 1.0])[None]
    abf2(tmp_path / "wave.abf", data, inputs=[("IN 0", "pA"), ("IN 3", "mV", 3)], outputs=[])
    outputs = [output(unit="mV", source=2, file="wave.abf", scale=2.0, channel=3)]
    path = abf2(tmp_path / "cell.abf", ZEROS, inputs=[("IN 0", "pA")], outputs=outputs)
    np.testing.assert_allclose(commands(path)[0][2:-2], 2.0 * np.arange(N)[2:-2])
    outputs[0]["channel"] = 5
    path = abf2(tmp_path / "cell.abf", ZEROS, inputs=[("IN 0", "pA")], outputs=outputs)
    with pytest.raises(RecordingError, match=r"it has channels \[0, 3\], not 5"):
        read(path)


def test_stimulus_files_that_are_missing_or_do_not_fit(tmp_path):
    path = stimulus(tmp_path / "cell.abf")
    with pytest.raises(
        RecordingError, match=r'"C:\\stim\\Wave.atf", which is not beside .*protocol='
    ):
        read(path)
    atf(tmp_path / "wave.atf", [np.zeros(N), np.zeros(N)], signals="IN 0,IN 1")
    with pytest.raises(RecordingError, match="it has several signals"):
        read(path)
    (tmp_path / "wave.atf").write_text("nothing")
    with pytest.raises(RecordingError, match="it does not begin with ATF"):
        read(path)
    atf(tmp_path / "wave.atf", [np.zeros(N)])
    text = (tmp_path / "wave.atf").read_text().splitlines()
    (tmp_path / "wave.atf").write_text("\n".join(text[:60]))
    with pytest.raises(RecordingError, match="has 55 samples, the sweep needs 126"):
        read(path)
    path = stimulus(tmp_path / "cell.abf", episode=4)
    atf(tmp_path / "wave.atf", [np.zeros(N)])
    with pytest.raises(RecordingError, match="has 1 sweeps, not 4"):
        read(path)
