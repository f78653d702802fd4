"""Checkpoints: whole or refused; a killed run ends where an unbroken one does."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from fit_stub import StubBackend, neural, recording

from pyhodgkin import Stage, fit
from pyhodgkin.errors import CheckpointError, InputError
from pyhodgkin.fitting.run.checkpoints import Checkpoint, Store, read, write

SCHEDULE = (
    Stage("clamped", "adamw", 25, lr=0.05),
    Stage("simulation", "adamw", 15, lr=0.02, weight_decay=0.01),
    Stage("simulation", "lbfgs", 40),
)
# What a run depends on, the same in this process and in the one that is killed.
RUN = dict(schedule=SCHEDULE, seeds=[1, 2], heldout=["held"], trainable=["networks", "k.g"])


def run(folder=None, delay=0.0, on_call=None, **changes):
    traces = [recording(0), recording(1, "held")]
    engine = StubBackend(delay=delay, on_call=on_call)
    arguments = {**RUN, "backend": engine, "out": folder, "progress": False, **changes}
    return fit(neural(), arguments.pop("recordings", traces), **arguments)


def arrays_equal(a, b):
    np.testing.assert_array_equal(a.theta, b.theta)
    np.testing.assert_array_equal(a.scores, b.scores)
    for name in a.history:
        if name != "seconds":
            np.testing.assert_array_equal(a.history[name], b.history[name], err_msg=name)


class Stop(Exception):
    """Stands for anything that ends a process."""


def broken(folder, calls, **changes):
    def stop(n):
        if n == calls:
            raise Stop

    with pytest.raises(Stop):
        run(folder, on_call=stop, checkpoint_every=0.0, **changes)


# -- the file ------------------------------------------------------------------------------


def test_there_and_back(tmp_path):
    arrays = {"x": np.arange(6.0).reshape(2, 3), "ok": np.array([True, False])}
    write(tmp_path / "a.ckpt", Checkpoint(arrays, {"step": 3, "log": ["µ"]}))
    back = read(tmp_path / "a.ckpt")
    assert back.meta == {"step": 3, "log": ["µ"]}
    for name, array in arrays.items():
        assert back.arrays[name].dtype == array.dtype
        np.testing.assert_array_equal(back.arrays[name], array)


def damaged(path: Path, how: str) -> None:
    data = path.read_bytes()
    if how == "short":
        path.write_bytes(data[: len(data) // 2])
    elif how == "flipped":
        path.write_bytes(data[:-9] + bytes([data[-9] ^ 1]) + data[-8:])
    elif how == "empty":
        path.write_bytes(b"")
    elif how == "pickle":
        path.write_bytes(b"\x80\x04}\x94.")
    else:
        version = {"older": b"1", "newer": b"9"}[how]
        path.write_bytes(data.replace(b"checkpoint 2 ", b"checkpoint " + version + b" ", 1))


@pytest.mark.parametrize("how", ["short", "flipped", "empty", "pickle", "newer", "older"])
def test_a_damaged_file_is_refused_in_one_line(tmp_path, how):
    path = tmp_path / "a.ckpt"
    write(path, Checkpoint({"x": np.zeros(100)}, {}))
    damaged(path, how)
    with pytest.raises(CheckpointError) as caught:
        read(path)
    assert "\n" not in str(caught.value) and str(path) in str(caught.value)


def test_two_are_kept(tmp_path):
    store = Store(tmp_path, {"data": "a"})
    for step in range(4):
        store.save(Checkpoint({"x": np.zeros(1)}, {"step": step}))
    names = sorted(p.name for p in (tmp_path / "checkpoints").iterdir())
    assert names == ["latest.ckpt", "previous.ckpt"]
    found, notes = store.load()
    assert found is not None and found.meta["step"] == 3 and not notes
    (tmp_path / "checkpoints/latest.ckpt").unlink()  # killed between the two renamings
    found, _ = store.load()
    assert found is not None and found.meta["step"] == 2


# -- resuming ------------------------------------------------------------------------------


@pytest.mark.parametrize("calls", [1, 2, 17, 26, 30, 47, 53, 60])
def test_resumed_at_any_step_it_ends_the_same(tmp_path, calls):
    unbroken = run()
    broken(tmp_path, calls)
    resumed = run(tmp_path, resume=True)
    arrays_equal(resumed, unbroken)
    assert resumed.log == unbroken.log


@pytest.mark.parametrize("how", ["short", "flipped"])
def test_a_damaged_checkpoint_falls_back_to_the_one_before(tmp_path, how):
    broken(tmp_path, 30)
    damaged(tmp_path / "checkpoints/latest.ckpt", how)
    with pytest.warns(UserWarning, match=r"sha256 does not match.*using the one before") as said:
        resumed = run(tmp_path, resume=True)
    assert len(said) == 1 and "\n" not in str(said[0].message)
    arrays_equal(resumed, run())


def test_when_both_are_damaged_it_says_so(tmp_path):
    broken(tmp_path, 30)
    for name in ("latest", "previous"):
        damaged(tmp_path / f"checkpoints/{name}.ckpt", "short")
    with pytest.raises(CheckpointError, match="start again in another folder"):
        run(tmp_path, resume=True)


CHANGES = {
    "recordings": dict(recordings=[recording(5), recording(1, "held")]),
    "heldout": dict(heldout=None, recordings=[recording(0)]),
    "schedule": dict(schedule=SCHEDULE[:2]),
    "seeds": dict(seeds=[1, 3]),
    "trainable": dict(trainable="networks"),
    "loss": dict(loss="mae"),
    "options": dict(rtol=1e-4),
    # By default they are fitted here: these recordings do not start at rest.
    "fit_initial": dict(fit_initial=False),
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_checkpoint_of_another_run_is_refused(tmp_path, what):
    broken(tmp_path, 5)
    before = (tmp_path / "checkpoints/latest.ckpt").read_bytes()
    with pytest.raises(CheckpointError, match=rf"of another run: different .*{what}"):
        run(tmp_path, resume=True, **CHANGES[what])
    assert (tmp_path / "checkpoints/latest.ckpt").read_bytes() == before


def test_resume_where_nothing_is_starts(tmp_path):
    arrays_equal(run(tmp_path / "new", resume=True), run())


def test_resume_after_the_end_returns_the_result(tmp_path):
    first = run(tmp_path)
    calls = []
    again = run(tmp_path, resume=True, on_call=calls.append)
    arrays_equal(again, first)
    assert not calls


def test_resume_needs_a_folder():
    with pytest.raises(InputError, match="needs out="):
        run(resume=True)


# -- SIGKILL -------------------------------------------------------------------------------

CHILD = """
import sys
sys.path.insert(0, {tests!r})
import test_checkpoint
test_checkpoint.run({folder!r}, delay=0.02, checkpoint_every=0.0)
"""


def child(folder: Path) -> subprocess.Popen:
    code = CHILD.format(tests=str(Path(__file__).parent), folder=str(folder))
    return subprocess.Popen(
        [sys.executable, "-c", code], stderr=subprocess.PIPE, env={**os.environ}, text=True
    )


def wait_for(path: Path, process: subprocess.Popen) -> None:
    deadline = time.monotonic() + 300
    while not path.exists() and time.monotonic() < deadline:
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.01)


def test_killed_and_resumed_it_ends_the_same(tmp_path):
    process = child(tmp_path)
    wait_for(tmp_path / "checkpoints/previous.ckpt", process)
    time.sleep(0.3)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (tmp_path / "summary.json").exists(), "it was killed too late to test anything"
    arrays_equal(run(tmp_path, resume=True), run())


def test_interrupted_from_outside(tmp_path):
    process = child(tmp_path)
    wait_for(tmp_path / "checkpoints/previous.ckpt", process)
    process.send_signal(signal.SIGINT)
    errors = process.communicate()[1]
    assert process.returncode == 0, errors
    assert len(re.findall("interrupted", errors)) == 1 and "Traceback" not in errors
    assert "INTERRUPTED" in (tmp_path / "summary.json").read_text()
    arrays_equal(run(tmp_path, resume=True), run())


def test_the_second_interrupt_aborts_at_once(tmp_path):
    process = child(tmp_path)
    wait_for(tmp_path / "checkpoints/previous.ckpt", process)
    for _ in range(2):
        process.send_signal(signal.SIGINT)
        time.sleep(0.001)
    errors = process.communicate()[1]
    # The first may have been answered before the second came; then the run has stopped cleanly.
    assert "KeyboardInterrupt" in errors or process.returncode == 0
    arrays_equal(run(tmp_path, resume=True), run())
