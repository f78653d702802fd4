"""What `fit` cannot use: one clear error each, and nothing written."""

from __future__ import annotations

from dataclasses import replace

import pytest
from fit_stub import SHORT, StubBackend, neural, recording, run, squid

import pyhodgkin as ph
from pyhodgkin import CurvePenalty, Loss, Stage, fit
from pyhodgkin.errors import InputError, RecordingError, UnknownNameError

IN_NA = replace(recording(clamp="voltage"), current_unit="nA")

BAD = [
    (dict(recordings=[]), RecordingError, "recordings is empty"),
    (dict(recordings="trace.csv"), InputError, "pyhodgkin.read"),
    (dict(recordings=[1]), RecordingError, "holds a int"),
    (dict(recordings=[recording(), IN_NA]), RecordingError, "mix currents in µA/cm² and nA"),
    (dict(heldout=recording()), RecordingError, "also trained on"),
    (dict(heldout=1.5), InputError, "heldout = 1.5"),
    (dict(heldout=["c"]), UnknownNameError, '"c"'),
    (dict(heldout=IN_NA), RecordingError, "mix currents in µA/cm² and nA"),
    (
        dict(recordings=[recording(), recording(clamp="voltage")], loss=Loss(scale=2.0)),
        InputError,
        r'scale = 2 is .* of v \(mV\) and of the current \(µA/cm²\).*loss={"v"',
    ),
    (
        dict(heldout=recording(clamp="voltage"), schedule=Stage(loss=Loss(scale=2.0))),
        InputError,
        "scale = 2 is a unit of one observable",
    ),
    (dict(loss={"i": "mse"}), UnknownNameError, '"i".*v, current'),
    (dict(loss={"v": 3}), InputError, "loss is a int"),
    (dict(trainable="na.gg"), UnknownNameError, r'"na.gg".*did you mean "na.g"'),
    (dict(trainable=[]), InputError, "names no parameter"),
    (dict(neuron=squid(), trainable="networks"), InputError, "names no parameter"),
    (dict(neuron=squid(), seeds=3), InputError, "trains none"),
    (dict(neuron="squid_axon"), InputError, "give a Neuron"),
    (dict(seeds=0), InputError, "seeds = 0"),
    (dict(seeds=[1, 1]), InputError, "twice"),
    (dict(seeds=[-1]), InputError, "seeds"),
    (dict(schedule="fast"), UnknownNameError, "auto"),
    (dict(schedule=[]), InputError, "one Stage or more"),
    (dict(schedule=Stage(trainable="x.y")), UnknownNameError, "x.y"),
    (dict(schedule=Stage(horizon=0.1)), InputError, "horizon = 0.1"),
    (dict(schedule=Stage(options={"rtoll": 1.0})), UnknownNameError, "rtol"),
    (dict(loss="mean"), UnknownNameError, "mse"),
    (dict(loss=3), InputError, "loss is a int"),
    (
        dict(schedule=Stage("clamped", "levenberg", loss=Loss(observer_conductance=2.0))),
        InputError,
        'observer_conductance = 2 mS/cm².*take "lbfgs"',
    ),
    (dict(rtoll=1e-3), UnknownNameError, "rtol"),
    (dict(penalty=CurvePenalty(size=1.0, gates=["h"])), UnknownNameError, '"h"'),
    (dict(bounds={"k.g": (1.0, 2.0)}), UnknownNameError, "bounds"),
    (dict(checkpoint_every=-1.0), InputError, "checkpoint_every"),
]


@pytest.mark.parametrize(("changes", "error", "message"), BAD)
def test_one_clear_error_and_nothing_written(tmp_path, changes, error, message):
    out = tmp_path / "run"
    arguments = {"neuron": neural(), "recordings": recording(), **changes}
    with pytest.raises(error, match=message) as caught:
        fit(
            arguments.pop("neuron"),
            arguments.pop("recordings"),
            **{"backend": StubBackend(), "schedule": SHORT, "out": out, **arguments},
        )
    assert "\n" not in str(caught.value)
    assert not out.exists()


def test_clamped_training_of_a_black_box():
    box = ph.NeuralRightHandSide(ph.Network.create((4, 4, 4)), stimulus_scale=None)
    with pytest.raises(InputError, match='has one network: use mode="simulation"'):
        run(ph.Neuron("box", right_hand_side=box))
    free = ph.NeuralKinetics("free", ph.Network.create((2, 4, 1)))
    with pytest.raises(InputError, match='has a gate of form "free"'):
        run(squid().replace_gate("n", free))


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("here first")
    with pytest.raises(InputError, match="not a folder"):
        run(out=tmp_path / "file" / "run")
    assert (tmp_path / "file").read_text() == "here first"


def test_a_folder_of_another_run(tmp_path):
    run(out=tmp_path)
    before = {p.name: p.stat().st_mtime_ns for p in tmp_path.iterdir()}
    with pytest.raises(InputError, match="holds another run: give resume=True"):
        run(out=tmp_path)
    assert {p.name: p.stat().st_mtime_ns for p in tmp_path.iterdir()} == before
