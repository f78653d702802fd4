"""The folder of a fit, and Ctrl-C while it is made."""

from __future__ import annotations

import json
import os
import signal

import numpy as np
import pytest
from fit_stub import StubBackend, recording, run

from pyhodgkin import FitResult
from pyhodgkin.errors import DocumentError, InputError
from pyhodgkin.neuron import document
from pyhodgkin.status import Status
from pyhodgkin.storage.locks import locked

# -- in a folder ---------------------------------------------------------------------------


def test_saved_and_loaded(tmp_path):
    result = run(seeds=2, heldout=recording(3, "held"), out=tmp_path / "run", fit_initial=True)
    names = {path.name for path in (tmp_path / "run").iterdir()}
    assert {"model.json", "history.csv", "summary.json", "fit.npz", "checkpoints"} <= names
    back = FitResult.load(tmp_path / "run")
    np.testing.assert_array_equal(back.theta, result.theta)
    np.testing.assert_array_equal(back.neuron.theta, result.neuron.theta)
    for name, array in result.history.items():
        if name == "seconds":
            np.testing.assert_allclose(back.history[name], array, atol=1e-4)
        else:
            np.testing.assert_array_equal(back.history[name], array, err_msg=name)
    assert back.status is Status.SUCCESS and back.seeds == result.seeds
    assert back.log == result.log and str(back.train_error) == str(result.train_error)
    np.testing.assert_array_equal(back.predictions[1].predicted, result.predictions[1].predicted)
    metadata = document.load_metadata(tmp_path / "run")
    assert metadata["voltage_range"] == list(result.voltage_range)
    json.loads((tmp_path / "run" / "summary.json").read_text())


def test_a_failed_run_is_saved_too(tmp_path):
    result = run(backend=StubBackend(fails=lambda theta: True), out=tmp_path)
    back = FitResult.load(tmp_path)
    assert back.status == result.status == Status.MAX_STEPS


@pytest.mark.parametrize("name", ["summary.json", "fit.npz", "history.csv", "model.json"])
def test_a_damaged_folder_is_refused(tmp_path, name):
    run(out=tmp_path)
    path = tmp_path / name
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(DocumentError):
        FitResult.load(tmp_path)
    with pytest.raises(DocumentError, match="holds no fit"):
        FitResult.load(tmp_path / "nowhere")


def test_two_do_not_fit_into_one_folder(tmp_path):
    out = tmp_path / "run"
    with locked(out), pytest.raises(InputError, match="another process is writing to it"):
        run(out=out)
    run(out=out)


# -- Ctrl-C --------------------------------------------------------------------------------


@pytest.mark.parametrize("call", [1, 13, 24, 33])
def test_an_interrupt_keeps_the_best(tmp_path, call, capsys):
    def press(n):
        if n == call:
            os.kill(os.getpid(), signal.SIGINT)

    before = signal.getsignal(signal.SIGINT)
    result = run(backend=StubBackend(on_call=press), out=tmp_path)
    assert signal.getsignal(signal.SIGINT) is before
    assert result.status == Status.INTERRUPTED and "interrupted" in result.message
    assert "interrupted" in capsys.readouterr().err
    assert len(result.history["step"]) == call
    assert FitResult.load(tmp_path).status == Status.INTERRUPTED
    resumed = run(out=tmp_path, resume=True)
    np.testing.assert_array_equal(resumed.theta, run().theta)


def test_an_engine_that_raises_keyboard_interrupt(tmp_path):
    def press(n):
        if n == 13:
            raise KeyboardInterrupt

    result = run(backend=StubBackend(on_call=press), out=tmp_path)
    assert result.status == Status.INTERRUPTED and len(result.history["step"]) == 12


def test_two_interrupts_abort(tmp_path):
    def press(n):
        if n == 13:
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        run(backend=StubBackend(on_call=press), out=tmp_path, checkpoint_every=0.0)
    resumed = run(out=tmp_path, resume=True)
    np.testing.assert_array_equal(resumed.theta, run().theta)
