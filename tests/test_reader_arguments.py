"""Arguments of `read`: honoured by the format of the file, or refused; never ignored."""

from __future__ import annotations

import inspect
from dataclasses import fields
from importlib import import_module

import numpy as np
import pytest
from test_readers import I_STEP, T, V, csv_file
from test_readers_abf_nwb import abf_file, nwb_file

from pyhodgkin import read
from pyhodgkin.errors import RecordingError, RecordingWarning
from pyhodgkin.protocols import CurrentClamp
from pyhodgkin.readers.options import COMMON, Options


def made(folder, ending):
    """A small file of current-clamp sweeps, and the arguments that reading it needs."""
    path = folder / f"cell.{ending}"
    if ending == "csv":
        csv_file(folder, "t_ms,v_mV,i_pA", T, V, I_STEP)
        return path, {"clamp": "current"}
    if ending == "npz":
        np.savez(path, t_ms=T, v_mV=V, i_pA=I_STEP)
        return path, {"clamp": "current"}
    {"abf": abf_file, "nwb": nwb_file}[ending](path)
    return path, {}


@pytest.mark.parametrize("ending", ["csv", "npz", "abf", "nwb"])
def test_scales_multiply_the_stored_numbers_of_every_format(tmp_path, ending):
    path, needed = made(tmp_path, ending)
    plain = read(path, **needed)[-1]
    scaled = read(path, voltage_scale=0.1, current_scale=2, **needed)[-1]
    np.testing.assert_allclose(scaled.v, 0.1 * plain.v)
    np.testing.assert_allclose(scaled.command, 2 * plain.command)
    for value in (0, np.nan, "gain", True):
        with pytest.raises(RecordingError, match="voltage_scale"):
            read(path, voltage_scale=value, **needed)


@pytest.mark.parametrize(
    ("ending", "arguments", "reason"),
    [
        ("abf", {"dt": 1.0}, "header states the times"),
        ("abf", {"rate": 1e4}, "header states the times"),
        ("abf", {"time": "t"}, "header states the times"),
        ("abf", {"time_unit": "s"}, "header states the times"),
        ("abf", {"sweep": "sweep"}, "choose with sweeps="),
        ("nwb", {"dt": 1.0}, "states the times"),
        ("nwb", {"rate": 1e4}, "states the times"),
        ("nwb", {"channel": 1}, "belong to ABF"),
        ("nwb", {"voltage": "v"}, "series"),
        ("csv", {"channel": 3}, "voltage= and current="),
        ("csv", {"channel": 0}, "voltage= and current="),
        ("npz", {"channel": 3}, "voltage= and current="),
        ("npz", {"command": "i"}, "current="),
    ],
)
def test_arguments_that_a_format_cannot_honour_are_refused(tmp_path, ending, arguments, reason):
    path, needed = made(tmp_path, ending)
    ((name, value),) = arguments.items()
    with pytest.raises(RecordingError) as error:
        read(path, **arguments, **needed)
    text = str(error.value)
    assert f"{name}={value!r}" in text and f"for {ending} files" in text and reason in text
    assert str(path) in text and "temperature" in text


def test_an_unknown_channel_is_refused_with_the_channels(tmp_path):
    path, _ = made(tmp_path, "abf")
    with pytest.raises(RecordingError, match=r"channel=\'Vm\': the file has channels 0 \("):
        read(path, channel="Vm")


@pytest.mark.parametrize("ending", ["csv", "abf"])
def test_arguments_about_a_command_that_a_protocol_replaces_are_refused(tmp_path, ending):
    path, needed = made(tmp_path, ending)
    protocol = CurrentClamp(7.0, 20.0, "pA")
    for arguments in (
        {"current_scale": 2.0},
        {"command_mode": "linear"},
        {"current_unit": "nA"},
        {"convert_current": "nA"},
    ):
        with pytest.raises(RecordingError, match=next(iter(arguments))):
            read(path, protocol=protocol, **arguments, **needed)
    (first, *_) = read(path, protocol=protocol, convert_current="pA", voltage_scale=2, **needed)
    assert first.protocol is protocol


def test_every_argument_is_declared_once_and_honoured_by_a_format():
    arguments = set(inspect.signature(read).parameters) - {"path"}
    assert arguments == {f.name for f in fields(Options)}
    modules = [import_module(f"pyhodgkin.readers.{x}") for x in ("csv", "npz", "abf", "nwb")]
    for module in modules:
        assert COMMON <= module.TAKES <= arguments
        assert not module.TAKES & set(module.INSTEAD)
    assert set().union(*(m.TAKES for m in modules)) == arguments


def test_units_of_an_nwb_file_are_overridden_by_the_caller(tmp_path):
    path, _ = made(tmp_path, "nwb")
    plain = read(path)[0]
    with pytest.warns(RecordingWarning, match="states voltage in volts; its numbers .* as mV"):
        told = read(path, voltage_unit="mV")[0]
    np.testing.assert_allclose(told.v, 1e-3 * plain.v)
    with pytest.raises(RecordingError, match=r"would be at most 7e-12 pA: .*convert_current="):
        read(path, current_unit="pA")
